// An index file of any bytes: opening it ends in an Error or an Index, whose searches end, touch no
// foreign memory, and, if the file passed verify_codes, return what the oracle says of the rows
// that stand in it.

#include "index_case.hpp"
#include "index_input.hpp"
#include "maxdot/error.hpp"
#include "property.hpp"

namespace fuzz {
namespace {

maxdot::OpenOptions open_options(const Question& question) {
  maxdot::OpenOptions options;
  options.verify_payload = (question.open & 3) == 1;
  options.verify_codes = (question.open & 3) >= 2;
  if ((question.open & 4) != 0) options.rows = maxdot::RowPlace::disk;
  if ((question.open & 8) != 0) options.load = maxdot::Load::memory;
  options.threads = 1;
  return options;
}

void save_and_open(const maxdot::Index& index, const IndexInput& input, bool verified) {
  const std::string path = memory_folder() + "/again";
  const std::uint64_t checksum = index.save(path);
  const maxdot::Index again = maxdot::Index::open(path, open_options(input.question));
  require(again.info().checksum == checksum, "save returns the checksum of what it wrote");
  ask(again, input, verified);
}

}  // namespace
}  // namespace fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fuzz;
  const std::optional<IndexInput> input = index_input({data, size});
  if (!input) return 0;
  const maxdot::OpenOptions options = open_options(input->question);
  try {
    const maxdot::Index index = maxdot::Index::open(put("index", input->file), options);
    ask(index, *input, options.verify_codes);
    if ((input->question.again & 1) != 0) save_and_open(index, *input, options.verify_codes);
  } catch (const maxdot::Error& error) {
    require(error.what()[0] != '\0', "an error says something");
  }
  return 0;
}
