// Folders that keep their names when the power fails.
#pragma once

#include <string>

namespace maxdot::base {

/// The folder that holds `path`.
std::string folder_of(const std::string& path);

/// What was written to the file is on the disk. Returns 0 or an errno.
int sync_descriptor(int fd) noexcept;

/// What was made, renamed or removed in the folder is so on the disk. Returns 0 or an errno. A
/// folder that may be written but not read cannot be opened, and some filesystems have no sync for
/// folders: neither is an error, since each file is whole either way.
int sync_folder(const std::string& folder) noexcept;

/// Whether there is something of this name. Throws Error (io) if the system cannot tell.
bool exists(const std::string& path);

/// Makes the folder, and those above it that are missing, such that they stay when the power fails;
/// so does one that another process has just made. Throws Error (io).
void make_folders(const std::string& path);

}  // namespace maxdot::base
