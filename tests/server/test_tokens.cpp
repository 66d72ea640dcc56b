// Bearer tokens.
#include "console/failure.hpp"
#include "files.hpp"
#include "refused.hpp"
#include "server/base/tokens.hpp"

namespace maxdot::server {
namespace {

void refuse(const Tokens& tokens, Access access, std::string_view authorization) {
  test::check_refused([&] { tokens.check(access, authorization); }, Code::unauthenticated, "token");
}

TEST_CASE("who may write may read, and not the other way round") {
  const maxdot::test::Folder folder;
  const Tokens tokens(folder.put("read", "see \r\n"), folder.put("write", "change"), false);
  tokens.check(Access::read, "Bearer see");
  tokens.check(Access::read, "Bearer change");
  tokens.check(Access::write, "Bearer change");
  for (const char* wrong : {"", "see", "Bearer", "Bearer ", "Bearer se", "Bearer seen",
                            "bearer see", "Bearer see ", "Basic see", "Bearer  see"}) {
    INFO(wrong);
    refuse(tokens, Access::read, wrong);
  }
  refuse(tokens, Access::write, "Bearer see");
  refuse(tokens, Access::write, "");
}

TEST_CASE("without files everybody may read, and change unless that is closed") {
  const Tokens open("", "", false);
  open.check(Access::read, "");
  open.check(Access::write, "Bearer anything");
  const Tokens closed("", "", true);
  closed.check(Access::read, "");
  refuse(closed, Access::write, "Bearer ");
  refuse(closed, Access::write, "");
}

TEST_CASE("a file that holds no token changes nothing") {
  const maxdot::test::Folder folder;
  Tokens tokens(folder.put("read", "see"), "", false);
  for (const std::string& text : {std::string(" \n"), std::string(), std::string(5'000, 'x')}) {
    folder.put("read", text);
    CHECK_THROWS_AS(tokens.reload(), tools::Failure);
    tokens.check(Access::read, "Bearer see");
  }
  folder.put("read", "new");
  tokens.reload();
  tokens.check(Access::read, "Bearer new");
  refuse(tokens, Access::read, "Bearer see");
  CHECK_THROWS_AS(Tokens(folder / "missing", "", false), tools::Failure);
}

}  // namespace
}  // namespace maxdot::server
