// An example of a kind of queue, `queue: {kind: lines, file: /srv/jobs}`: each line of a file is a message, and whoever works
// it off takes it away. It only shows what waits, and is polled.
#include "examples/extending/lines_queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "os/atomic_file.h"
#include "os/event_loop.h"

namespace docktor {
namespace {

constexpr std::array kLinesTable = std::to_array<Knob>({
    {.key = "file",
     .type = KnobType::kPath,
     .meaning = "The file whose lines are the messages.",
     .least = 1,
     .most = 4096,
     .required = true},
});

void check(KindReader& from) {
  from.identity = "lines|" + from.settings.text("file");
  from.shown = from.settings.text("file");
}

constexpr KindKeys kLinesKeys = {
    .name = "lines", .meaning = "lines of a file", .keys = kLinesTable, .check = check, .named_by = "file"};

// The folder may be on a slow disk: a thread of its own reads, and no caller waits.
class LinesSource final : public Source {
 public:
  explicit LinesSource(std::string file) : file_(std::move(file)) {}

  void read(const ReadRequest&, std::function<void(Result<Reading>)> done) override {
    loop_.post([this, done = std::move(done)] { done(reading()); });
  }
  std::string watch_gap() const override { return "a file tells nobody of a new line"; }
  std::vector<Finding> check(Duration) override {
    const auto r = reading();
    if (!r) return {{Severity::kError, r.error().message, "correct queue.file, or make the file"}};
    return {{Severity::kOk, fmt::format("{} has {} lines", file_, r->queue->num_pending), ""}};
  }

 private:
  Result<Reading> reading() const {
    const auto text = read_file(file_, 64u << 20);
    if (!text) return tl::unexpected(text.error());  // a file that is not there is not an empty one
    QueueSample q;
    q.num_pending = static_cast<std::uint64_t>(std::ranges::count(*text, '\n'));
    q.num_ack_pending.reset();  // not told, and not 0
    return Reading{.queue = std::move(q), .usage = {}};
  }

  const std::string file_;
  EventLoop loop_;  // last: it ends before what it uses
};

class LinesFactory final : public QueueFactory {
 public:
  OpenQueue open(const ServiceSpec& service, const Reach&) override {
    auto file = service.queue->settings.text("file");
    return {std::make_unique<LinesSource>(file), [file] { return file; }};
  }
};

}  // namespace

const QueueKind kLinesKind = {&kLinesKeys, [](const FactoryOptions&) -> std::unique_ptr<QueueFactory> {
                                return std::make_unique<LinesFactory>();
                              }};

}  // namespace docktor
