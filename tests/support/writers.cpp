#include "tests/support/writers.hpp"

#include <fmt/format.h>

#include <optional>
#include <random>

#include "tests/support/sql_client.hpp"

namespace syncd::test {

class Writers::Writer {
 public:
  Writer(Writers& all, std::string uri, unsigned seed, unsigned number)
      : all_(all), uri_(std::move(uri)), number_(number), random_(seed * 100 + number + 1) {}

  void work() {
    while (!all_.stop_ || !clean_) {
      try {
        if (!clean_) clean_up();
        if (!all_.stop_) transaction();
      } catch (const std::runtime_error&) {
        clean_ = false;  // a deadlock between two of them, or a server that went away
      }
    }
  }

 private:
  unsigned roll(unsigned sides) { return static_cast<unsigned>(random_() % sides); }
  bool chance(unsigned percent) { return roll(100) < percent; }
  // Part of what a client does between two statements.
  void think(unsigned milliseconds) {
    std::this_thread::sleep_for(std::chrono::microseconds(roll(milliseconds * 1000)));
  }

  // Whatever was in the way: nothing of it stays open.
  void clean_up() {
    if (!client_ || !client_->connected()) {
      client_.reset();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));  // between two tries to connect
      client_.emplace(uri_);
    }
    client_->exec("ROLLBACK");
    while (true) {
      const std::string name =
          client_->exec(fmt::format("SELECT gid FROM pg_prepared_xacts WHERE database = current_database()"
                                    " AND gid LIKE 'writer{}-%' LIMIT 1",
                                    number_));
      if (name.empty()) break;
      client_->exec(fmt::format("{} PREPARED '{}'", chance(50) ? "COMMIT" : "ROLLBACK", name));
    }
    clean_ = true;
  }

  void transaction() {
    client_->exec("BEGIN");
    std::string id = "DEFAULT";
    std::string serial = "DEFAULT";
    if (chance(25)) client_->exec("SELECT now()");
    if (chance(25)) id = client_->exec("SELECT nextval('items_id_seq')");
    if (chance(25)) serial = client_->exec("SELECT nextval('serials')");
    think(20);
    client_->exec(fmt::format("INSERT INTO items (id, serial) VALUES ({}, {})", id, serial));
    for (unsigned rows = roll(3); rows > 0; --rows) insert();
    if (chance(30)) {
      client_->exec("SAVEPOINT s");
      insert();
      update();
      think(5);
      client_->exec(chance(50) ? "ROLLBACK TO s" : "RELEASE s");
      insert();
    }
    if (chance(40)) update();
    think(20);
    finish();
  }

  void insert() { client_->exec("INSERT INTO items (id) VALUES (DEFAULT)"); }

  void update() {
    const std::string last = client_->exec("SELECT last_value FROM items_id_seq");
    client_->exec(fmt::format("UPDATE items SET updated_at = {}, serial = nextval('serials') WHERE id = {}",
                              chance(50) ? "now()" : "clock_timestamp()", 1 + random_() % std::stoul(last)));
  }

  void finish() {
    if (chance(5)) {
      client_->exec("ROLLBACK");
    } else if (chance(20)) {
      const std::string name = fmt::format("writer{}-{}", number_, ++prepared_);
      client_->exec(fmt::format("PREPARE TRANSACTION '{}'", name));
      think(20);
      client_->exec(fmt::format("{} PREPARED '{}'", chance(10) ? "ROLLBACK" : "COMMIT", name));
      ++all_.committed_;
    } else {
      client_->exec("COMMIT");
      ++all_.committed_;
    }
  }

  Writers& all_;
  std::string uri_;
  unsigned number_;
  std::minstd_rand random_;
  std::optional<SqlClient> client_;
  bool clean_ = false;
  int prepared_ = 0;
};

Writers::Writers(const Items& items, unsigned seed, unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    threads_.emplace_back([this, uri = items.uri(), seed, i] { Writer(*this, uri, seed, i).work(); });
  }
}

void Writers::stop() {
  stop_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace syncd::test
