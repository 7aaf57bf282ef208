#include "queues/nats/jetstream_api.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <type_traits>

namespace docktor {
namespace {

using nlohmann::json;

// Most of an answer is not needed and a thousand of them come each second: the parser walks through the text
// and hands each scalar on with its path, and no tree is built. (A tree takes about four times as long.)
template <class Visitor>
class Walk : public nlohmann::json_sax<json> {
 public:
  explicit Walk(Visitor& visitor) : visitor_(visitor) {}
  std::string error;

  bool null() override { return true; }  // as if it were not there
  bool boolean(bool v) override { return give(v); }
  bool number_integer(number_integer_t v) override { return give(static_cast<std::int64_t>(v)); }
  bool number_unsigned(number_unsigned_t v) override { return give(static_cast<std::uint64_t>(v)); }
  bool number_float(number_float_t v, const string_t&) override { return give(v); }
  bool string(string_t& v) override { return give(std::string_view(v)); }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override {
    visitor_.begin_object(path_);
    path_.emplace_back();
    lists_.push_back(0);
    return path_.size() <= kMaxDepth;
  }
  bool key(string_t& k) override {
    path_.back() = k;
    return true;
  }
  bool end_object() override {
    path_.pop_back();
    lists_.pop_back();
    return true;
  }
  bool start_array(std::size_t) override { return list(1); }
  bool end_array() override { return list(-1); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    error = fmt::format("no JSON at byte {}", position);
    return false;
  }

 private:
  static constexpr std::size_t kMaxDepth = 32;
  template <class T>
  bool give(T v) {
    visitor_.in_list = !lists_.empty() && lists_.back() > 0;
    visitor_.value(path_, v);
    return true;
  }
  bool list(int deeper) {
    if (!lists_.empty()) lists_.back() += deeper;
    return true;
  }

  Visitor& visitor_;
  std::vector<std::string> path_;  // the keys that lead here; arrays add none
  std::vector<int> lists_;         // arrays that are open within each of these objects
};

using Path = std::vector<std::string>;

bool is(const Path& p, std::string_view a) { return p.size() == 1 && p[0] == a; }
bool is(const Path& p, std::string_view a, std::string_view b) {
  return p.size() == 2 && p[1] == b && p[0] == a;
}

constexpr std::uint64_t kMaxCount = 1ull << 53;  // beyond it a counter wrapped

// What the walk takes a value as. False: it is of another kind.
bool take(std::string& to, std::string_view v) {
  to = v;
  return true;
}
bool take(bool& to, bool v) {
  to = v;
  return true;
}
bool take(std::uint64_t& to, std::uint64_t v) {
  to = v;
  return v <= kMaxCount;
}
bool take(std::int64_t& to, std::uint64_t v) {
  to = static_cast<std::int64_t>(std::min(v, kMaxCount));
  return true;
}
bool take(std::int64_t& to, std::int64_t v) {
  to = v;
  return true;
}
bool take(int& to, std::uint64_t v) {
  to = static_cast<int>(std::min<std::uint64_t>(v, 1u << 30));
  return true;
}
bool take(Duration& to, std::uint64_t v) {
  to = Duration(static_cast<Duration::rep>(v & 0x7fffffffffffffff));
  return true;
}
template <class To, class From>
bool take(To&, const From&) {
  return false;
}

struct Common {
  ApiError error;
  bool failed = false;
  bool in_list = false;                    // the value is one of a list
  std::string wrong;                       // the first field that is not of its kind
  std::vector<const std::uint64_t*> seen;  // the counts that were there

  template <class To, class From>
  void set(To& to, const From& from, const Path& p) {
    if ((in_list || !take(to, from)) && wrong.empty()) wrong = fmt::format("{}", fmt::join(p, "."));
    if constexpr (std::is_same_v<To, std::uint64_t>) seen.push_back(&to);
  }
  bool has(const std::uint64_t& count) const { return std::ranges::find(seen, &count) != seen.end(); }

  void begin_object(const Path& p) { failed = failed || is(p, "error"); }
  template <class T>
  void common(const Path& p, const T& v) {
    if (p.size() != 2 || p[0] != "error") return;
    if (p[1] == "code") set(error.code, v, p);
    if (p[1] == "err_code") set(error.err_code, v, p);
    if (p[1] == "description") set(error.description, v, p);
  }
};

struct ConsumerVisitor : Common {
  ConsumerInfo info;

