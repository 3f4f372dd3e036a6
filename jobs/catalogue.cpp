#include "jobs/catalogue.hpp"

#include <array>

namespace syncd::jobs {

std::span<const SourceKind* const> sources() {
  static const std::array all = {&files(), &postgres_table()};
  return all;
}

std::span<const TransformKind* const> transforms() {
  static const std::array all = {&add_fields(), &drop_fields(),  &filter(),      &mask(),    &parse_csv(),
                                 &parse_json(), &parse_logfmt(), &parse_regex(), &rebatch(), &rename(),
                                 &select(),     &summarize(),    &throttle()};
  return all;
}

std::span<const SinkKind* const> sinks() {
  static const std::array all = {&file(),         &postgres_table_sink(), &redis_hash(), &redis_json(),
                                 &redis_list(),   &redis_publish(),       &redis_set(),  &redis_sorted_set(),
                                 &redis_stream(), &redis_string(),        &stdout_sink()};
  return all;
}

}  // namespace syncd::jobs
