#include "server/models/sources.hpp"

#include <filesystem>

#include "console/failure.hpp"
#include "console/files.hpp"
#include "server/base/utf8.hpp"
#include "server/models/live_model.hpp"

namespace maxdot::server {
namespace {

using tools::ExitCode;
using tools::Failure;

std::string name_of_file(const std::filesystem::path& file) {
  std::string name = file.filename().string();
  if (tools::ends_with(name, kIndexSuffix))
    name.resize(name.size() - std::string(kIndexSuffix).size());
  return as_utf8(name);
}

// Of "items/" and "." as well.
std::string name_of(const std::filesystem::path& file) {
  std::filesystem::path whole = std::filesystem::absolute(file).lexically_normal();
  if (!whole.has_filename()) whole = whole.parent_path();
  return name_of_file(whole);
}

}  // namespace

Sources::Sources(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    std::error_code failed;
    if (std::filesystem::is_directory(path, failed) && !is_live_folder(path)) {
      folders_.push_back(path);
      continue;
    }
    if (!std::filesystem::exists(path, failed)) {
      throw Failure(
          ExitCode::io,
          path + ": there is no such file; name an index, a LiveIndex or a folder of them");
    }
    const std::string name = name_of(path);
    if (name.empty()) throw Failure(ExitCode::usage, path + ": has no name for a model; rename it");
    const auto [other, is_new] = files_.emplace(name, path);
    if (!is_new) {
      throw Failure(ExitCode::usage, path + ": would be the model '" + name + "' as " +
                                         other->second + " is; rename one of them");
    }
  }
}

std::map<std::string, std::string> Sources::all() const {
  std::map<std::string, std::string> found = files_;
  for (const std::string& folder : folders_) {
    if (is_live_folder(folder)) {  // by now: its segments are no models
      found.emplace(name_of(folder), folder);
      continue;
    }
    std::map<std::string, std::string> live;
    std::error_code failed;
    for (auto entry = std::filesystem::directory_iterator(folder, failed);
         !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
      const std::string path = entry->path().string();
      std::error_code unseen;
      const bool is_index = tools::ends_with(path, kIndexSuffix) && entry->is_regular_file(unseen);
      const std::string name = name_of_file(entry->path());
      if (name.empty()) continue;
      if (is_index) found.emplace(name, path);
      if (is_live_folder(path)) live.emplace(name, path);
    }
    found.merge(live);
  }
  return found;
}

}  // namespace maxdot::server
