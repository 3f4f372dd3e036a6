// FileEngine: where it goes on, and what is durable.
#include <fmt/format.h>

#include <charconv>

#include "jobs/sources/file_engine.hpp"

namespace syncd::jobs {
namespace {

std::optional<std::uint64_t> slot_of(std::string_view partition) {
  std::uint64_t slot = 0;
  const auto [end, error] = std::from_chars(partition.data(), partition.data() + partition.size(), slot);
  if (error != std::errc() || end != partition.data() + partition.size() || slot == 0) return std::nullopt;
  return slot;
}

}  // namespace

void FileEngine::begin(const Positions& from, bool to_the_end) {
  std::optional<Begin> begin;
  std::map<std::uint64_t, FilePosition> held;
  for (const auto& [partition, text] : from.all()) {
    if (text.empty()) continue;
    if (partition == kBeginPartition) {
      begin = decode_begin(text);
      continue;
    }
    const auto slot = slot_of(partition);
    if (!slot) throw Error(ErrorKind::Permanent, "reading the positions: '" + partition + "' is no file's");
    held.emplace(*slot, decode_file_position(text));
  }
  const bool asked = begin && *begin != Begin::Looked;
  const bool none = !begin && held.empty();
  if (asked || (none && any_committed_)) clear();
  if (none && options_.start_at == StartAt::Checkpoint) {
    throw Error(ErrorKind::Permanent,
                "beginning: there is no checkpoint, and start_at is \"checkpoint\"; say where with "
                "`syncctl checkpoint rewind JOB --to beginning` (or end)");
  }
  begin_ = asked ? *begin : options_.start_at == StartAt::End ? Begin::End : Begin::Beginning;
  say_looked_ = begin != Begin::Looked;
  if (!asked && !none) looked_ = true;
  to_the_end_ = to_the_end;
  restore(std::move(held));
  look_due_ = true;
  look_not_before_ = TimePoint();
  last_ = Position();
  idle_said_ = false;
}

void FileEngine::clear() {
  while (!files_.empty()) forget(files_.begin()->first);
  suspects_.clear();
  looked_ = any_committed_ = false;
}

void FileEngine::restore(std::map<std::uint64_t, FilePosition> held) {
  ready_.clear();
  announced_.clear();
  waiting_.clear();
  std::vector<std::uint64_t> obsolete;
  for (const auto& [slot, file] : files_) {
    const auto found = held.find(slot);
    if (found == held.end()) {
      if (file->origin == Tracked::Origin::Copy || file->begins.key != file->position.key) {
        obsolete.push_back(slot);
      } else {
        resume(*file, file->begins);
        if (file->origin == Tracked::Origin::End) announce(*file);
      }
      continue;
    }
    const bool same = found->second.key == file->position.key && found->second.path == file->position.path;
    if (!same) {
      obsolete.push_back(slot);
      continue;
    }
    resume(*file, found->second);
    file->said = file->committed = encode(found->second);
    held.erase(found);
  }
  for (const std::uint64_t slot : obsolete) forget(slot);
  for (auto& [slot, position] : held) {
    Tracked& file = add(slot, std::move(position), Tracked::Origin::Beginning);
    file.begins.content = Content();
    file.said = file.committed = encode(file.position);
  }
}

void FileEngine::resume(Tracked& file, FilePosition at) {
  if (file.reader) {
    file.counts = file.all_counts();
    file.file = file.reader->release();
    file.reader.reset();
  }
  file.position = std::move(at);
  std::erase_if(file.marks, [&](const Mark& mark) { return mark.offset > file.position.offset(); });
  file.said.clear();
  file.committed.clear();
  file.copy_of.reset();
  file.trouble.clear();
  file.behind_since.reset();
  file.proven = file.at_end = file.queued = file.finishing = false;
}

void FileEngine::committed(const Position& position) {
  any_committed_ = true;
  const auto slot = slot_of(position.partition());
  const auto found = slot ? files_.find(*slot) : files_.end();
  if (found == files_.end()) return;
  Tracked& file = *found->second;
  file.committed = position.text();
  if (!file.copy_of) return;
  // The copy has a position of its own now: the original need not remember it any more.
  const auto original = files_.find(file.copy_of->first);
  if (original != files_.end()) std::erase(original->second->position.earlier, file.copy_of->second);
  file.copy_of.reset();
}

}  // namespace syncd::jobs
