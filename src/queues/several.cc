#include "queues/several.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "core/several.h"

namespace docktor {

namespace {

using Answer = Result<Reading>;

Error error_of(const Answer& answer) {
  return answer ? Error{ErrorCode::kInternal, "the source answered without a queue"} : answer.error();
}

// One that is not there is a matter for the workers; one that is silent is worse, and says what kind of trouble it is.
Error missing(const std::vector<std::string>& names, const std::vector<Answer>& answers) {
  std::optional<Error> worst;
  std::string text;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (answers[i] && answers[i]->queue) continue;
    const Error e = error_of(answers[i]);
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", names[i], e.message);
    if (!worst || (worst->code == ErrorCode::kNotFound && e.code != ErrorCode::kNotFound)) worst = e;
  }
  worst->message = std::move(text);
  return *worst;
}

std::string waiting(const std::vector<std::string>& names, const std::vector<Answer>& answers) {
  std::string waits, silent;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i] || !answers[i]->queue) {
      silent += (silent.empty() ? "" : ", ") + names[i];
    } else if (const QueueSample& q = *answers[i]->queue; q.num_pending > 0 && q.paused.empty()) {
      waits += fmt::format("{}{} message{} waiting in {}", waits.empty() ? "" : ", ", q.num_pending,
                           q.num_pending == 1 ? "" : "s", names[i]);
    }
  }
  return waits.empty() ? waits : fmt::format("{} (nothing is known of {})", waits, silent);
}

Answer together(const std::vector<std::string>& names, std::vector<Answer> answers) {
  bool whole = true;
  for (const auto& a : answers) whole = whole && a && a->queue;
  Reading reading;
  if (!whole) {
    reading.part_missing = missing(names, answers);
    reading.part_waits = waiting(names, answers);
    return reading;
  }
  std::vector<NamedSample> parts;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (const auto& note = answers[i]->note; !note.empty())
      reading.note += fmt::format("{}{}: {}", reading.note.empty() ? "" : "; ", names[i], note);
    parts.push_back({names[i], std::move(*answers[i]->queue)});
  }
  reading.queue = sum_of(std::move(parts));
  return reading;
}

// One reading of all, as answers come in from the threads of each.
class Gathering {
 public:
  Gathering(std::vector<std::string> names, std::function<void(Answer)> done)
      : names_(std::move(names)),
        answers_(names_.size(), Reading{}),
        left_(names_.size()),
        done_(std::move(done)) {}

  void take(std::size_t i, Answer answer) {
    {
      const std::lock_guard lock(mutex_);
      answers_[i] = std::move(answer);
      if (--left_ > 0) return;
    }
    done_(together(names_, std::move(answers_)));  // nobody else is left
  }

 private:
  const std::vector<std::string> names_;
  std::mutex mutex_;
  std::vector<Answer> answers_;
  std::size_t left_;
  const std::function<void(Answer)> done_;
};

template <class Parts>
std::string told(const Parts& parts, std::string (Source::*what)() const) {
  std::string out;
  for (const auto& p : parts) {
    if (const auto text = ((*p.source).*what)(); !text.empty())
      out += fmt::format("{}{}: {}", out.empty() ? "" : "; ", p.name, text);
  }
  return out;
}

}  // namespace

SeveralQueues::SeveralQueues(std::vector<Part> parts) : parts_(std::move(parts)) {}

void SeveralQueues::read(const ReadRequest& request, std::function<void(Result<Reading>)> done) {
  std::vector<std::string> names;
  for (const auto& p : parts_) names.push_back(p.name);
  const auto all = std::make_shared<Gathering>(std::move(names), std::move(done));
  for (std::size_t i = 0; i < parts_.size(); ++i)
    parts_[i].source->read(request, [all, i](const Answer& answer) { all->take(i, answer); });
}

void SeveralQueues::watch(std::function<void()> on_message) {
  for (const auto& p : parts_) p.source->watch(on_message);
}

std::string SeveralQueues::watch_gap() const { return told(parts_, &Source::watch_gap); }
std::string SeveralQueues::unfit_for_zero() const { return told(parts_, &Source::unfit_for_zero); }

std::vector<Finding> SeveralQueues::check(Duration timeout) {
  std::vector<Finding> all;
  for (const auto& p : parts_) {
    for (auto& f : p.source->check(timeout)) {
      f.what = fmt::format("{}: {}", p.name, f.what);
      all.push_back(std::move(f));
    }
  }
  return all;
}

}  // namespace docktor
