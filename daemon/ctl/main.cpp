// syncctl: shows and steers a running syncd.
#include <fmt/format.h>

#include <cstdio>

#include "daemon/base/escape.hpp"
#include "daemon/ctl/verbs.hpp"

int main(int argc, char** argv) {
  using namespace syncd;
  ctl::Console console;
  try {
    int code = ctl::kDone;
    const auto arguments = ctl::parse_arguments(argc, argv, code);
    if (arguments) code = ctl::perform(*arguments, console);
    console.flush();
    return code;
  } catch (const ctl::Failure& failure) {
    console.end_progress();
    std::fflush(stdout);
    fmt::print(stderr, "syncctl: {}\n", failure.what());
    return failure.code();
  } catch (const std::exception& error) {
    console.end_progress();
    fmt::print(stderr, "syncctl: internal error: {}\n", escaped(error.what()));
    return ctl::kFailed;
  }
}
