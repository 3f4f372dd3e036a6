#include "jobs/transforms/line_formats.hpp"

namespace syncd::jobs {
namespace {

// A request line that is none (a port scan, TLS on a plain port) is still a request: then method, uri and
// protocol are NULL.  Quotes inside come as \x22 from nginx and as \" from Apache.
// https://nginx.org/en/docs/http/ngx_http_log_module.html
const ReadyFormat kNginxCombined{
    R"re(^(?<remote_addr>\S+) - (?<remote_user>.*?) \[(?<time_local>[^\]]+)\] )re"
    R"re("(?<request>(?<method>[A-Z]+) (?<uri>[^ "]+) (?<protocol>HTTP/[0-9.]+)|(?:[^"\\]|\\.)*+)" )re"
    R"re((?<status>\d{3}) (?<body_bytes_sent>\d+) )re"
    R"re("(?<http_referer>(?:[^"\\]|\\.)*+)" "(?<http_user_agent>(?:[^"\\]|\\.)*+)"$)re",
    {"status", "body_bytes_sent"}};

// https://httpd.apache.org/docs/2.4/logs.html
#define SYNCD_APACHE_COMMON                                                                                      \
  R"re(^(?<host>\S+) (?<ident>\S+) (?<user>.*?) \[(?<time>[^\]]+)\] )re"                                         \
  R"re("(?<request>(?<method>[A-Z]+) (?<uri>(?:[^ "\\]|\\.)++) (?<protocol>HTTP/[0-9.]+)|(?:[^"\\]|\\.)*+)" )re" \
  R"re((?<status>\d{3}) (?<bytes>\d+|-))re"
const ReadyFormat kApacheCommon{SYNCD_APACHE_COMMON "$", {"status", "bytes"}};
const ReadyFormat kApacheCombined{SYNCD_APACHE_COMMON
                                  R"re( "(?<referer>(?:[^"\\]|\\.)*+)" "(?<user_agent>(?:[^"\\]|\\.)*+)"$)re",
                                  {"status", "bytes"}};
#undef SYNCD_APACHE_COMMON

// Of the wire, with its priority, and of files, without; with the old date or that of RFC 3339.
const ReadyFormat kSyslogRfc3164{
    R"re((?s)^(?:<(?<priority>\d{1,3})>)?)re"
    R"re((?<timestamp>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+) (?<hostname>\S+) )re"
    R"re((?:(?<app_name>[^\s:\[]++)(?:\[(?<procid>[^\]]*)\])?: ?)?(?<message>.*)$)re",
    {"priority"}};

const ReadyFormat kSyslogRfc5424{
    R"re((?s)^<(?<priority>\d{1,3})>(?<version>[1-9]\d{0,2}) (?<timestamp>\S+) (?<hostname>\S+) )re"
    R"re((?<app_name>\S+) (?<procid>\S+) (?<msgid>\S+) )re"
    R"re((?<structured_data>-|(?:\[(?:[^\]"]|"(?:[^"\\]|\\.)*+")*+\])++)(?: \x{FEFF}?(?<message>.*))?$)re",
    {"priority", "version"}};

}  // namespace

const ReadyFormat& line_format(LineFormatName name) {
  switch (name) {
    case LineFormatName::NginxCombined:
      return kNginxCombined;
    case LineFormatName::ApacheCommon:
      return kApacheCommon;
    case LineFormatName::ApacheCombined:
      return kApacheCombined;
    case LineFormatName::SyslogRfc3164:
      return kSyslogRfc3164;
    case LineFormatName::SyslogRfc5424:
      break;
  }
  return kSyslogRfc5424;
}

}  // namespace syncd::jobs
