#include "tests/support/items.hpp"

#include <fmt/format.h>

namespace syncd::test {
namespace {

// Ids with what is wrong about them; the first few by name.
class List {
 public:
  void add(std::int64_t id, const std::string& what = "") {
    if (count_++ < 5) text_ += fmt::format("{}{}{}", text_.empty() ? "" : ", ", id, what);
  }
  std::string told(const std::string& word) const {
    if (count_ == 0) return "";
    return fmt::format("{} {} ({}{}); ", count_, word, text_, count_ > 5 ? ", ..." : "");
  }

 private:
  std::size_t count_ = 0;
  std::string text_;
};

}  // namespace

Items::Items(PostgresServer& server) : server_(server), database_(server.fresh_database()) {
  exec(
      "CREATE SEQUENCE serials;"
      "CREATE TABLE items (id bigserial PRIMARY KEY, version bigint NOT NULL DEFAULT 1, text text,"
      "  updated_at timestamptz NOT NULL DEFAULT now(), serial bigint NOT NULL DEFAULT nextval('serials'),"
      "  tx xid8 NOT NULL DEFAULT '0');"
      "CREATE INDEX ON items (updated_at, id); CREATE INDEX ON items (serial); CREATE INDEX ON items (tx, "
      "id);"
      "CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
      "  IF TG_OP = 'UPDATE' THEN NEW.version := OLD.version + 1; END IF;"
      "  NEW.text := 'item ' || NEW.id || ' in version ' || NEW.version;"
      "  NEW.tx := pg_current_xact_id(); RETURN NEW; END$$;"
      "CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON items FOR EACH ROW EXECUTE FUNCTION stamp()");
}

void Items::insert(int count) const {
  exec(fmt::format("INSERT INTO items (id) SELECT nextval('items_id_seq') FROM generate_series(1, {})",
                   count));
}

void Items::touch(const std::string& where) const {
  exec("UPDATE items SET updated_at = now(), serial = nextval('serials') WHERE " + where);
}

Versions Items::rows(const std::string& where) const {
  Versions all;
  for (const auto& row : exec("SELECT id, version || ' ' || text FROM items WHERE " + where)) {
    all.emplace(std::stoll(*row[0]), *row[1]);
  }
  return all;
}

Versions hashes(RedisServer& redis, const std::string& prefix) {
  const std::string script =
      "local out = {} for _, key in ipairs(redis.call('KEYS', ARGV[1] .. ':*')) do"
      " local row = redis.call('HMGET', key, 'version', 'text')"
      " out[#out + 1] = string.sub(key, #ARGV[1] + 2)"
      " out[#out + 1] = (row[1] or '') .. ' ' .. (row[2] or '') end return out";
  const std::vector<std::string> all = redis.command({"EVAL", script, "0", prefix}).texts();
  Versions versions;
  for (std::size_t i = 0; i + 1 < all.size(); i += 2) versions.emplace(std::stoll(all[i]), all[i + 1]);
  return versions;
}

std::vector<Entry> entries(RedisServer& redis, const std::string& stream) {
  std::vector<Entry> all;
  for (const RedisValue& entry : redis.command({"XRANGE", stream, "-", "+"}).elements) {
    std::map<std::string, std::string> fields;
    const std::vector<std::string> texts = entry.elements.at(1).texts();
    for (std::size_t i = 0; i + 1 < texts.size(); i += 2) fields.emplace(texts[i], texts[i + 1]);
    all.push_back(Entry{std::stoll(fields.at("id")), std::stoll(fields.at("version")),
                        fields.at("version") + " " + fields.at("text")});
  }
  return all;
}

Versions newest(const std::vector<Entry>& entries) {
  Versions versions;
  for (const Entry& entry : entries) versions[entry.id] = entry.value;
  return versions;
}

std::string difference(const Versions& want, const Versions& have) {
  List missing, stale, unwanted;
  for (const auto& [id, value] : want) {
    const auto found = have.find(id);
    if (found == have.end()) {
      missing.add(id);
    } else if (found->second != value) {
      stale.add(id, fmt::format(": '{}' instead of '{}'", found->second, value));
    }
  }
  for (const auto& [id, value] : have) {
    if (!want.contains(id)) unwanted.add(id);
  }
  return missing.told("missing") + stale.told("stale") + unwanted.told("too many");
}

std::string repeated(const std::vector<Entry>& entries) {
  List twice, back;
  std::map<std::int64_t, std::int64_t> last;
  for (const Entry& entry : entries) {
    std::int64_t& before = last[entry.id];
    if (entry.version == before) twice.add(entry.id, fmt::format(" in version {}", entry.version));
    if (entry.version < before) back.add(entry.id, fmt::format(": {} after {}", entry.version, before));
    before = std::max(before, entry.version);
  }
  return twice.told("twice") + back.told("after a newer version");
}

}  // namespace syncd::test
