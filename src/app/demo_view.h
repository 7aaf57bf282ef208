// What a demo shows: lines that grow at the foot of a terminal, decisions above them; plain lines where there
// is none.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace docktor {

/// One look at the service.
struct DemoFrame {
  double at = 0;  ///< seconds since the demo's load began
  std::string phase;
  double backlog = 0;
  double rate_in = 0;
  double rate_out = 0;
  int replicas = 0;  ///< running, those that start included
  int starting = 0;
  int stopping = 0;
  std::uint64_t published = 0;
  std::uint64_t processed = 0;
};

struct DemoDecision {
  double at = 0;
  std::string decision;  ///< scale_up, scale_down, hold
  int from = 0;
  int to = 0;
  std::string reason;
};

/// "00:04", or "1:02:03".
std::string clock_text(double seconds);

/// 1234567 → "1,234,567".
std::string grouped(double number);

/// One row of eighths (▁ to █) a line, the lowest last; values above `most` are cut. Each value is one
/// column.
std::vector<std::string> chart(const std::vector<double>& values, double most, int rows);

/// The last `columns` of history as columns of equal length of time: the newest is always shown, older ones
/// are gathered (their maximum) so that `total` seconds fit.
std::vector<double> columns_of(const std::vector<DemoFrame>& frames,
                               const std::function<double(const DemoFrame&)>& value, double total,
                               int columns);

/// Cuts a line to so many columns; colours count nothing.
std::string clipped(const std::string& line, int columns);

class DemoView {
 public:
  struct Options {
    std::FILE* out = stdout;
    bool live = false;  ///< a terminal that takes cursor movements
    bool colour = false;
    int max_replicas = 10;
    double total = 60;  ///< seconds that the lines have room for
  };

  /// As the output and the environment (NO_COLOR, TERM=dumb) ask for it.
  static Options suited_to(std::FILE* out);

  explicit DemoView(Options options);
  ~DemoView();
  DemoView(const DemoView&) = delete;
  DemoView& operator=(const DemoView&) = delete;

  /// A line that stays.
  void say(const std::string& line);
  void decided(const DemoDecision& decision);
  void draw(const DemoFrame& frame);
  /// Takes the live lines away; nothing is drawn afterwards, say() still works.
  void end();

  const std::vector<DemoFrame>& frames() const { return frames_; }
  const std::vector<DemoDecision>& decisions() const { return decisions_; }

  /// Rows that show backlog, rates and replicas over time, each with its newest number, or (`tops`) with its
  /// highest one.
  std::vector<std::string> charts(int columns, int rows, bool tops) const;

 private:
  std::string paint(const char* code, const std::string& text) const;
  std::string decision_line(const DemoDecision& decision, const std::string& when) const;
  std::string holds_line() const;
  std::string block() const;
  void erase();
  void flush_holds();
  void put(const std::string& text);

  Options options_;
  std::vector<DemoFrame> frames_;
  std::vector<DemoDecision> decisions_;
  std::vector<DemoDecision> holds_;  // in a row, with nothing between: one line
  int drawn_ = 0;                    // lines of the live block on the screen
  bool ended_ = false;
  double next_plain_ = 0;
};

}  // namespace docktor