  template <class T>
  void value(const Path& p, const T& v) {
    if (p.size() == 1) {
      const auto& k = p[0];
      if (k == "num_pending")
        set(info.num_pending, v, p);
      else if (k == "num_ack_pending")
        set(info.num_ack_pending, v, p);
      else if (k == "num_redelivered")
        set(info.num_redelivered, v, p);
      else if (k == "num_waiting")
        set(info.num_waiting, v, p);
      else if (k == "stream_name")
        set(info.stream_name, v, p);
      else if (k == "name")
        set(info.name, v, p);
      else if (k == "created")
        set(info.created, v, p);
      else if (k == "paused")
        set(info.paused, v, p);
    } else if (p.size() == 2) {
      const auto& k = p[1];
      if (p[0] == "config") {
        if (k == "durable_name")
          set(info.durable_name, v, p);
        else if (k == "deliver_subject")
          set(info.deliver_subject, v, p);
        else if (k == "deliver_group")
          set(info.deliver_group, v, p);
        else if (k == "ack_policy")
          set(info.ack_policy, v, p);
        else if (k == "ack_wait")
          set(info.ack_wait, v, p);
        else if (k == "inactive_threshold")
          set(info.inactive_threshold, v, p);
        else if (k == "max_deliver")
          set(info.max_deliver, v, p);
        else if (k == "max_ack_pending")
          set(info.max_ack_pending, v, p);
        else if (k == "pause_until")
          set(info.pause_until, v, p);
        else if (k == "filter_subject" || k == "filter_subjects") {
          if constexpr (std::is_same_v<T, std::string_view>) {
            if (!v.empty()) info.filters.emplace_back(v);
          }
        }
      } else if (p[0] == "delivered") {
        if (k == "consumer_seq")
          set(info.delivered_consumer_seq, v, p);
        else if (k == "stream_seq")
          set(info.delivered_stream_seq, v, p);
      } else if (p[0] == "ack_floor") {
        if (k == "consumer_seq")
          set(info.ack_floor_consumer_seq, v, p);
        else if (k == "stream_seq")
          set(info.ack_floor_stream_seq, v, p);
      } else {
        common(p, v);
      }
    }
  }
};

struct StreamVisitor : Common {
  StreamInfo info;

  void begin_object(const Path& p) {
    Common::begin_object(p);
    if (is(p, "config", "mirror")) info.mirror.emplace();
    if (is(p, "config", "sources")) info.sources.emplace_back();
    if (is(p, "config", "subject_transform")) info.transforms = true;
    if (p.size() == 3 && p[0] == "config") {
      StreamOrigin* o = origin(p);
      if (o && p[2] == "external") o->external = true;
      if (o && p[2] == "subject_transforms") o->transforms = true;
    }
  }

  StreamOrigin* origin(const Path& p) {
    if (p[1] == "mirror" && info.mirror) return &*info.mirror;
    if (p[1] == "sources" && !info.sources.empty()) return &info.sources.back();
    return nullptr;
  }

  template <class T>
  void limit(const T& v) {  // -1 or 0: none
    if constexpr (std::is_same_v<T, std::uint64_t>) discards_ = discards_ || v > 0;
  }

  template <class T>
  void value(const Path& p, const T& v) {
    if (p.size() == 3 && p[0] == "state" && p[1] == "subjects") {
      std::uint64_t n = 0;
      set(n, v, p);
      seen.pop_back();
      info.subject_messages += n;
      ++info.subjects_listed;
    } else if (p.size() == 3 && p[0] == "config") {
      if (StreamOrigin* o = origin(p)) {
        if (p[2] == "name") set(o->name, v, p);
        if (p[2] == "filter_subject") set(o->filter_subject, v, p);
      }
    } else if (p.size() == 2 && p[0] == "config") {
      config(p, v);
    } else if (p.size() == 2 && p[0] == "state") {
      const auto& k = p[1];
      if (k == "messages")
        set(info.messages, v, p);
      else if (k == "first_seq")
        set(info.first_seq, v, p);
      else if (k == "last_seq")
        set(info.last_seq, v, p);
      else if (k == "num_subjects")
        set(info.num_subjects, v, p);
    } else if (p.size() == 1) {
      if (p[0] == "created")
        set(info.created, v, p);
      else if (p[0] == "total")
        set(info.subjects_total, v, p);
    } else {
      common(p, v);
    }
  }

  template <class T>
  void config(const Path& p, const T& v) {
    const auto& k = p[1];
    if (k == "name") {
      set(info.name, v, p);
    } else if (k == "subjects") {
      if constexpr (std::is_same_v<T, std::string_view>) info.subjects.emplace_back(v);
    } else if (k == "retention") {
      if constexpr (std::is_same_v<T, std::string_view>) {
        info.retention = v == "workqueue"  ? Retention::kWorkQueue
                         : v == "interest" ? Retention::kInterest
                                           : Retention::kLimits;
      }
    } else if (k == "max_age") {
      // Discards whatever the discard policy is, as do roll-ups and messages with a time to live of their
      // own.
      if constexpr (std::is_same_v<T, std::uint64_t>) expires_ = expires_ || v > 0;
    } else if (k == "allow_rollup_hdrs" || k == "allow_msg_ttl") {
      if constexpr (std::is_same_v<T, bool>) expires_ = expires_ || v;
    } else if (k == "duplicate_window") {
      set(info.duplicate_window, v, p);
    } else if (k == "max_msgs" || k == "max_bytes") {
      limit(v);
    } else if (k == "max_msgs_per_subject") {
      if constexpr (std::is_same_v<T, std::uint64_t>) per_subject_ = v > 0;
    } else if (k == "discard") {
      if constexpr (std::is_same_v<T, std::string_view>) refuses_ = v == "new";
    } else if (k == "discard_new_per_subject") {
      set(refuses_per_subject_, v, p);
    }
  }

