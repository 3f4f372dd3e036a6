// TopBoard: what `syncctl top` shows, and what its keys do.  Pure: statuses and keys in, lines out.
#pragma once
#include <string>
#include <vector>

#include "daemon/ctl/keys.hpp"
#include "daemon/ctl/render.hpp"
#include "daemon/ctl/top_history.hpp"

namespace syncd::ctl {

class TopBoard {
 public:
  // The order of the rows; each has its usual direction: names up, the rest down.
  enum class Order { Name, State, Rate, Lag, Rows };

  // A refresh.
  void take(std::vector<status::JobStatus> jobs, WallTime now);
  // The refresh failed; the last statuses stay, and the text (escaped already) says so.
  void trouble(std::string why) { trouble_ = std::move(why); }

  // False: the person leaves.
  bool press(const Press& press);

  // At most `height` lines of at most look.width columns.
  std::vector<std::string> lines(const Look& look, std::size_t height);

 private:
  enum class View { Table, Page, Help };

  void arrange();
  bool before(const status::JobStatus& a, const status::JobStatus& b) const;
  bool press_in_filter(const Press& press);
  void sort_by(Order order);
  void move(std::ptrdiff_t rows);
  const status::JobStatus* selected() const;
  std::string summary(const Look& look) const;
  std::string keys(const Look& look) const;
  std::vector<std::string> rows(const Look& look, std::size_t height);

  std::vector<status::JobStatus> jobs_;
  std::vector<const status::JobStatus*> shown_;  // filtered and sorted
  TopHistory history_;
  std::string trouble_;
  Order order_ = Order::State;
  bool reversed_ = false;
  std::string filter_;
  bool typing_ = false;  // into the filter
  View view_ = View::Table;
  std::string selected_;    // a job's name: it stays selected wherever it is sorted to
  std::size_t first_ = 0;   // row at the top
  std::size_t height_ = 1;  // of the table, when it was drawn last
};

}  // namespace syncd::ctl
