// The CPU quota and the memory of control groups, from trees of files as Linux shows them, and from
// odd ones.

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <string>

#include "base/cgroup.hpp"
#include "base/parallel.hpp"
#include "files.hpp"

using namespace maxdot;

namespace {

/// A machine's files below a folder.
class Tree {
 public:
  explicit Tree(const std::string& groups) { put("proc/self/cgroup", groups); }

  Tree& put(const std::string& name, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(folder_ / name).parent_path());
    folder_.put(name, text);
    return *this;
  }
  Tree& v2(const std::string& group, const std::string& text) {
    return put("sys/fs/cgroup" + group + "/cpu.max", text);
  }
  Tree& v1(const std::string& mount, const std::string& group, const std::string& quota,
           const std::string& period) {
    put("sys/fs/cgroup/" + mount + group + "/cpu.cfs_quota_us", quota);
    return put("sys/fs/cgroup/" + mount + group + "/cpu.cfs_period_us", period);
  }
  double cpus() const { return base::cgroup_cpus(folder_ / ""); }
  double group_bytes() const { return base::cgroup_free_bytes(folder_ / ""); }
  double bytes() const { return base::free_bytes(folder_ / ""); }

 private:
  test::Folder folder_;
};

constexpr double kUnlimited = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("cgroup v2: the least of the group and its ancestors") {
  CHECK(Tree("0::/\n").cpus() == kUnlimited);
  CHECK(Tree("0::/\n").v2("", "150000 100000\n").cpus() == 1.5);
  CHECK(Tree("0::/\n").v2("", "max 100000\n").cpus() == kUnlimited);
  CHECK(Tree("0::/a/b\n").v2("/a/b", "200000 100000\n").v2("/a", "max 100000\n").cpus() == 2.0);
  CHECK(Tree("0::/a/b\n").v2("/a/b", "400000 100000\n").v2("/a", "50000 100000\n").cpus() == 0.5);
  CHECK(Tree("0::/a/b\n").v2("/a/b", "300000 100000\n").v2("", "600000 100000\n").cpus() == 3.0);
  // A group beside the own one, and one below it, do not count.
  CHECK(Tree("0::/a\n").v2("/b", "100000 100000\n").v2("/a/c", "100000 100000\n").cpus() ==
        kUnlimited);
}

TEST_CASE("cgroup v2: a container's mount is its own group, whatever path the host shows") {
  CHECK(Tree("0::/docker/0123\n").v2("", "250000 100000\n").cpus() == 2.5);
  CHECK(
      Tree("0::/../other\n").v2("", "250000 100000\n").v2("/../other", "100000 100000\n").cpus() ==
      2.5);
}

TEST_CASE("cgroup v1: the cpu controller, under each name of its mount") {
  const std::string groups = "12:cpuset:/x\n4:cpu,cpuacct:/a/b\n1:name=systemd:/y\n0::/z\n";
  for (const char* mount : {"cpu", "cpu,cpuacct"}) {
    CHECK(Tree(groups).v1(mount, "/a/b", "200000\n", "100000\n").cpus() == 2.0);
    CHECK(Tree(groups)
              .v1(mount, "/a/b", "-1\n", "100000\n")
              .v1(mount, "/a", "30000\n", "20000\n")
              .cpus() == 1.5);
    CHECK(Tree(groups).v1(mount, "", "-1\n", "100000\n").cpus() == kUnlimited);
    CHECK(Tree(groups).v1(mount, "/x", "100000\n", "100000\n").cpus() == kUnlimited);
    CHECK(Tree(groups)
              .v1(mount, "/docker", "100000\n", "100000\n")
              .v1(mount, "", "400000\n", "100000\n")
              .cpus() == 4.0);
  }
  CHECK(Tree("4:cpuacct,cpu:/a\n").v1("cpu", "/a", "100000\n", "100000\n").cpus() == 1.0);
  CHECK(Tree(groups).v2("/z", "100000 100000\n").v1("cpu", "/a/b", "300000\n", "100000\n").cpus() ==
        1.0);
}

