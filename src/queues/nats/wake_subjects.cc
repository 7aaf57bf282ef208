#include "queues/nats/wake_subjects.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "queues/nats/subjects.h"

namespace docktor {
namespace {

// Walks from the stream up to those that feed it, one request after the other.
class Search : public std::enable_shared_from_this<Search> {
 public:
  struct Step {
    std::string stream;
    std::vector<std::string> filters;  // none: everything
    friend auto operator<=>(const Step&, const Step&) = default;
  };

  Search(JetStreamConnection& connection, Duration max_age, JetStreamConnection::SteadyTime deadline,
         std::function<void(WakeSubjects)> done, Step first)
      : connection_(connection),
        max_age_(max_age),
        deadline_(deadline),
        done_(std::move(done)),
        todo_{std::move(first)} {}

  void next() {
    while (!todo_.empty() && seen_.contains(todo_.back())) todo_.pop_back();
    if (todo_.empty() || seen_.size() >= kMaxStreams) {
      if (!todo_.empty()) gap(fmt::format("more than {} streams feed this one", kMaxStreams));
      done_(std::move(found_));
      return;
    }
    Step step = std::move(todo_.back());
    todo_.pop_back();
    seen_.insert(step);
    connection_.stream_info(
        step.stream, "", max_age_, deadline_,
        [self = shared_from_this(), step](const Result<JetStreamConnection::StreamPtr>& info) {
          if (info)
            self->take(step, **info);
          else
            self->gap(fmt::format("stream {} cannot be read: {}", step.stream, info.error().message));
          self->next();
        });
  }

 private:
  static constexpr std::size_t kMaxStreams = 32;

  void gap(std::string text) { found_.gaps.push_back(std::move(text)); }

  void add(const std::string& subject) {
    auto& all = found_.subjects;
    if (std::ranges::any_of(all, [&](const auto& s) { return covers(s, subject); })) return;
    std::erase_if(all, [&](const auto& s) { return covers(subject, s); });
    if (all.size() < WakeSubjects::kMaxSubjects)
      all.push_back(subject);
    else if (found_.gaps.empty() || !found_.gaps.back().starts_with("more than")) {
      gap(fmt::format("more than {} input subjects", WakeSubjects::kMaxSubjects));
    }
  }

  void take(const Step& step, const StreamInfo& info) {
    if (info.transforms && !step.filters.empty()) {
      gap(fmt::format("stream {} rewrites subjects, so the consumer's filter says nothing about its input",
                      step.stream));
    } else {
      for (const auto& subject : info.subjects) {
        if (step.filters.empty()) add(subject);
        for (const auto& f : step.filters) {
          if (const auto both = intersection(subject, f)) add(*both);
        }
      }
    }
    const auto follow = [&](const StreamOrigin& o) {
      if (o.external)
        return gap(fmt::format("stream {} is fed by {} of another account or domain", step.stream, o.name));
      if (o.transforms)
        return gap(fmt::format("stream {} takes from {} with rewritten subjects", step.stream, o.name));
      Step next{o.name, step.filters};
      if (!o.filter_subject.empty()) {
        next.filters.clear();
        if (step.filters.empty()) next.filters.push_back(o.filter_subject);
        for (const auto& f : step.filters) {
          if (const auto both = intersection(o.filter_subject, f)) next.filters.push_back(*both);
        }
        if (next.filters.empty()) return;  // nothing that comes from there matches
      }
      todo_.push_back(std::move(next));
    };
    if (info.mirror) follow(*info.mirror);
    for (const auto& o : info.sources) follow(o);
  }

  JetStreamConnection& connection_;
  Duration max_age_;
  JetStreamConnection::SteadyTime deadline_;
  std::function<void(WakeSubjects)> done_;
  std::vector<Step> todo_;
  std::set<Step> seen_;
  WakeSubjects found_;
};

}  // namespace

void find_wake_subjects(JetStreamConnection& connection, const std::string& stream,
                        const std::vector<std::string>& filters, Duration max_age,
                        JetStreamConnection::SteadyTime deadline, std::function<void(WakeSubjects)> done) {
  std::vector<std::string> patterns = filters;
  if (std::ranges::find(patterns, ">") != patterns.end()) patterns.clear();
  std::make_shared<Search>(connection, max_age, deadline, std::move(done),
                           Search::Step{stream, std::move(patterns)})
      ->next();
}

}  // namespace docktor
