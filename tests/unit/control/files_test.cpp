// ListFiles: what goes over the socket, and what syncctl makes of it.
#include <gtest/gtest.h>

#include "daemon/control/commands.hpp"
#include "daemon/ctl/render.hpp"
#include "tests/unit/control/fake_operations.hpp"
#include "tests/unit/coro/co_test.hpp"

namespace syncd::control {
namespace {

class Nobody final : public Progress {
  coro::Task<> send(Json) override { co_return; }
};

TEST(ListFiles, ShowsWhereEachFileStands) {
  ManualClock clock;
  test::FakeOperations operations(clock);
  FileState file;
  file.file = "/var/log/a\x1b[31m.log";
  file.identity = "fe00:2:1";
  file.offset = 1'000'000;
  file.size = 1'002'048;
  file.lag_bytes = 2048;
  file.lag = std::chrono::seconds(3);
  file.state = "deleted, 2,048 bytes still to read";
  file.truncated = 2;
  operations.file_states = {file};
  Commands commands(clock, operations);
  Call call;
  call.method = "io.syncd.Manager.ListFiles";
  call.parameters = Json::object();
  call.parameters["job"] = "users";
  Nobody nobody;
  Reply reply;
  const auto keep = [](Commands& all, const Call& one, Progress& to, Reply& into) -> coro::Task<> {
    into = co_await all.answer(one, Role::Operate, to);
  };
  coro::test::run(clock, keep(commands, call, nobody, reply));
  EXPECT_EQ(reply.parameters["files"][0]["lag_us"], 3'000'000);
  const std::string text = ctl::file_table(reply.parameters, ctl::Look());
  for (const char* part :
       {"1,000,000", "2.0 KiB, 3.0 s", "deleted, 2,048 bytes still to read", "2 long lines truncated"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " is missing in\n" << text;
  }
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(ctl::file_table(Json::object(), ctl::Look()), "no file was found yet\n");
}

}  // namespace
}  // namespace syncd::control
