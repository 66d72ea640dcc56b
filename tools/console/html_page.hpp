// --html: a command's report as a page to look at, which the Python package maxdot.pages makes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "console/cli_fwd.hpp"
#include "console/console.hpp"

namespace maxdot::tools {

/// --html FILE.
CLI::Option* add_html(CLI::App& command, std::optional<std::string>& path);

/// The page of one report. Python is a program of its own, which is run: nothing of it is linked.
class HtmlPage {
 public:
  /// Checks what can be checked before long work begins: the path, and that Python has
  /// maxdot.pages. Without `path` there is no page, and nothing is looked at. Throws Failure: as
  /// check_output for the path; unsupported without maxdot.pages.
  HtmlPage(std::optional<std::string> path, const std::vector<std::string>& inputs);

  /// Writes the page of `report`, if one was asked for. Throws Failure (io, or unsupported
  /// if maxdot.pages cannot read the report).
  void write(const Json& report) const;

 private:
  std::optional<std::string> path_;
};

}  // namespace maxdot::tools
