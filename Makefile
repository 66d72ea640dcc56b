# maxdot's front door. Two commands set everything up on a fresh Debian 12 machine: `make demo`, `make test`.

SHELL := /bin/bash
MAXDOT := build/release/bin/maxdot
APT := g++ clang-14 clang-format-14 libomp-14-dev cmake ninja-build make pkg-config python3 binutils libxsimd-dev doctest-dev \
       libbenchmark-dev libfaiss-dev libopenblas-dev libcli11-dev nlohmann-json3-dev libxxhash-dev python3-dev python3-venv \
       abigail-tools golang-go ccache
APT_SERVER := libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc prometheus-cpp-dev libboost-dev libssl-dev
APT_SPARK := default-jre-headless
APT_ARM := g++-12-aarch64-linux-gnu qemu-user
APT_DOCS := doxygen python3-venv
APT_DEB := file dpkg-dev
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
ITEMS ?=
VENV := build/venv
PEERS := build/venv-peers
RECHUB := build/venv-rechub
SERVER := build/venv-server
SERVING := build/venv-serving
RAY := build/venv-ray
BATCH := build/venv-batch
SPARK := build/venv-spark
MUTANTS := build/venv-mutants
DOCS := build/venv-docs
ASAN_PYTHON := build/venv-asan
PACKAGING := build/venv-packaging
# Tests at a time. Each may use every core, so more would not be done sooner.
JOBS := $(shell n=$$(nproc); echo $$((n < 4 ? n : 4)))
# Several builds compile the same files the same way, such as `pip install .` after `make test-cpp`. Looked for when a build
# begins, since `make deps` installs it. Without it everything works, more slowly. A file counts as the same if the flags and the
# name of the compiler are. The folder that the compiler was started in does not matter: all paths are whole ones.
export CMAKE_CXX_COMPILER_LAUNCHER = $(shell command -v ccache)
export CCACHE_NOHASHDIR = 1
export CCACHE_DIR ?= $(CURDIR)/build/ccache

.DEFAULT_GOAL := help
.PHONY: help deps build demo test test-cpp test-python asan asan-python tsan clang histories swaps campaign mutants faults faults-server soak batch-kills bench bench-callers bench-callers-python bench-live bench-serving bench-overhead bench-parts bench-roofline bench-worst bench-disk bench-softmax bench-filters tune bench-pair bench-faiss bench-peers bench-approximate bench-growth bench-batch bench-batch-engines bench-batch-peers bench-batch-udf example-rechub test-rechub test-faiss test-ray test-spark server deps-server deps-spark deps-arm test-server test-arm docs test-docs deps-docs deps-deb fuzz tidy format clean sdist wheel test-wheel deb test-deb

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

deps: ## install what is missing (Debian packages; elsewhere, install the same libraries by hand)
	@if command -v apt-get >/dev/null; then \
	  missing=$$(for p in $(APT); do dpkg -s $$p >/dev/null 2>&1 || echo $$p; done); \
	  if [ -n "$$missing" ]; then \
	    echo "installing:" $$missing; \
	    $(SUDO) apt-get update -qq && \
	    DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq $$missing >/dev/null; \
	  fi; \
	else \
	  echo "no apt-get here: install CMake, Ninja, xsimd, xxHash, CLI11, nlohmann-json, doctest, Google Benchmark and FAISS"; \
	fi

build: deps ## build the release preset: the command is then build/release/bin/maxdot
	cmake --preset release
	cmake --build --preset release

deps-server: deps ## install what the server needs, too
	@$(MAKE) --no-print-directory deps APT="$(APT_SERVER)"

deps-spark: deps ## install what Spark needs, too
	@$(MAKE) --no-print-directory deps APT="$(APT_SPARK)"

deps-arm: deps ## install what the tests for 64-bit Arm need, too
	@$(MAKE) --no-print-directory deps APT="$(APT_ARM)"

deps-docs: ## install what the documentation site needs
	@$(MAKE) --no-print-directory deps APT="$(APT_DOCS)"

server: deps-server ## build the server: build/release/bin/maxdot-server (docs/serving.md)
	cmake --preset release -DMAXDOT_BUILD_SERVER=ON
	cmake --build --preset release --target maxdot_cli maxdot_server_command

