// Pairs of ids from arrays and from text.
#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "alloc_faults.hpp"
#include "files.hpp"
#include "maxdot/error.hpp"
#include "maxdot/io.hpp"

using namespace maxdot::test;
using maxdot::ErrorCode;

TEST_CASE("io: a header tells which columns hold the pairs") {
  const Folder folder;
  using Ids = std::vector<std::int64_t>;
  const auto reads = [&](const std::string& text, const maxdot::PairColumns& columns = {}) {
    CAPTURE(text);
    const maxdot::IdPairs pairs = maxdot::read_id_pairs(folder.put("p.csv", text), columns);
    CHECK(pairs.first == Ids{0, 2});
    CHECK(pairs.second == Ids{70, 71});
  };
  reads("user,item\n0,70\n2,71\n");
  reads("item_id,user_id\n70,0\n71,2\n");
  reads(",user,item\n5,0,70\n6,2,71\n");
  reads("Unnamed: 0,a,b\n5,0,70\n6,2,71\n");
  reads("\tuser\titem\n5\t0\t70\n6\t2\t71\n");
  reads("\xEF\xBB\xBFuser,item\n0,70\n2,71\n");
  reads(
      "\xEF\xBB\xBF"
      "0,70\n2,71\n");
  reads("\"\",\"User ID\",\"Movie ID\"\n\"1\",0,70\n\"2\",\"2\",\"71\"\n");
  reads("title,userId,rating,movieId,timestamp\n\"a, b\",0,4.5,70,1\nc 1,2,5,71,2\n");
  reads("rating;uid;iid\n4,5;0;70\n3,5;2;71\n");
  reads("query  doc score\n0 70 1\n2   71  2\n");
  reads("left,right\n0,70\n2,71\n");
  reads("reader,thing\n0,70\n2,71\n");
  reads("user,item\n0;70\n2\t71\n");
  reads("thing,person\n70,0\n71,2\n", {"person", "thing"});
  reads("item,person\n70,0\n71,2\n", {"person", ""});
  reads("user,user_new,item\n9,0,70\n9,2,71\n", {"user_new", ""});
  reads(",0,1\n9,0,70\n9,2,71\n", {"0", "1"});

  const auto refuse = [&](const std::string& text, ErrorCode code, const char* part,
                          const maxdot::PairColumns& columns = {}) {
    const std::string path = folder.put("x.csv", text);
    check_refused([&] { maxdot::read_id_pairs(path, columns); }, code, path, part);
  };
  const auto bad = ErrorCode::bad_format;
  refuse("item,other\n1,2\n", bad,
         "line 1: the columns 'item', 'other' seem to hold the item first");
  refuse("other,user\n1,2\n", bad, "seem to hold the item first");
  refuse("a,b,c\n1,2,3\n", bad, "do not tell which is the user's");
  refuse("user,thing,rating\n1,2,3\n", bad, "do not tell which is the user's");
  refuse("user,item,movie\n1,2,3\n", bad, "more than one that may be the item's");
  refuse("user_id,user_idx,item\n1,2,3\n", bad, "more than one that may be the user's");
  refuse("user\n1\n", bad, "line 1: 'user' is no pair");
  refuse("1,5.0\n2,6\n", bad, "line 1: '1,5.0' is no pair");
  refuse("1,x\n2,6\n", bad, "line 1: ");
  refuse(",0,1\n9,0,70\n", bad, "line 1: ");
  refuse("user,item,rating\n5,,3\n", bad,
         "line 2: '5,,3' is no pair; write columns 'user' and 'item'");
  refuse("5,,3\n", bad, "line 1: '5,,3' is no pair");
  refuse("1,2\n5,,3\n", bad, "line 2: '5,,3' is no pair");
  refuse("rating,user,item\n5,1\n", bad, "line 2: '5,1' is no pair");
  refuse("user,item\n1,2\n", bad, "do not hold 'person'", {"person", "item"});
  refuse("user,item\n1,2\n", bad, "name one column for both", {"user", "user"});
  refuse("1,2\n", ErrorCode::invalid_argument, "line 1: there are no names of columns, but 'user'",
         {"user", "item"});
  const std::string path = folder.put("x.npy", npy("'<i8'", "(1, 2)", bytes_of(Ids{1, 2})));
  check_refused(
      [&] {
        maxdot::read_id_pairs(path, {"user", "item"});
      },
      ErrorCode::invalid_argument, path, "no names");
  const std::string named = folder / "p.csv";
  const maxdot::PairColumns columns = {"0", "1"};
  if (maxdot::test::kAllocationsCanFail) {
    CHECK(maxdot::test::for_each_allocation_fault(
              [&] { (void)maxdot::read_id_pairs(named, columns); }) > 5);
  }
}

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
  CHECK(
      reads("p.csv", "user,item,rating\r\n0,7,4.5\r\n\r\n5;-3;1\r\n 5\t9007199254740993\r\n\r\n"));
  const std::string note(100000, 'x');
  CHECK(reads("p.csv", "user,item,note\n0,7,\"a, \"\"b\"\"\"\n5,-3,5\" pipe\n5,9007199254740993," +
                           note + "\n"));
  CHECK(reads("p.csv",
              "\xEF\xBB\xBF"
              "0,7\n5,-3\n5,9007199254740993\n"));
  std::vector<std::int32_t> narrow(140000);  // more than one block
  for (std::size_t i = 0; i < narrow.size(); ++i) narrow[i] = static_cast<std::int32_t>(i);
  const maxdot::IdPairs many =
      maxdot::read_id_pairs(folder.put("n.npy", npy("'<i4'", "(70000, 2)", bytes_of(narrow))));
  REQUIRE(many.first.size() == 70000);
  CHECK(many.first[69999] == 139998);
  CHECK(many.second[69999] == 139999);
  CHECK(maxdot::read_id_pairs(folder.put("none.csv", "")).first.empty());

  const auto refuse = [&](const char* name, const std::string& bytes, ErrorCode code,
                          const char* part) {
    const std::string path = folder.put(name, bytes);
    check_refused([&] { maxdot::read_id_pairs(path); }, code, path, part);
  };
  refuse("x.csv", "1,2\n3\n", ErrorCode::bad_format, "line 2: '3' is no pair");
  refuse("x.csv", "1,2\n3,\n", ErrorCode::bad_format, "line 2: '3,' is no pair");
  refuse("x.csv", "1,2\n3,4x\n", ErrorCode::bad_format, "line 2: '3,4x' is no pair");
  refuse("x.csv", "1,2\n3,9223372036854775808\n", ErrorCode::bad_format, "line 2: ");
  refuse("x.csv", std::string((1 << 20) + 1, '1'), ErrorCode::bad_format,
         "line 1 is too long for a pair");
  // The rest of a cell with a line break could be taken for a pair.
  for (const char* cell : {"user,item,note\n0,10,\"one\n1,20,two\"\n", "0,10,\"one\n1,20,two\"\n",
                           "0\t10\t \"one \"\"1\"\" \n1\t20\ttwo\"\n", "\"user,item\n0,10\n"}) {
    refuse("x.csv", cell, ErrorCode::bad_format, "a cell in quotes does not end on its line");
  }
  refuse("x.npy", npy("'<i8'", "(6,)", bytes_of(flat)), ErrorCode::unsupported, "[m, 2]");
  refuse("x.npy", npy("'<i8'", "(2, 3)", bytes_of(flat)), ErrorCode::unsupported, "[m, 2]");
  refuse("x.npy", npy("'<f8'", "(3, 2)", bytes_of(flat)), ErrorCode::unsupported,
         "x.astype('int64')");
  refuse("x.npy", npy("'<i8'", "(4, 2)", bytes_of(flat)), ErrorCode::bad_format, "cut short");
}

