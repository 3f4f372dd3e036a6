#include "daemon/loop/stream.hpp"

#include <csignal>

#include "tests/unit/loop/loop_test.hpp"

namespace syncd::loop {
namespace {

using namespace std::chrono_literals;
using coro::AsyncScope;
using coro::Cancelled;
using coro::StopScope;
using coro::Task;
using test::error_of;
using test::ignore_result;
using test::Pair;
using test::turns;

constexpr std::size_t kLarge = 8 * 1024 * 1024;  // far above what the system buffers

LOOP_TEST(Stream, ReadsWhatThePeerWritesAndThenItsEnd) {
  Pair pair(loop);
  pair.peer.send("hello");
  EXPECT_EQ(co_await pair.stream->read(), "hello");
  pair.peer.reset();
  EXPECT_EQ(co_await pair.stream->read(), "");
  EXPECT_EQ(co_await pair.stream->read(), "") << "the end stays the end";
  EXPECT_FALSE(pair.stream->closed());
}

Task<> append_next(Stream& stream, std::string& into) {
  const std::string_view bytes = co_await stream.read();
  into += bytes;
}

LOOP_TEST(Stream, WakesOnceForTheBytesThatItExpectsAndForTheEnd) {
  test::TcpPort port;
  port.listen(1);
  const auto stream = co_await connect_tcp(loop, "127.0.0.1", port.number);
  test::Fd peer = port.accept();
  stream->expect(10);
  AsyncScope scope;
  std::string received;
  scope.spawn(append_next(*stream, received));
  peer.send("hello");
  co_await turns(loop);
  EXPECT_EQ(received, "");
  peer.send("world");
  co_await scope.join();
  EXPECT_EQ(received, "helloworld");
  peer.send("abc");
  peer.reset();
  EXPECT_EQ(co_await stream->read(), "abc");
  EXPECT_EQ(co_await stream->read(), "");
}

LOOP_TEST(Stream, WritesToThePeer) {
  Pair pair(loop);
  co_await pair.stream->write("hello ");
  co_await pair.stream->write("");
  co_await pair.stream->write("world");
  EXPECT_EQ(pair.peer.receive(), "hello world");
}

Task<> read_all(Stream& stream, std::string& into) {
  while (true) {
    const std::string_view bytes = co_await stream.read();
    if (bytes.empty()) co_return;
    into += bytes;
  }
}

std::string large_text() {
  std::string text(kLarge, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i * 7 % 26);
  return text;
}

LOOP_TEST(Stream, WritesMoreThanTheSystemBuffers) {
  Pair pair(loop);
  const auto reader = adopt_unix(loop, pair.peer.release());
  const std::string sent = large_text();
  std::string received;
  AsyncScope scope;
  scope.spawn(read_all(*reader, received));
  co_await pair.stream->write(sent);
  pair.stream->close();
  co_await scope.join();
  EXPECT_EQ(received.size(), sent.size());
  EXPECT_TRUE(received == sent);
}

LOOP_TEST(Stream, ReadsAndWritesAtTheSameTime) {
  Pair pair(loop);
  const auto other = adopt_unix(loop, pair.peer.release());
  const std::string sent = large_text();
  std::string here;
  std::string there;
  AsyncScope readers;
  readers.spawn(read_all(*pair.stream, here));
  readers.spawn(read_all(*other, there));
  AsyncScope writers;
  writers.spawn(pair.stream->write(sent));
  writers.spawn(other->write(sent));
  co_await writers.join();
  while (here.size() < kLarge || there.size() < kLarge) co_await turns(loop);
  readers.request_stop();
  co_await readers.join();
  EXPECT_TRUE(here == sent && there == sent);
}

LOOP_TEST(Stream, ReadsNothingWhileNobodyAsks) {
  Pair pair(loop);
  const std::size_t first = pair.peer.fill();
  co_await turns(loop);
  EXPECT_LT(first, kLarge);
  EXPECT_EQ(pair.peer.fill(), 0U);
}

Task<> read_one(Stream& stream, std::string& into) { into = co_await stream.read(); }

LOOP_TEST(Stream, StaysUsableWhenAReadIsStopped) {
  Pair pair(loop);
  std::string text;
  AsyncScope scope;
  scope.spawn(read_one(*pair.stream, text));
  scope.request_stop();
  co_await scope.join();
  EXPECT_FALSE(pair.stream->closed());
  pair.peer.send("later");
  EXPECT_EQ(co_await pair.stream->read(), "later");
}

// The bytes are there when the loop polls, the reader is told to stop just before.
LOOP_TEST(Stream, LosesNoByteWhenAReadIsStoppedWhileBytesArrive) {
  Pair pair(loop);
  std::string text;
  AsyncScope scope;
  scope.spawn(read_one(*pair.stream, text));
  pair.peer.send("not lost");
  scope.request_stop();
  co_await scope.join();
  EXPECT_EQ(text, "");
  EXPECT_EQ(co_await with_timeout(loop, 5s, "reading again", pair.stream->read()), "not lost");
}

LOOP_TEST(Stream, LosesNoEndWhenAReadIsStoppedWhileItArrives) {
  Pair pair(loop);
  std::string text;
  AsyncScope scope;
  scope.spawn(read_one(*pair.stream, text));
  pair.peer.reset();
  scope.request_stop();
  co_await scope.join();
  EXPECT_EQ(co_await with_timeout(loop, 5s, "reading again", pair.stream->read()), "");
}

LOOP_TEST(Stream, FailsAReadThatWaitsWhenClosed) {
  Pair pair(loop);
  std::string text;
  AsyncScope scope;
  const auto read = [](Stream& stream, std::string& error) -> Task<> {
    error = co_await error_of(ignore_result(stream.read()));
  };
  scope.spawn(read(*pair.stream, text));
  pair.stream->close();
  co_await scope.join();
  EXPECT_EQ(text, "transient reading: operation canceled");
}

LOOP_TEST(Stream, FailsAWriteThatWaitsWhenClosed) {
  Pair pair(loop);
  const std::string large(kLarge, 'x');
  std::string text;
  AsyncScope scope;
  const auto write = [](Stream& stream, const std::string* data, std::string& error) -> Task<> {
    error = co_await error_of(stream.write(*data));
  };
  scope.spawn(write(*pair.stream, &large, text));
  pair.stream->close();
  co_await scope.join();
  EXPECT_EQ(text, "transient writing: operation canceled");
}

LOOP_TEST(Stream, IsClosedByAStopInTheMiddleOfAWrite) {
  Pair pair(loop);
  const std::string large(kLarge, 'x');
  AsyncScope scope;
  scope.spawn(pair.stream->write(large));
  co_await turns(loop);
  EXPECT_EQ(scope.running(), 1U);
  scope.request_stop();
  co_await scope.join();
  EXPECT_TRUE(pair.stream->closed());
}

LOOP_TEST(Stream, StaysOpenWhenAWriteIsStoppedBeforeItsFirstByte) {
  Pair pair(loop);
  StopScope stopped(nullptr);
  stopped.request_stop();
  EXPECT_THROW(co_await pair.stream->write("never sent").with_stop(stopped.token()), Cancelled);
  EXPECT_FALSE(pair.stream->closed());
  EXPECT_EQ(pair.peer.receive(), "");
  co_await pair.stream->write("sent");
  EXPECT_EQ(pair.peer.receive(), "sent");
}

// With the default action of SIGPIPE this would end the process.
LOOP_TEST(Stream, TakesAWriteToAPeerThatHasGoneForAnError) {
  Pair pair(loop);
  pair.peer.reset();
  EXPECT_EQ(co_await error_of(pair.stream->write("anybody?")), "transient writing: broken pipe");
  EXPECT_TRUE(pair.stream->closed());
}

LOOP_TEST(Stream, FailsAWriteWhosePeerGoesInTheMiddle) {
  Pair pair(loop);
  const std::string large(kLarge, 'x');
  std::string text;
  AsyncScope scope;
  const auto write = [](Stream& stream, const std::string* data, std::string& error) -> Task<> {
    error = co_await error_of(stream.write(*data));
  };
  scope.spawn(write(*pair.stream, &large, text));
  pair.peer.reset();
  co_await scope.join();
  EXPECT_EQ(text.rfind("transient writing: ", 0), 0U) << text;
  EXPECT_TRUE(pair.stream->closed());
}

LOOP_TEST(Stream, RefusesEverythingWhenClosed) {
  Pair pair(loop);
  EXPECT_GE(pair.stream->fd(), 0);
  pair.stream->close();
  pair.stream->close();
  EXPECT_TRUE(pair.stream->closed());
  EXPECT_EQ(pair.stream->fd(), -1);
  EXPECT_EQ(co_await error_of(ignore_result(pair.stream->read())),
            "transient reading: the connection is closed");
  EXPECT_EQ(co_await error_of(pair.stream->write("x")), "transient writing: the connection is closed");
}

LOOP_TEST(Stream, ShowsItsPeerTheEndWhenItGoes) {
  Pair pair(loop);
  pair.stream.reset();
  co_await turns(loop);
  char byte = 0;
  EXPECT_EQ(::recv(pair.peer.get(), &byte, 1, 0), 0);
}

TEST(Stream, SaysThatItCannotAdoptADescriptor) {
  EventLoop loop;
  EXPECT_THROW((void)adopt_unix(loop, -1), Error);
}

}  // namespace
}  // namespace syncd::loop
