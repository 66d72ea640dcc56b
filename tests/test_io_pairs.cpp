// Pairs of ids from arrays and from text.
#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "files.hpp"
#include "maxdot/error.hpp"
#include "maxdot/io.hpp"

using namespace maxdot::test;
using maxdot::ErrorCode;

TEST_CASE("io: pairs from arrays and from text") {
  const Folder folder;
  using Ids = std::vector<std::int64_t>;
  const Ids flat = {0, 7, 5, -3, 5, 9007199254740993};
  const Ids first = {0, 5, 5};
  const Ids second = {7, -3, 9007199254740993};
  const auto reads = [&](const char* name, const std::string& bytes) {
    const maxdot::IdPairs pairs = maxdot::read_id_pairs(folder.put(name, bytes));
    return pairs.first == first && pairs.second == second;
  };
  CHECK(reads("p.npy", npy("'<i8'", "(3, 2)", bytes_of(flat))));
  CHECK(reads("p.csv", "0,7\n5,-3\n5,9007199254740993\n"));
  CHECK(reads("p.csv", "user,item,rating\r\n0,7,4.5\r\n\r\n5;-3;1\r\n 5\t9007199254740993\r\n\r\n"));
  std::vector<std::int32_t> narrow(140000);  // more than one block
  for (std::size_t i = 0; i < narrow.size(); ++i) narrow[i] = static_cast<std::int32_t>(i);
  const maxdot::IdPairs many =
      maxdot::read_id_pairs(folder.put("n.npy", npy("'<i4'", "(70000, 2)", bytes_of(narrow))));
  REQUIRE(many.first.size() == 70000);
  CHECK(many.first[69999] == 139998);
  CHECK(many.second[69999] == 139999);
  CHECK(maxdot::read_id_pairs(folder.put("none.csv", "")).first.empty());

  const auto refuse = [&](const char* name, const std::string& bytes, ErrorCode code, const char* part) {
    const std::string path = folder.put(name, bytes);
    check_refused([&] { maxdot::read_id_pairs(path); }, code, path, part);
  };
  refuse("x.csv", "1,2\n3\n", ErrorCode::bad_format, "line 2: '3' is no pair");
  refuse("x.csv", "1,2\n3,\n", ErrorCode::bad_format, "line 2: '3,' is no pair");
  refuse("x.csv", "1,2\n3,4x\n", ErrorCode::bad_format, "line 2: '3,4x' is no pair");
  refuse("x.csv", "1,2\n3,9223372036854775808\n", ErrorCode::bad_format, "line 2: ");
  refuse("x.csv", std::string(5000, '1'), ErrorCode::bad_format, "line 1 is too long for a pair");
  refuse("x.npy", npy("'<i8'", "(6,)", bytes_of(flat)), ErrorCode::unsupported, "[m, 2]");
  refuse("x.npy", npy("'<i8'", "(2, 3)", bytes_of(flat)), ErrorCode::unsupported, "[m, 2]");
  refuse("x.npy", npy("'<f8'", "(3, 2)", bytes_of(flat)), ErrorCode::unsupported, "x.astype('int64')");
  refuse("x.npy", npy("'<i8'", "(4, 2)", bytes_of(flat)), ErrorCode::bad_format, "cut short");
}