TEST_CASE("io: pairs some at a time are the pairs of the whole file") {
  const Folder folder;
  std::vector<std::int64_t> flat(2 * 70001);
  std::string text = "item,user\n";
  for (std::size_t i = 0; i < flat.size(); i += 2) {
    flat[i] = static_cast<std::int64_t>(i * 7919 % 10007);
    flat[i + 1] = static_cast<std::int64_t>(i);
    text += std::to_string(flat[i + 1]) + "," + std::to_string(flat[i]) + "\n";
  }
  const std::string array = folder.put("p.npy", npy("'<i8'", "(70001, 2)", bytes_of(flat)));
  const std::string table = folder.put("p.csv", text);
  const maxdot::IdPairs whole = maxdot::read_id_pairs(array);
  for (const std::string& path : {array, table}) {
    for (const std::size_t most : {std::size_t{1}, std::size_t{65537}, ~std::size_t{0}}) {
      CAPTURE(path);
      CAPTURE(most);
      maxdot::PairFile file = maxdot::PairFile::open(path);
      maxdot::IdPairs all;
      maxdot::IdPairs part = {{1, 2, 3}, {4, 5, 6}};  // what it held is replaced
      while (file.next(part, most)) {
        CHECK_UNARY(part.first.size() <= most && part.first.size() == part.second.size());
        all.first.insert(all.first.end(), part.first.begin(), part.first.end());
        all.second.insert(all.second.end(), part.second.begin(), part.second.end());
      }
      CHECK(part.first.empty());
      CHECK_FALSE(file.next(part, most));
      CHECK(all.first == whole.first);
      CHECK(all.second == whole.second);
    }
  }
  maxdot::PairFile file = maxdot::PairFile::open(table);
  maxdot::IdPairs part;
  check_refused([&] { file.next(part, 0); }, ErrorCode::invalid_argument, table, "0 pairs");
  const maxdot::PairFile taken = std::move(file);
  CHECK_THROWS_AS(file.next(part, 1), maxdot::Error);  // NOLINT(bugprone-use-after-move)
  const std::string broken = folder.put("x.csv", "1,2\n3,4\n5\n");
  maxdot::PairFile to_break = maxdot::PairFile::open(broken);
  CHECK(to_break.next(part, 2));
  check_refused([&] { to_break.next(part, 2); }, ErrorCode::bad_format, broken, "line 3: '5'");
}
