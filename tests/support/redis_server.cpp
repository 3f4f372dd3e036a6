#include "tests/support/redis_server.hpp"

#include <fmt/format.h>
#include <hiredis/hiredis.h>

#include <filesystem>
#include <sstream>

#include "tests/support/eventually.hpp"

namespace syncd::test {
namespace {

RedisValue to_value(const redisReply& reply) {
  RedisValue value;
  using Type = RedisValue::Type;
  switch (reply.type) {
    case REDIS_REPLY_STATUS:
      value.type = Type::Status;
      break;
    case REDIS_REPLY_ERROR:
      value.type = Type::Error;
      break;
    case REDIS_REPLY_INTEGER:
      value.type = Type::Integer;
      value.integer = reply.integer;
      break;
    case REDIS_REPLY_STRING:
      value.type = Type::String;
      break;
    case REDIS_REPLY_ARRAY:
      value.type = Type::Array;
      for (std::size_t i = 0; i < reply.elements; ++i) value.elements.push_back(to_value(*reply.element[i]));
      break;
    default:
      break;
  }
  if (reply.str != nullptr) value.text.assign(reply.str, static_cast<std::size_t>(reply.len));
  return value;
}

// Where redis-server's folder keeps what it saves.
const std::vector<std::string> kDataFiles{"dump.rdb", "appendonlydir"};

}  // namespace

std::vector<std::string> RedisValue::texts() const {
  std::vector<std::string> all;
  for (const RedisValue& element : elements) {
    all.push_back(element.type == Type::Integer ? std::to_string(element.integer) : element.text);
  }
  return all;
}

bool operator==(const RedisValue& value, const std::string& text) {
  return !value.nil() && !value.error() && value.text == text;
}

void RedisServer::Disconnect::operator()(redisContext* context) const { redisFree(context); }

bool RedisServer::installed() { return std::filesystem::exists("/usr/bin/redis-server"); }

RedisServer& RedisServer::shared() {
  static RedisServer server;
  return server;
}

RedisServer::RedisServer(RedisOptions options)
    : options_(std::move(options)), socket_(folder_ / "redis.sock") {
  if (!installed()) throw std::runtime_error("no redis-server");
  ::signal(SIGPIPE, SIG_IGN);  // hiredis writes to connections that may be gone
  if (options_.tls) certificates_ = std::make_unique<Certificates>(options_.certificate_names);
  std::ostringstream config;
  config << "bind 127.0.0.1\nport " << port() << "\nunixsocket " << socket_ << "\ndir "
         << folder_.path().string() << "\nsave \"\"\nenable-debug-command yes\n";
  if (options_.tls) {
    config << "tls-port " << tls_port_.number() << "\ntls-auth-clients no\ntls-cert-file "
           << certificates_->certificate() << "\ntls-key-file " << certificates_->key()
           << "\ntls-ca-cert-file " << certificates_->authority() << '\n';
  }
  if (!options_.password.empty()) config << "requirepass \"" << options_.password << "\"\n";
  for (const std::string& line : options_.config) config << line << '\n';
  folder_.write("redis.conf", config.str());
  start();
}

RedisServer::~RedisServer() = default;

void RedisServer::start() {
  process_ = std::make_unique<Process>(std::vector<std::string>{"redis-server", folder_ / "redis.conf"});
  const bool ready = eventually([this] {
    if (!process_->running()) return true;
    try {
      const RedisValue answer = call("PING");
      return answer.text == "PONG" || answer.text.starts_with("DENIED");
    } catch (const std::exception&) {
      return false;
    }
  });
  if (!ready || !process_->running()) throw std::runtime_error("redis-server does not start: " + log());
}

void RedisServer::stop(Data data) {
  if (data == Data::Keep) call("SAVE");
  client_.reset();
  process_->kill();
  if (data == Data::Keep) return;
  for (const std::string& file : kDataFiles) std::filesystem::remove_all(folder_ / file);
}

redisContext& RedisServer::client(unsigned database) {
  const auto checked = [this](void* reply) {
    if (reply == nullptr) throw std::runtime_error("redis: " + std::string(client_->errstr));
    freeReplyObject(reply);
  };
  if (!client_ || client_->err != 0) {
    client_.reset(redisConnectUnix(socket_.c_str()));
    client_database_ = 0;
    if (!client_ || client_->err != 0) throw std::runtime_error("redis does not listen on " + socket_);
    if (!options_.password.empty())
      checked(redisCommand(client_.get(), "AUTH %s", options_.password.c_str()));
  }
  if (client_database_ != database) {
    checked(redisCommand(client_.get(), "SELECT %u", database));
    client_database_ = database;
  }
  return *client_;
}

RedisValue RedisServer::command(const std::vector<std::string>& arguments, unsigned database) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const std::string& argument : arguments) {
    texts.push_back(argument.data());
    sizes.push_back(argument.size());
  }
  redisContext& context = client(database);
  const std::unique_ptr<redisReply, void (*)(void*)> reply(
      static_cast<redisReply*>(
          redisCommandArgv(&context, static_cast<int>(texts.size()), texts.data(), sizes.data())),
      &freeReplyObject);
  if (!reply) throw std::runtime_error("redis: " + std::string(context.errstr));
  return to_value(*reply);
}

RedisValue RedisServer::call(const std::string& words, unsigned database) {
  std::istringstream in(words);
  std::vector<std::string> arguments;
  for (std::string word; in >> word;) arguments.push_back(word);
  return command(arguments, database);
}

std::string RedisServer::uri(unsigned database) const {
  return fmt::format("redis://127.0.0.1:{}/{}", port(), database);
}
std::string RedisServer::socket_uri(unsigned database) const {
  return fmt::format("unix://{}?db={}", socket_, database);
}
std::string RedisServer::tls_uri(const std::string& host, unsigned database) const {
  return fmt::format("rediss://{}:{}/{}", host, tls_port_.number(), database);
}

}  // namespace syncd::test
