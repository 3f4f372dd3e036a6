// Described: JSON that fits the interface description of the control socket, whatever that says: every method
// and every type of it, filled with values that a test chooses.
#pragma once
#include <functional>
#include <map>
#include <stdexcept>
#include <string>

#include "daemon/control/protocol.hpp"

namespace syncd::control::test {

class Described {
 public:
  // What a text, and what a number of a reply is.
  std::function<std::string()> text;
  std::function<std::int64_t()> number;

  Described() {
    const std::string all(interface_description(kInterface));
    for (std::size_t begin = 0; begin < all.size();) {
      const std::size_t end = std::min(all.find('\n', begin), all.size());
      if (all[begin] != '#') source_ += all.substr(begin, end - begin) + '\n';
      begin = end + 1;
    }
    for (skip(); at_ < source_.size(); skip()) {
      const std::string what = word();
      const std::string name = word();
      if (what == "type") {
        types_[name] = group();
      } else if (what == "method") {
        group();
        expect("->");
        replies_[name] = group();
      } else if (what == "error") {
        errors_[name] = group();
      }
    }
  }

  Json reply(const std::string& method) {
    const auto known = replies_.find(method);
    if (known == replies_.end()) throw std::runtime_error("the interface has no method '" + method + "'");
    return fill(known->second);
  }
  const std::map<std::string, std::string>& errors() const { return errors_; }
  Json error(const std::string& name) { return fill(errors_.at(name)); }

 private:
  void skip() {
    while (at_ < source_.size() && std::isspace(static_cast<unsigned char>(source_[at_])) != 0) ++at_;
  }
  std::string word() {
    skip();
    const std::size_t begin = at_;
    while (at_ < source_.size() && (std::isalnum(static_cast<unsigned char>(source_[at_])) != 0 ||
                                    source_[at_] == '_' || source_[at_] == '.')) {
      ++at_;
    }
    return source_.substr(begin, at_ - begin);
  }
  bool taken(const std::string& token) {
    skip();
    if (source_.compare(at_, token.size(), token) != 0) return false;
    at_ += token.size();
    return true;
  }
  void expect(const std::string& token) {
    if (!taken(token)) throw std::runtime_error("no " + token + " at: " + source_.substr(at_, 40));
  }
  // "( ... )" as it stands.
  std::string group() {
    skip();
    const std::size_t begin = at_;
    int depth = 0;
    do {
      depth += source_.at(at_) == '(' ? 1 : source_[at_] == ')' ? -1 : 0;
      ++at_;
    } while (depth != 0);
    return source_.substr(begin, at_ - begin);
  }

  Json fill(const std::string& text_of_group) {
    const std::string outer = std::exchange(source_, text_of_group);
    const std::size_t outer_at = std::exchange(at_, 0);
    Json made = members();
    source_ = outer;
    at_ = outer_at;
    return made;
  }
  Json members() {
    Json made = Json::object();
    expect("(");
    while (!taken(")")) {
      const std::string name = word();
      expect(":");
      made[name] = value();
      taken(",");
    }
    return made;
  }
  Json value() {
    taken("?");
    if (taken("[]")) {
      Json list = Json::array();
      const std::size_t begin = at_;
      for (int i = 0; i < 2; ++i) {
        at_ = begin;
        list.push_back(value());
      }
      return list;
    }
    if (taken("[string]")) {
      const Json one = value();
      return Json{{text(), one}};
    }
    skip();
    if (source_[at_] == '(') return members();
    const std::string type = word();
    if (type == "string") return text();
    if (type == "int") return number();
    if (type == "float") return 0.5;
    if (type == "bool") return number() % 2 == 0;
    if (type == "object") return Json{{text(), text()}};
    const auto known = types_.find(type);
    if (known == types_.end())
      throw std::runtime_error("the interface has no type '" + type + "' at: " + source_.substr(at_, 40));
    return fill(known->second);
  }

  std::string source_;
  std::size_t at_ = 0;
  std::map<std::string, std::string> types_;
  std::map<std::string, std::string> replies_;
  std::map<std::string, std::string> errors_;
};

}  // namespace syncd::control::test
