// Ready patterns for lines that everybody has: web servers and syslog.
#pragma once
#include <array>
#include <string_view>
#include <vector>

#include "config/names.hpp"

namespace syncd::jobs {

enum class LineFormatName { NginxCombined, ApacheCommon, ApacheCombined, SyslogRfc3164, SyslogRfc5424 };
constexpr auto enum_names(LineFormatName) {
  return std::array{config::EnumName("nginx_combined", LineFormatName::NginxCombined),
                    config::EnumName("apache_common", LineFormatName::ApacheCommon),
                    config::EnumName("apache_combined", LineFormatName::ApacheCombined),
                    config::EnumName("syslog_rfc3164", LineFormatName::SyslogRfc3164),
                    config::EnumName("syslog_rfc5424", LineFormatName::SyslogRfc5424)};
}

struct ReadyFormat {
  std::string_view pattern;
  std::vector<std::string_view> numbers;  // columns that hold numbers
};
const ReadyFormat& line_format(LineFormatName name);

}  // namespace syncd::jobs