demo: build ## build an index of real word vectors, search it, score a batch, cross-check with FAISS
	@bash examples/demo.sh $(MAXDOT)

test: test-cpp test-python ## build with GCC and Clang, warnings as errors, and run all tests

test-cpp: deps ## the C++ part of test
	cmake --preset dev
	cmake --build --preset dev
	ctest --preset dev -j $(JOBS)
	cmake --preset clang
	cmake --build --preset clang
	ctest --preset clang -j $(JOBS)

test-python: test-cpp $(VENV)/ready ## the Python part: pip install . into a virtual environment, then pytest
	CXX=c++ $(VENV)/bin/pip install -q --no-build-isolation -C cmake.build-type=RelWithDebInfo -C cmake.define.MAXDOT_WERROR=ON .
	MAXDOT_BIN=$(CURDIR)/build/dev/bin/maxdot $(VENV)/bin/python -m pytest -q -n $(JOBS) tests/python
	MAXDOT_BIN=$(CURDIR)/build/dev/bin/maxdot $(VENV)/bin/python -m pytest -q -n $(JOBS) tests/docs
	python3 tests/faults/matrix.py --quick --python $(VENV)/bin/python --only python-save --only python-live --out build/faults-python || [ $$? = 77 ]
	python3 tests/faults/power_cut.py --quick --python $(VENV)/bin/python --only python-live --only python-create --out build/faults-python || [ $$? = 77 ]

# With the build's own tools, so that what is tested was built by what is pinned.
$(VENV)/ready: tests/python/requirements.txt python/build-requirements.txt | deps
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install -q --require-hashes -r python/build-requirements.txt
	$(VENV)/bin/pip install -q -r $<
	touch $@

test-server: deps-server $(SERVER)/ready ## the server's tests: its parts, then by clients from PyPI
	cmake --preset dev -DMAXDOT_BUILD_SERVER=ON -DMAXDOT_BUILD_BENCH=ON
	cmake --build --preset dev --target maxdot_cli maxdot_server_command maxdot_server_tests maxdot_fuzz_server maxdot_load
	ctest --preset dev -R '^server'
	$(SERVER)/bin/pip install -q .
	MAXDOT_SERVER_BIN=$(CURDIR)/build/dev/bin/maxdot-server $(SERVER)/bin/python -m pytest -q tests/server
	MAXDOT_SERVER_BIN=$(CURDIR)/build/dev/bin/maxdot-server $(SERVER)/bin/python -m pytest -q tests/soak

$(SERVER)/ready: tests/server/requirements.txt | deps
	python3 -m venv $(SERVER)
	$(SERVER)/bin/pip install -q -r $<
	touch $@

