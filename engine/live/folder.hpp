// The folder of a catalogue: what its files are called, and who may write.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace maxdot::live {

/// The number of the log that a catalogue begins with.
inline constexpr std::uint64_t kFirstLog = 1;

class Folder {
 public:
  explicit Folder(std::string path) : path_(std::move(path)) {}

  const std::string& path() const noexcept { return path_; }
  std::string manifest() const { return path_ + "/manifest"; }
  std::string segment(std::uint64_t number) const;
  std::string log(std::uint64_t number) const;

  /// Numbers of the files that are there. Throw Error (io).
  std::vector<std::uint64_t> segments() const;
  std::vector<std::uint64_t> logs() const;

  /// Makes the folder, if there is none, and checks that nothing is in it but what a creation that
  /// was interrupted leaves. Throws Error: io, invalid_argument.
  void make() const;

  /// Removes a file of it. That it cannot be removed is no error: the next who opens the folder
  /// for writing tries again.
  static void remove(const std::string& path) noexcept;

 private:
  std::vector<std::uint64_t> numbers(std::string_view prefix, std::string_view suffix) const;

  std::string path_;
};

/// While it lives, nobody else has the folder open for writing.
class FolderLock {
 public:
  /// Throws Error (io) if somebody has.
  explicit FolderLock(const Folder& folder);
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  /// Throws Error (io) if the path leads to another folder by now, or the lock was removed: what is
  /// there belongs to somebody else.
  void check(const Folder& folder) const;
  /// Gives the folder free, also if children that this process forked still live.
  ~FolderLock();

 private:
  int fd_ = -1;
  pid_t process_;
};

}  // namespace maxdot::live
