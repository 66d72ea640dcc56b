#include "commands/job_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "console/disk.hpp"
#include "console/failure.hpp"

namespace maxdot::tools {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 20;
constexpr const char* kAbout = "about";
constexpr const char* kDone = "done";

/// The first thing in which two descriptions differ: "k is 100, not 50".
std::string difference(const Json& before, const Json& now, const std::string& name) {
  if (before.is_object() && now.is_object()) {
    for (const auto& [key, value] : now.items()) {
      const Json old = before.value(key, Json());
      if (old != value) return difference(old, value, name.empty() ? key : name + " " + key);
    }
  }
  const auto text = [](const Json& value) {
    return printable(value.dump(-1, ' ', false, Json::error_handler_t::replace));
  };
  return name + " was " + text(before) + " and is " + text(now);
}

std::optional<std::uint64_t> number_of(const Json& state, const char* name) {
  const auto found = state.find(name);
  if (found == state.end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<std::uint64_t>();
}

std::optional<JobState> state_of(const Json& document) {
  const auto found = document.find(kDone);
  if (found == document.end() || !found->is_object()) return std::nullopt;
  const auto users = number_of(*found, "users");
  const auto bad_rows = number_of(*found, "bad_rows");
  const auto report_bytes = number_of(*found, "report_bytes");
  if (!users || !bad_rows || !report_bytes) return std::nullopt;
  return JobState{*users, *bad_rows, *report_bytes};
}

}  // namespace

JobFile::JobFile(std::string path, Json about) : path_(std::move(path)), about_(std::move(about)) {}

JobState JobFile::read() const {
  const std::optional<std::string> text = read_file(path_, kMostBytes);
  if (!text) return {};
  const Json document = Json::parse(*text, nullptr, false);
  const bool whole = document.is_object() && document.contains(kAbout);
  const std::optional<JobState> state = whole ? state_of(document) : std::nullopt;
  if (!state) {
    throw Failure(ExitCode::bad_data,
                  path_ + ": does not tell how far a job is; give --restart to begin anew");
  }
  if (document[kAbout] != about_) {
    throw Failure(ExitCode::usage, path_ + ": another job was stopped here: " +
                                       difference(document[kAbout], about_, "") +
                                       "; ask for the same to go on with it, or give --restart to "
                                       "begin anew");
  }
  return *state;
}

void JobFile::write(const JobState& state) const {
  const Json document = {{kAbout, about_},
                         {kDone,
                          {{"users", state.users},
                           {"bad_rows", state.bad_rows},
                           {"report_bytes", state.report_bytes}}}};
  replace_file(path_, document.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

void JobFile::remove() const {
  if (unlink(path_.c_str()) != 0 && errno != ENOENT)
    throw io_failure(path_, "remove", errno, "remove it by hand");
  // Results that are renamed next may have another folder.
  sync_name(path_);
}

Json described(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) throw io_failure(path, "read", errno, "check its path");
  return {{"path", path},
          {"bytes", static_cast<std::uint64_t>(status.st_size)},
          {"changed", std::to_string(status.st_mtim.tv_sec) + "." +
                          std::to_string(1000000000 + status.st_mtim.tv_nsec).substr(1)}};
}

}  // namespace maxdot::tools
