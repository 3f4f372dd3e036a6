// The list of everything a job can be made of.  Adding a component is two steps: write its file, add its
// name here and in catalogue.cpp; docs, check and contract tests know it from there.
#pragma once
#include <span>
#include <string_view>

#include "jobs/component.hpp"

namespace syncd::jobs {

// sources/
const SourceKind& files();
const SourceKind& postgres_table();
// transforms/
const TransformKind& add_fields();
const TransformKind& drop_fields();
const TransformKind& filter();
const TransformKind& mask();
const TransformKind& parse_csv();
const TransformKind& parse_json();
const TransformKind& parse_logfmt();
const TransformKind& parse_regex();
const TransformKind& rebatch();
const TransformKind& rename();
const TransformKind& select();
const TransformKind& summarize();
const TransformKind& throttle();
// sinks/; with "_sink" where the word means something else already
const SinkKind& file();
const SinkKind& postgres_table_sink();
const SinkKind& redis_hash();
const SinkKind& redis_json();
const SinkKind& redis_list();
const SinkKind& redis_publish();
const SinkKind& redis_set();
const SinkKind& redis_sorted_set();
const SinkKind& redis_stream();
const SinkKind& redis_string();
const SinkKind& stdout_sink();

std::span<const SourceKind* const> sources();
std::span<const TransformKind* const> transforms();
std::span<const SinkKind* const> sinks();

}  // namespace syncd::jobs
