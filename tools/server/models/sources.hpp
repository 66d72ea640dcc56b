// Which file or LiveIndex folder each model is made of, from the paths of the command line.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace maxdot::server {

/// The end of an index file's name; the model is named by what stands before it.
inline constexpr const char* kIndexSuffix = ".maxdot";

class Sources {
 public:
  /// Each path is an index file, a LiveIndex folder, or a folder of such. Throws tools::Failure: io
  /// (a path leads to nothing), usage (two have the same name, or a name has no characters).
  explicit Sources(const std::vector<std::string>& paths);

  /// Those that were named, by the names of their models. These must load at the start.
  const std::map<std::string, std::string>& files() const noexcept { return files_; }

  /// These and those that lie in the folders now. A name that stands in several places is the one
  /// of the first: what was named comes first, then folders in their order, and in each of them
  /// index files before LiveIndex folders.
  std::map<std::string, std::string> all() const;

 private:
  std::map<std::string, std::string> files_;
  std::vector<std::string> folders_;
};

}  // namespace maxdot::server