sdist: deps $(PACKAGING)/ready ## dist/maxdot-*.tar.gz, which builds without system libraries (docs/packages.md)
	rm -f dist/*.tar.gz
	$(PACKAGING)/bin/python packaging/sdist.py dist

wheel: sdist ## dist/*.whl for Linux with glibc 2.28 or newer, x86-64 and 64-bit Arm (ARGS="--python python3.11 --arch x86_64")
	rm -f dist/*.whl
	$(PACKAGING)/bin/python packaging/wheel.py dist/maxdot-*.tar.gz dist $(ARGS)

test-wheel: deps-arm $(PACKAGING)/ready ## what `make wheel` made: audited, installed without a compiler, README's snippet, the command; Arm's under qemu-user
	$(PACKAGING)/bin/python tests/packages/wheels.py dist

$(PACKAGING)/ready: packaging/requirements.txt python/build-requirements.txt | deps
	python3 -m venv $(PACKAGING)
	$(PACKAGING)/bin/pip install -q --require-hashes -r packaging/requirements.txt
	touch $@

deps-deb: deps-server ## install what packing Debian packages needs, too
	@$(MAKE) --no-print-directory deps APT="$(APT_DEB)"

deb: deps-deb ## dist/*.deb: libmaxdot0, libmaxdot-dev, maxdot, maxdot-server (docs/packages.md)
	cmake -G Ninja -S . -B build/deb -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/usr -DMAXDOT_PACKAGE_DEB=ON \
	  -DMAXDOT_BUILD_SERVER=ON -DMAXDOT_BUILD_TESTS=OFF -DMAXDOT_BUILD_BENCH=OFF -DCMAKE_DISABLE_FIND_PACKAGE_faiss=ON
	cmake --build build/deb
	rm -f dist/*.deb
	cpack --config build/deb/CPackConfig.cmake -B dist
	rm -rf dist/_CPack_Packages

test-deb: ## what `make deb` made: lintian, installed on this machine, used and removed without a trace (needs root)
	@$(MAKE) --no-print-directory deps APT="$(APT) lintian"
	$(SUDO) python3 tests/packages/debs.py dist

test-arm: deps-arm ## cross-compile for 64-bit Arm; the C++ suite and jobs under qemu-user, on two CPUs and every kernel table (ARGS=--quick)
	cmake --preset release
	cmake --build --preset release --target maxdot_cli
	cmake --preset arm
	cmake --build --preset arm --target maxdot_tests maxdot_cli
	python3 tests/arm/run.py build/arm $(MAXDOT) $(ARGS)

asan: deps ## all tests under AddressSanitizer and UndefinedBehaviorSanitizer
	cmake --preset asan
	cmake --build --preset asan
	ctest --preset asan

asan-python: deps $(ASAN_PYTHON)/ready ## the Python tests with AddressSanitizer and UndefinedBehaviorSanitizer in the extension module
	CXXFLAGS="-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all" \
	  $(ASAN_PYTHON)/bin/pip install -q --no-build-isolation -C build-dir=build/python-asan .
	LD_PRELOAD="$$(c++ -print-file-name=libasan.so) $$(c++ -print-file-name=libstdc++.so)" \
	  ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=0 \
	  $(ASAN_PYTHON)/bin/python -m pytest -q -n $(JOBS) tests/python $(ARGS)

# Python itself leaks what it keeps for ever, so leaks are left to `make asan`.
$(ASAN_PYTHON)/ready: tests/python/requirements.txt python/build-requirements.txt | deps
	python3 -m venv $(ASAN_PYTHON)
	$(ASAN_PYTHON)/bin/pip install -q --require-hashes -r python/build-requirements.txt
	$(ASAN_PYTHON)/bin/pip install -q -r $<
	touch $@

tsan: deps ## the threaded tests under ThreadSanitizer
	cmake --preset tsan
	cmake --build --preset tsan
	ctest --preset tsan

fuzz: deps ## compare CASES random searches with an oracle (100,000 if not given), from a fresh seed
	cmake --preset dev
	cmake --build --preset dev --target maxdot_fuzz_differential
	OMP_WAIT_POLICY=PASSIVE build/dev/bin/maxdot_fuzz_differential --cases $(or $(CASES),100000)

histories: deps ## kill writers of a LiveIndex again and again, and check what is left (CASES=20000 histories, SEED=1), in memory
	cmake --preset dev
	cmake --build --preset dev --target maxdot_live_histories
	TMPDIR=/dev/shm build/dev/bin/maxdot_live_histories --histories $(or $(CASES),20000) --seed $(or $(SEED),1)

swaps: deps ## replace a LiveIndex 1,000 times under load, and check every answer and the memory (CASES=1000)
	cmake --preset dev
	cmake --build --preset dev --target maxdot_live_swaps
	TMPDIR=/dev/shm build/dev/bin/maxdot_live_swaps --swaps $(or $(CASES),1000)

campaign: deps-server ## libFuzzer targets under sanitizers, and the differential fuzzer, in turns for HOURS=8; goes on where it ended (build/campaign/report.md)
	cmake --preset dev
	cmake --build --preset dev --target maxdot_fuzz_differential
	cmake --preset libfuzzer -DMAXDOT_BUILD_SERVER=ON
	cmake --build --preset libfuzzer --target fuzz_targets
	python3 tests/fuzz/campaign.py --hours $(or $(HOURS),8)

mutants: deps $(MUTANTS)/ready ## change the bounds of the screens, one place at a time, and ask that a test fails for each (ARGS="--only norm_limit")
	cmake --preset dev
	cmake --build --preset dev --target maxdot
	$(MUTANTS)/bin/python tests/bounds/mutants.py build/dev $(ARGS)

$(MUTANTS)/ready: tests/bounds/requirements.txt | deps
	python3 -m venv $(MUTANTS)
	$(MUTANTS)/bin/pip install -q -r $<
	touch $@

faults: deps $(VENV)/ready ## the n-th call of what users run fails, or it is killed there: memory, files, threads, full disks, power cuts; build/faults/report.md
	cmake --preset dev
	cmake --build --preset dev --target maxdot_cli
	$(VENV)/bin/pip install -q --no-build-isolation .
	rm -rf build/faults
	failed=0; for part in matrix kills full_disk power_cut; do \
	  python3 tests/faults/$$part.py --python $(CURDIR)/$(VENV)/bin/python || failed=1; done; exit $$failed

faults-server: deps-server ## the same for maxdot-server
	cmake --preset dev -DMAXDOT_BUILD_SERVER=ON
	cmake --build --preset dev --target maxdot_cli maxdot_server_command
	python3 tests/faults/server.py

soak: deps-server $(SERVER)/ready ## searches, changes and swaps for two hours; answers are checked, memory must stay flat (MINUTES=120)
	cmake --preset dev -DMAXDOT_BUILD_SERVER=ON
	cmake --build --preset dev --target maxdot_server_command
	$(SERVER)/bin/pip install -q .
	MAXDOT_SERVER_BIN=$(CURDIR)/build/dev/bin/maxdot-server $(SERVER)/bin/python tests/soak/soak.py --minutes $(or $(MINUTES),120)

batch-kills: $(VENV)/ready ## kill a job of maxdot.batch again and again, and compare the files with those of one run (CASES=100, SEED=1)
	$(VENV)/bin/pip install -q --no-build-isolation .
	$(VENV)/bin/python tests/python/kill_batch.py --lives $(or $(CASES),100) --seed $(or $(SEED),1)

bench: build ## measure a search beside FAISS (ITEMS=file.npy for your own data)
	OMP_WAIT_POLICY=PASSIVE MAXDOT_BENCH_ITEMS="$(ITEMS)" build/release/bin/bench_search \
	  --benchmark_enable_random_interleaving=true --benchmark_repetitions=5 --benchmark_report_aggregates_only=true \
	  --benchmark_min_time=0.2

bench-callers: build ## many callers with a query each at a time, as in a server, beside FAISS (ITEMS=file.npy, ARGS=1000000)
	$(if $(ITEMS),MAXDOT_BENCH_ITEMS=$(ITEMS)) build/release/bin/bench_callers $(ARGS)

bench-callers-python: $(PEERS)/ready ## the same from Python threads, beside the newest FAISS wheel (ITEMS=file.npy, ARGS="--callers 16 64")
	$(PEERS)/bin/pip install -q .
	$(PEERS)/bin/python bench/peers/callers.py --out build/bench-callers $(if $(ITEMS),--data $(ITEMS)) $(ARGS)

bench-live: build ## a catalogue that changes while 64 callers ask it, and what parts cost (ITEMS=file.npy, ARGS="60 1000000")
	$(if $(ITEMS),MAXDOT_BENCH_ITEMS=$(ITEMS)) build/release/bin/bench_live $(ARGS)

bench-serving: deps deps-server $(SERVING)/ready ## maxdot-server under a rising load, beside FastAPI + FAISS (ITEMS=file.npy, ARGS="--items 20000 --seconds 1")
	cmake --preset release -DMAXDOT_BUILD_SERVER=ON
	cmake --build --preset release --target maxdot_cli maxdot_server_command maxdot_load
	$(SERVING)/bin/python bench/serving/serving.py --binaries build/release/bin --out build/bench-serving $(if $(ITEMS),--data $(ITEMS)) $(ARGS)

$(SERVING)/ready: bench/serving/requirements.txt | deps
	python3 -m venv $(SERVING)
	$(SERVING)/bin/pip install -q -r $<
	touch $@

bench-overhead: build $(VENV)/ready ## what a call costs beside its search, from C++, C and Python
	build/release/bin/bench_overhead
	$(VENV)/bin/pip install -q --no-build-isolation .
	$(VENV)/bin/python bench/overhead.py

bench-parts: build ## the parts alone: kernels of each instruction set against the ceilings, encode, select, open
	@for part in kernels encode select open; do echo "== $$part"; build/release/bin/bench_$$part || exit 1; done

bench-roofline: build ## how close to the hardware: kernels and searches against measured ceilings, on one core
	build/release/bin/bench_roofline

bench-worst: build ## data that defeats the codes, beside a plain f32 scan
	build/release/bin/bench_worst

bench-disk: build ## rows on the disk beside rows in memory, cache warm and cold (FOLDER=... on the disk, ITEMS=file.npy)
	$(if $(ITEMS),MAXDOT_BENCH_ITEMS=$(ITEMS)) build/release/bin/bench_disk $(or $(FOLDER),build)

bench-softmax: build ## the full softmax beside top-10 searches, one of them by the f32 scan that it is held against
	OMP_WAIT_POLICY=PASSIVE build/release/bin/bench_softmax --benchmark_filter=/1024

bench-filters: build ## what filters and several interests cost beside plain searches
	OMP_WAIT_POLICY=PASSIVE build/release/bin/bench_filters

tune: build ## measure a tuning record on this machine and print it (ITEMS=file.npy), some minutes
	$(if $(ITEMS),MAXDOT_BENCH_ITEMS=$(ITEMS)) OMP_WAIT_POLICY=PASSIVE build/release/bin/bench_tune

bench-pair: deps ## the searches of two commits in turn, ratios (OLD=commit, DATA=gaussian ... or file.npy, ROUNDS=5, PROCESSES=2)
	python3 bench/pair/pair.py $(or $(OLD),HEAD) $(if $(DATA),--data $(DATA)) --rounds $(or $(ROUNDS),5) --processes $(or $(PROCESSES),2)

bench-faiss: $(PEERS)/ready ## the newest FAISS in the same process, ratios by queries and k (DATA=gaussian, clustered or file.npy)
	$(PEERS)/bin/pip install -q .
	OMP_WAIT_POLICY=PASSIVE $(PEERS)/bin/python bench/peers/faiss_ratios.py $(or $(DATA),gaussian)

bench-peers: $(PEERS)/ready ## measure beside the peers from PyPI (FULL=1: hours; ITEMS=file.npy; PAGE=1: the table of docs/peers.md)
	$(PEERS)/bin/pip install -q .
	$(PEERS)/bin/python bench/peers/run.py --out build/bench-peers $(if $(FULL),--full) \
	  $(if $(ITEMS),--data $(ITEMS)) $(if $(PAGE),--update-page)

bench-approximate: $(PEERS)/ready ## where exact beats approximate: hours (DATA=gaussian or file.npy; PAGE=1; ARGS="--sizes 10000 30000")
	$(PEERS)/bin/pip install -q .
	$(PEERS)/bin/python bench/approximate/run.py --out build/bench-approximate --data $(or $(DATA),clustered) \
	  $(if $(PAGE),--update-page) $(ARGS)

bench-growth: $(PEERS)/ready ## time and memory for each item, from 1 to 10 million items (12 GB of memory)
	$(PEERS)/bin/pip install -q .
	OMP_WAIT_POLICY=PASSIVE $(PEERS)/bin/python bench/growth.py $(ARGS)

bench-batch: $(VENV)/ready ## a nightly batch from and to Parquet beside the bare engine: rate and memory (ARGS="--users 2000000 --items 500000")
	$(VENV)/bin/pip install -q --no-build-isolation .
	$(VENV)/bin/python bench/batch/run.py $(ARGS)

bench-batch-peers: $(PEERS)/ready ## the same batch by FAISS, ScaNN and implicit: rate and wrong positions (ARGS="--users 50000 --items 500000")
	$(PEERS)/bin/pip install -q .
	$(PEERS)/bin/python bench/batch/peers.py $(ARGS)

bench-batch-engines: deps-spark $(BATCH)/ready ## the same batch by the command, Ray Data and Spark: time, memory, and whether the rows are the same (ARGS as above)
	$(BATCH)/bin/pip install -q .
	$(BATCH)/bin/python bench/batch/engines.py $(ARGS)

bench-batch-udf: deps-spark $(BATCH)/ready ## FAISS, ScaNN, implicit and maxdot in a pandas UDF of Spark and in actors of Ray Data (ARGS="--users 50000")
	$(BATCH)/bin/pip install -q .
	$(BATCH)/bin/python bench/batch/udf.py $(ARGS)

$(BATCH)/ready: bench/batch/requirements.txt | deps
	python3 -m venv $(BATCH)
	$(BATCH)/bin/pip install -q -r $<
	touch $@

$(PEERS)/ready: bench/peers/requirements.txt bench/peers/install.py | deps
	python3 -m venv $(PEERS)
	$(PEERS)/bin/python bench/peers/install.py
	touch $@

example-rechub: $(RECHUB)/ready ## train a recall model with torch-rechub in three modes, evaluate it exactly (installs torch: gigabytes)
	$(RECHUB)/bin/pip install -q .
	$(RECHUB)/bin/python examples/rechub/run.py --out build/example-rechub

test-faiss: $(VENV)/ready ## FAISS's own Python tests of flat indexes against maxdot.faiss, from a checkout of FAISS elsewhere (FAISS=path)
	@if [ -z "$(FAISS)" ]; then echo "test-faiss: say where a checkout of FAISS is: FAISS=path"; exit 2; fi
	$(VENV)/bin/pip install -q --no-build-isolation .
	$(VENV)/bin/python tests/of_faiss/run_faiss_tests.py $(FAISS)

test-rechub: $(RECHUB)/ready ## torch-rechub's own serving tests with maxdot's builder, and all tests that ask for torch
	$(RECHUB)/bin/pip install -q .
	$(RECHUB)/bin/python tests/rechub/run.py --out build/test-rechub
	$(RECHUB)/bin/python -m pytest -q tests/python/test_rechub.py tests/python/test_rechub_evaluation.py \
	  tests/python/test_implicit.py tests/python/test_arrays.py tests/python/test_evaluate.py tests/python/test_given_tables.py \
	  tests/python/test_id_lists.py tests/python/test_objective_torch.py

$(RECHUB)/ready: tests/rechub/requirements.txt examples/rechub/requirements.txt | deps
	python3 -m venv $(RECHUB)
	$(RECHUB)/bin/pip install -q -r $<
	touch $@

test-ray: $(RAY)/ready ## shards behind Ray Serve and batches of Ray Data: exact, with replicas and workers killed (installs Ray)
	$(RAY)/bin/pip install -q .
	$(RAY)/bin/python -m mypy --cache-dir build/mypy-ray
	$(RAY)/bin/python -m pytest -q -W ignore::DeprecationWarning tests/ray

$(RAY)/ready: tests/ray/requirements.txt | deps
	python3 -m venv $(RAY)
	$(RAY)/bin/pip install -q -r $<
	touch $@

test-spark: deps-spark $(SPARK)/ready ## batches of Spark in local mode: exact, with a worker killed (installs PySpark and a Java runtime)
	$(SPARK)/bin/pip install -q .
	$(SPARK)/bin/python -m mypy --cache-dir build/mypy-spark
	$(SPARK)/bin/python -m pytest -q -W ignore::DeprecationWarning tests/spark

$(SPARK)/ready: tests/spark/requirements.txt | deps
	python3 -m venv $(SPARK)
	$(SPARK)/bin/pip install -q -r $<
	touch $@

docs: $(DOCS)/ready ## the documentation site: build/docs/site/index.html; every link within it is checked
	rm -rf build/docs
	python3 docs/site/pages.py
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --strict --quiet
	python3 docs/site/check_links.py build/docs/site

test-docs: docs build ## the site, then every block of code of its pages and notebooks, with the command and the libraries too
	$(DOCS)/bin/pip install -q .
	cmake --install build/release --prefix build/docs/prefix >/dev/null
	MAXDOT_BIN=$(CURDIR)/build/docs/prefix/bin/maxdot MAXDOT_PREFIX=$(CURDIR)/build/docs/prefix \
	  $(DOCS)/bin/python -m pytest -q tests/docs $(ARGS)

$(DOCS)/ready: docs/site/requirements.txt tests/docs/requirements.txt | deps-docs
	python3 -m venv $(DOCS)
	$(DOCS)/bin/pip install -q -r docs/site/requirements.txt -r tests/docs/requirements.txt
	touch $@

tidy: deps ## clang-tidy over the engine and the command (needs clang-tidy-14)
	cmake --preset clang
	run-clang-tidy-14 -quiet -p build/clang '^$(CURDIR)/(engine|tools)/'

format: deps ## clang-format everything, which a test checks
	git ls-files '*.cpp' '*.hpp' | xargs clang-format-14 -i

clean: ## remove everything that was built
	rm -rf build dist
