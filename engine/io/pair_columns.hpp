// Which columns of a table hold the user and the item, told by their names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "maxdot/io.hpp"

namespace maxdot::io {

/// The cells of a line of text: parts between `separator`, without spaces around them and without
/// double quotes; for a space, parts between spaces. At most `most` of them.
void split_cells(std::string_view line, char separator, std::size_t most,
                 std::vector<std::string_view>& cells);

/// The first comma, semicolon or tab outside double quotes, or a space if there is none.
char separator_of(std::string_view line);

/// Whether a cell that begins with a double quote does not end on the line: it goes on in the next
/// one, which holds no row of its own then.
bool has_open_quote(std::string_view line);

}  // namespace maxdot::io
