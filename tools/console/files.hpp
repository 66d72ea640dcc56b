// Checks on paths before long work begins.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace maxdot::tools {

/// True if both name one file, also by way of links or another spelling of the folder.
bool same_file(const std::string& a, const std::string& b);

/// Throws unless `path` can become a regular file: its folder exists and may be written, and `path`
/// is no folder and no device (the rename that finishes a file would replace it). Failure: usage if
/// it is one of `inputs`; io for the rest. Empty inputs are ignored.
void check_output(const std::string& path, const std::vector<std::string>& inputs);

bool ends_with(std::string_view text, std::string_view ending) noexcept;

}  // namespace maxdot::tools
