"""The recipe of maxdot for Conan 2: the libraries and, with `tools=True`, the command. docs/packages.md says what was run of it."""

import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load, rmdir

required_conan_version = ">=2.0"


class MaxdotConan(ConanFile):
    name = "maxdot"
    description = "The exact top-k for recommender embeddings, on CPUs"
    license = "Apache-2.0"
    topics = ("nearest-neighbors", "top-k", "embeddings", "recommender-systems", "maximum-inner-product-search")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False], "tools": [True, False]}
    default_options = {"shared": False, "tools": False}

    @property
    def _root(self):
        return os.path.join(self.recipe_folder, "..", "..")

    def set_version(self):
        text = load(self, os.path.join(self._root, "include", "maxdot", "version.h"))
        self.version = ".".join(re.findall(r"#define MAXDOT_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", text))

    def export_sources(self):
        for pattern in ("CMakeLists.txt", "LICENSE", "THIRD-PARTY-LICENSES", "cmake/*", "include/*", "engine/*", "judge/*", "tools/*"):
            copy(self, pattern, self._root, self.export_sources_folder)

    def requirements(self):
        self.requires("xxhash/[>=0.8.1 <0.9]")
        self.requires("xsimd/[>=8.1 <15]", visible=False)  # in no public header
        if self.options.tools:
            self.requires("cli11/[>=2.1 <3]", visible=False)
            self.requires("nlohmann_json/[>=3.10 <4]", visible=False)

    def validate(self):
        check_min_cppstd(self, 20)
        if self.settings.os != "Linux" or self.settings.arch not in ("x86_64", "armv8"):
            raise ConanInvalidConfiguration("maxdot runs on Linux, on x86-64 and 64-bit Arm")

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["MAXDOT_BUILD_SHARED"] = bool(self.options.shared)
        toolchain.cache_variables["MAXDOT_BUILD_TOOLS"] = bool(self.options.tools)
        toolchain.cache_variables["MAXDOT_BUILD_TESTS"] = False
        toolchain.cache_variables["MAXDOT_BUILD_BENCH"] = False
        toolchain.cache_variables["CMAKE_DISABLE_FIND_PACKAGE_faiss"] = True
        toolchain.generate()
        dependencies = CMakeDeps(self)
        dependencies.set_property("xsimd", "cmake_target_name", "xsimd")
        dependencies.set_property("xxhash", "cmake_file_name", "xxHash")
        dependencies.set_property("xxhash", "cmake_target_name", "xxHash::xxhash")
        dependencies.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        copy(self, "THIRD-PARTY-LICENSES", self.source_folder, os.path.join(self.package_folder, "licenses"))
        for folder in ("cmake", "pkgconfig"):  # Conan writes its own for the consumer
            rmdir(self, os.path.join(self.package_folder, "lib", folder))
        rmdir(self, os.path.join(self.package_folder, "share"))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "maxdot")
        library = self.cpp_info.components["maxdot"]
        library.set_property("cmake_target_name", "maxdot::shared" if self.options.shared else "maxdot::maxdot")
        library.set_property("pkg_config_name", "maxdot")
        library.libs = ["maxdot"]
        library.requires = ["xxhash::xxhash"]  # the others are invisible: Conan refuses them here
        library.system_libs = ["pthread", "m"]
        if not self.options.shared:
            evaluate = self.cpp_info.components["evaluate"]
            evaluate.set_property("cmake_target_name", "maxdot::evaluate")
            evaluate.libs = ["maxdot_evaluate"]
            evaluate.requires = ["maxdot"]