  void finish() {
    info.can_discard =
        expires_ || (discards_ && !refuses_) || (per_subject_ && !(refuses_ && refuses_per_subject_));
  }

 private:
  bool expires_ = false, discards_ = false, per_subject_ = false, refuses_ = false,
       refuses_per_subject_ = false;
};

template <class Visitor>
Result<void> walk(std::string_view text, std::string_view what, Visitor& visitor) {
  Walk<Visitor> sax(visitor);
  if (!json::sax_parse(text.begin(), text.end(), &sax)) {
    return fail(ErrorCode::kInternal, fmt::format("the server's answer to {} makes no sense: {}", what,
                                                  sax.error.empty() ? "it is nested too deeply" : sax.error));
  }
  return {};
}

tl::unexpected<Error> nonsense(std::string_view what, std::string_view why) {
  return fail(ErrorCode::kInternal, fmt::format("the server's answer to {} {}", what, why));
}

struct Count {
  std::string_view name;
  const std::uint64_t& value;
};

// Nothing of an answer counts that lacks a part: what is not there is not zero.
Result<void> check(const Common& answer, std::string_view what, std::initializer_list<Count> counts) {
  const auto no_count = [&](std::string_view name) {
    return nonsense(what, fmt::format("has no {} (a whole number, 0 or more)", name));
  };
  for (const auto& c : counts) {
    if (!answer.has(c.value) || answer.wrong == c.name) return no_count(c.name);
  }
  if (!answer.wrong.empty())
    return nonsense(what, fmt::format("has a {} of another kind than a server gives it", answer.wrong));
  return {};
}

// The name that was asked for, or the empty one.
bool fits(std::string_view asked, const std::string& told) { return asked.empty() || asked == told; }

// RFC 3339 to the second; nothing else of a text that goes to logs and terminals.
std::string instant(const std::string& text) {
  constexpr std::size_t kSeconds = 19;  // 2030-01-01T00:00:00
  if (text.size() < kSeconds || text.find_first_not_of("0123456789-:T") < kSeconds) return {};
  return text.substr(0, kSeconds) + (text.ends_with("Z") ? "Z" : "");
}

}  // namespace

Result<ApiAnswer<ConsumerInfo>> parse_consumer_info(std::string_view text, std::string_view stream,
                                                    std::string_view consumer) {
  constexpr std::string_view kWhat = "CONSUMER.INFO";
  ConsumerVisitor v;
  if (auto r = walk(text, kWhat, v); !r) return tl::unexpected(r.error());
  if (v.failed) return ApiAnswer<ConsumerInfo>{std::nullopt, std::move(v.error)};
  ConsumerInfo& i = v.info;
  if (auto r = check(v, kWhat,
                     {{"num_pending", i.num_pending},
                      {"num_ack_pending", i.num_ack_pending},
                      {"num_redelivered", i.num_redelivered},
                      {"num_waiting", i.num_waiting},
                      {"delivered.consumer_seq", i.delivered_consumer_seq},
                      {"delivered.stream_seq", i.delivered_stream_seq},
                      {"ack_floor.consumer_seq", i.ack_floor_consumer_seq},
                      {"ack_floor.stream_seq", i.ack_floor_stream_seq}});
      !r)
    return tl::unexpected(r.error());
  if (i.created.empty()) return nonsense(kWhat, "has no time of creation");
  if (!fits(stream, i.stream_name) || !fits(consumer, i.name))
    return nonsense(kWhat, fmt::format("is about another consumer than {} of stream {}", consumer, stream));
  i.pause_until = instant(i.pause_until);
  return ApiAnswer<ConsumerInfo>{std::move(i), std::nullopt};
}

Result<ApiAnswer<StreamInfo>> parse_stream_info(std::string_view text, std::string_view stream) {
  constexpr std::string_view kWhat = "STREAM.INFO";
  StreamVisitor v;
  if (auto r = walk(text, kWhat, v); !r) return tl::unexpected(r.error());
  if (v.failed) return ApiAnswer<StreamInfo>{std::nullopt, std::move(v.error)};
  StreamInfo& i = v.info;
  if (auto r = check(
          v, kWhat,
          {{"state.messages", i.messages}, {"state.first_seq", i.first_seq}, {"state.last_seq", i.last_seq}});
      !r)
    return tl::unexpected(r.error());
  if (i.created.empty()) return nonsense(kWhat, "has no time of creation");
  if (!fits(stream, i.name)) return nonsense(kWhat, fmt::format("is about another stream than {}", stream));
  v.finish();
  return ApiAnswer<StreamInfo>{std::move(i), std::nullopt};
}

}  // namespace docktor