TEST_CASE("cgroup files that say nothing sensible limit nothing") {
  const std::string nul("\0\0\0 \0", 5);
  for (const std::string& text :
       {std::string(), std::string("\n"), std::string("0 100000\n"), std::string("100000 0\n"),
        std::string("100000\n"), std::string("-5 100000\n"), std::string("nan nan\n"),
        std::string("1e5 100000\n"), std::string("0x10 1\n"),
        std::string("99999999999999999999999 1\n"), std::string(" 100000 100000\n"),
        std::string("1 2 3\n"), nul, std::string(200000, '9')}) {
    CAPTURE(text.substr(0, 30));
    CHECK(Tree("0::/a\n").v2("/a", text).cpus() == kUnlimited);
    CHECK(Tree("2:cpu:/a\n").v1("cpu", "/a", text, "100000\n").cpus() ==
          (text == "100000\n" ? 1.0 : kUnlimited));
  }
  CHECK(Tree("0::/a").v2("/a", "100000 100000").cpus() == 1.0);  // no newline is no harm
  CHECK(Tree("0::/a b:c\n").v2("/a b:c", "100000 100000\n").cpus() == 1.0);
  for (const std::string& groups :
       {std::string(), std::string("\n\n\n"), std::string("0:"), std::string("0::"),
        std::string("0::relative\n"), std::string("::::::\n"),
        "0::/" + std::string(5000, 'x') + "\n", std::string(100000, '/'),
        std::string("0::") + std::string(60000, '/') + "\n", std::string("0::///a//b/\n"), nul}) {
    CAPTURE(groups.substr(0, 30));
    CHECK(Tree(groups).v2("", "700000 100000\n").cpus() == 7.0);
  }
  CHECK(Tree("0::/a..b\n").v2("/a..b", "100000 100000\n").cpus() == 1.0);
  CHECK(Tree("0::/a/..\n").v2("", "200000 100000\n").v2("/b", "100000 100000\n").cpus() == 2.0);
  CHECK(base::cgroup_cpus("/nowhere") == kUnlimited);
  // A folder where a file should be.
  CHECK(Tree("0::/\n").put("sys/fs/cgroup/cpu.max/x", "").cpus() == kUnlimited);
}

TEST_CASE("available_threads is at least one and stays the same between calls") {
  const int threads = base::available_threads();
  CHECK(threads >= 1);
  CHECK(base::available_threads() == threads);
  CHECK(static_cast<double>(threads) <= std::ceil(base::cgroup_cpus("")));
}

TEST_CASE("free memory: the machine's, cut to what the groups leave; files count as free") {
  const std::string of_machine = "MemTotal:  900 kB\nMemAvailable:     500 kB\nBuffers: 7 kB\n";
  CHECK(Tree("0::/\n").bytes() == kUnlimited);
  CHECK(Tree("0::/\n").put("proc/meminfo", of_machine).bytes() == 500 * 1024);
  const auto group = [](const std::string& folder, const std::string& most,
                        const std::string& used) {
    Tree tree("0::/a/b\n");
    tree.put("sys/fs/cgroup" + folder + "/memory.max", most);
    tree.put("sys/fs/cgroup" + folder + "/memory.current", used);
    tree.put("sys/fs/cgroup" + folder + "/memory.stat", "anon 5\nfile 3000\nfile_mapped 9\n");
    return tree.group_bytes();
  };
  CHECK(group("/a/b", "10000\n", "4000\n") == 9000);
  CHECK(group("/a", "10000\n", "4000\n") == 9000);
  CHECK(group("", "10000\n", "2000\n") == 10000);
  CHECK(group("/a/b", "10000\n", "90000\n") == 0);
  CHECK(group("/a/b", "max\n", "4000\n") == kUnlimited);
  CHECK(group("/a/b", "-5\n", "4000\n") == kUnlimited);
  CHECK(group("/other", "10000\n", "4000\n") == kUnlimited);
  Tree v1("5:memory:/a\n0::/\n");
  v1.put("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "8000\n");
  v1.put("sys/fs/cgroup/memory/a/memory.usage_in_bytes", "7000\n");
  v1.put("sys/fs/cgroup/memory/a/memory.stat", "cache 1\ntotal_cache 500\n");
  CHECK(v1.group_bytes() == 1500);
  CHECK(v1.put("proc/meminfo", of_machine).bytes() == 1500);
}
