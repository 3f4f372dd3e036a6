#include "daemon/control/commands.hpp"

#include <algorithm>

#include "config/suggest.hpp"
#include "daemon/base/log.hpp"
#include "daemon/base/version.hpp"
#include "daemon/control/handlers.hpp"

namespace syncd::control {
namespace {

Reply error_reply(std::string_view error, Json parameters) {
  Reply reply;
  reply.error = error;
  reply.parameters = std::move(parameters);
  return reply;
}

Json one(const char* key, std::string value) {
  Json json = Json::object();
  json[key] = std::move(value);
  return json;
}

Reply failed(std::string_view kind, const std::string& reason) {
  Json parameters = one("reason", reason);
  parameters["kind"] = kind;
  return error_reply(errors::kFailed, std::move(parameters));
}

// org.varlink.service, which every service has.
Reply introspect(std::string_view method, const Call& call) {
  Reply reply;
  if (method == "GetInfo") {
    const Parameters none(call.parameters, {});
    reply.parameters["vendor"] = "syncd";
    reply.parameters["product"] = "syncd";
    reply.parameters["version"] = kVersion;
    reply.parameters["url"] = "";
    Json interfaces = Json::array();
    interfaces.push_back(kServiceInterface);
    interfaces.push_back(kInterface);
    reply.parameters["interfaces"] = std::move(interfaces);
    return reply;
  }
  if (method == "GetInterfaceDescription") {
    const Parameters from(call.parameters, {"interface"});
    const std::string name = from.text("interface");
    const std::string_view text = interface_description(name);
    if (text.empty()) return error_reply(errors::kInterfaceNotFound, one("interface", name));
    reply.parameters["description"] = text;
    return reply;
  }
  return error_reply(errors::kMethodNotFound, one("method", call.method));
}

const Method* find_method(std::string_view name) {
  const auto all = methods();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Method& each) { return each.name == name; });
  return found == all.end() ? nullptr : &*found;
}

bool allowed(Role role, Verb verb) {
  switch (verb) {
    case Verb::Read:
    case Verb::Operate:
      return role == Role::Operate;
  }
  return false;
}

// To be called with the exception under way.
Reply to_reply(const std::exception_ptr& error, const Call& call, Operations& operations) {
  try {
    std::rethrow_exception(error);
  } catch (const InvalidParameter& e) {
    Json parameters = one("parameter", e.name());
    parameters["reason"] = e.what();
    return error_reply(errors::kInvalidParameter, std::move(parameters));
  } catch (const ExpectedMore&) {
    return error_reply(errors::kExpectedMore, Json::object());
  } catch (const NoSuchJob& e) {
    Json parameters = one("name", e.name());
    parameters["did_you_mean"] = config::nearest(e.name(), operations.job_names());
    return error_reply(errors::kNoSuchJob, std::move(parameters));
  } catch (const Busy& e) {
    return error_reply(errors::kBusy, one("reason", e.what()));
  } catch (const InvalidConfiguration& e) {
    Json parameters = Json::object();
    parameters["findings"] = findings_json(e.findings());
    return error_reply(errors::kInvalidConfiguration, std::move(parameters));
  } catch (const Error& e) {
    return failed(to_string(e.kind()), e.what());
  } catch (const std::exception& e) {
    log::error("", "control: {}: {}", call.method, e.what());
    return failed("internal", std::string("internal error: ") + e.what());
  }
}

// Keeps a client's failure apart from the daemon's: what the stream throws is not an answer.
class Guarded final : public Progress {
 public:
  explicit Guarded(Progress& inner) : inner_(inner) {}
  coro::Task<> send(Json parameters) override {
    try {
      co_await inner_.send(std::move(parameters));
    } catch (const std::exception&) {
      broken = std::current_exception();
      throw;
    }
  }
  std::exception_ptr broken;

 private:
  Progress& inner_;
};

}  // namespace

coro::Task<Reply> Commands::answer(const Call& call, Role role, Progress& progress) {
  const auto [interface, name] = split_method(call.method);
  const Method* method = interface == kInterface ? find_method(name) : nullptr;
  Guarded guarded(progress);
  std::exception_ptr error;
  Reply reply;
  try {
    if (interface == kServiceInterface) {
      reply = introspect(name, call);
    } else if (interface != kInterface) {
      reply = error_reply(errors::kInterfaceNotFound, one("interface", std::string(interface)));
    } else if (!method) {
      reply = error_reply(errors::kMethodNotFound, one("method", call.method));
    } else if (!allowed(role, method->verb)) {
      reply = error_reply(errors::kNotPermitted, one("reason", "not permitted"));
    } else {
      Request request{clock_, operations_, call.parameters, call.more, guarded};
      reply.parameters = co_await method->handle(request);
    }
  } catch (const std::exception&) {
    error = std::current_exception();
  }
  if (guarded.broken) std::rethrow_exception(guarded.broken);
  if (error) reply = to_reply(error, call, operations_);
  co_return reply;
}

void Commands::replied(const Call& call) {
  if (call.method == "io.syncd.Manager.Shutdown") operations_.shutdown();
}

}  // namespace syncd::control
