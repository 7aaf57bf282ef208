// An example of a kind of target, `target: {kind: number, file: /srv/replicas}`: docktor keeps a number in a file, and an engine
// that follows it runs so many replicas. The engine chooses which of them stop.
#include "examples/extending/number_target.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <memory>
#include <utility>

#include "os/atomic_file.h"
#include "os/event_loop.h"

namespace docktor {
namespace {

constexpr std::array kNumberTable = std::to_array<Knob>({
    {.key = "file",
     .type = KnobType::kPath,
     .meaning = "The file that holds the number.",
     .least = 1,
     .most = 4096,
     .required = true},
});

constexpr KindKeys kNumberKeys = {.name = "number",
                                  .meaning = "a number in a file, which an engine follows",
                                  .keys = kNumberTable,
                                  .has_limits = false,
                                  .chooses_victims = false};

Result<int> number_in(const std::string& file) {
  const auto text = read_file(file, 32);
  if (!text) return tl::unexpected(text.error());
  int n = 0;
  if (std::from_chars(text->data(), text->data() + text->size(), n).ec != std::errc() || n < 0)
    return fail(ErrorCode::kInvalid, fmt::format("{} does not begin with a number; write 0 into it", file));
  return n;
}

class NumberTarget final : public Target {
 public:
  NumberTarget(std::string file, std::function<void()> on_change)
      : file_(std::move(file)), on_change_(std::move(on_change)) {}

  void scale(const ScaleOrder& order, std::function<void(Result<std::string>)> done) override {
    loop_.post([this, n = order.replicas, done = std::move(done)] {
      const auto written = write_atomically(file_, fmt::format("{}\n", n));
      if (on_change_) on_change_();
      if (!written) return done(tl::unexpected(written.error()));
      done(fmt::format("{} says {}", file_, n));
    });
  }

  // One small file of this host: read at once. What takes longer is watched by a thread, and its last state told here.
  TargetReport report() override {
    TargetReport r;
    const auto n = number_in(file_);
    if (!n) {
      r.problem = n.error().message;
      return r;
    }
    r.desired = *n;
    for (int i = 1; i <= *n; ++i)
      r.replicas.push_back({.id = std::to_string(i), .state = ReplicaState::kReady});
    return r;
  }

  std::vector<Finding> check() override {
    const auto n = number_in(file_);
    if (!n) return {{Severity::kError, n.error().message, "correct target.file, or write 0 into it"}};
    return {{Severity::kOk, fmt::format("{} says {}", file_, *n), ""}};
  }

 private:
  const std::string file_;
  const std::function<void()> on_change_;
  EventLoop loop_;  // last: it ends before what it uses
};

class NumberFactory final : public TargetFactory {
 public:
  std::unique_ptr<Target> open(const ServiceSpec& s, TargetOptions options) override {
    return std::make_unique<NumberTarget>(file_of(s), std::move(options.on_change));
  }
  std::unique_ptr<Source> usage(const ServiceSpec&) override { return nullptr; }
  Result<int> count(const ServiceSpec& s, const std::stop_token&) override { return number_in(file_of(s)); }
  std::vector<Finding> check(const ServiceSpec& s) override { return NumberTarget(file_of(s), {}).check(); }
  std::string identity(const ServiceSpec& s, const std::string&) override { return "number|" + file_of(s); }

 private:
  static std::string file_of(const ServiceSpec& s) { return s.target.settings.text("file"); }
};

}  // namespace

const TargetKind kNumberKind = {&kNumberKeys, [](const FactoryOptions&) -> std::unique_ptr<TargetFactory> {
                                  return std::make_unique<NumberFactory>();
                                }};

}  // namespace docktor
