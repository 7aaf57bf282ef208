#include "queues/nats/jetstream_api.h"

#include <fmt/format.h>

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

  bool null() override { return true; }
  bool boolean(bool v) override { return give(v); }
  bool number_integer(number_integer_t v) override { return give(static_cast<std::int64_t>(v)); }
  bool number_unsigned(number_unsigned_t v) override { return give(static_cast<std::uint64_t>(v)); }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t& v) override { return give(std::string_view(v)); }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override {
    visitor_.begin_object(path_);
    path_.emplace_back();
    return path_.size() <= kMaxDepth;
  }
  bool key(string_t& k) override {
    path_.back() = k;
    return true;
  }
  bool end_object() override {
    path_.pop_back();
    return true;
  }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    error = fmt::format("no JSON at byte {}", position);
    return false;
  }

 private:
  static constexpr std::size_t kMaxDepth = 32;
  template <class T>
  bool give(T v) {
    visitor_.value(path_, v);
    return true;
  }

  Visitor& visitor_;
  std::vector<std::string> path_;  // the keys that lead here; arrays add none
};

using Path = std::vector<std::string>;

bool is(const Path& p, std::string_view a) { return p.size() == 1 && p[0] == a; }
bool is(const Path& p, std::string_view a, std::string_view b) {
  return p.size() == 2 && p[1] == b && p[0] == a;
}

template <class To, class From>
void set(To& to, const From& from) {
  if constexpr (std::is_same_v<To, std::string>) {
    if constexpr (std::is_same_v<From, std::string_view>) to = from;
  } else if constexpr (std::is_same_v<To, bool>) {
    if constexpr (std::is_same_v<From, bool>) to = from;
  } else if constexpr (std::is_same_v<To, Duration>) {
    if constexpr (std::is_same_v<From, std::uint64_t>)
      to = Duration(static_cast<Duration::rep>(from & 0x7fffffffffffffff));
  } else if constexpr (std::is_same_v<To, std::uint64_t>) {
    if constexpr (std::is_same_v<From, std::uint64_t>) to = from;  // a counter is never negative
  } else if constexpr (std::is_integral_v<To> && std::is_integral_v<From> && !std::is_same_v<From, bool>) {
    to = static_cast<To>(from);
  }
}

struct Common {
  ApiError error;
  bool failed = false;
  void begin_object(const Path& p) { failed = failed || is(p, "error"); }
  template <class T>
  bool common(const Path& p, const T& v) {
    if (p.size() != 2 || p[0] != "error") return false;
    if (p[1] == "code") set(error.code, v);
    if (p[1] == "err_code") set(error.err_code, v);
    if (p[1] == "description") set(error.description, v);
    return true;
  }
};

struct ConsumerVisitor : Common {
  ConsumerInfo info;

  template <class T>
  void value(const Path& p, const T& v) {
    if (p.size() == 1) {
      const auto& k = p[0];
      if (k == "num_pending")
        set(info.num_pending, v);
      else if (k == "num_ack_pending")
        set(info.num_ack_pending, v);
      else if (k == "num_redelivered")
        set(info.num_redelivered, v);
      else if (k == "num_waiting")
        set(info.num_waiting, v);
      else if (k == "created")
        set(info.created, v);
      else if (k == "paused")
        set(info.paused, v);
    } else if (p.size() == 2) {
      const auto& k = p[1];
      if (p[0] == "config") {
        if (k == "durable_name")
          set(info.durable_name, v);
        else if (k == "deliver_subject")
          set(info.deliver_subject, v);
        else if (k == "deliver_group")
          set(info.deliver_group, v);
        else if (k == "ack_policy")
          set(info.ack_policy, v);
        else if (k == "ack_wait")
          set(info.ack_wait, v);
        else if (k == "inactive_threshold")
          set(info.inactive_threshold, v);
        else if (k == "max_deliver")
          set(info.max_deliver, v);
        else if (k == "max_ack_pending")
          set(info.max_ack_pending, v);
        else if (k == "filter_subject" || k == "filter_subjects") {
          if constexpr (std::is_same_v<T, std::string_view>) {
            if (!v.empty()) info.filters.emplace_back(v);
          }
        }
      } else if (p[0] == "delivered") {
        if (k == "consumer_seq")
          set(info.delivered_consumer_seq, v);
        else if (k == "stream_seq")
          set(info.delivered_stream_seq, v);
      } else if (p[0] == "ack_floor") {
        if (k == "consumer_seq")
          set(info.ack_floor_consumer_seq, v);
        else if (k == "stream_seq")
          set(info.ack_floor_stream_seq, v);
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
      if constexpr (std::is_same_v<T, std::uint64_t>) {
        info.subject_messages += v;
        ++info.subjects_listed;
      }
    } else if (p.size() == 3 && p[0] == "config") {
      if (StreamOrigin* o = origin(p)) {
        if (p[2] == "name") set(o->name, v);
        if (p[2] == "filter_subject") set(o->filter_subject, v);
      }
    } else if (p.size() == 2 && p[0] == "config") {
      config(p[1], v);
    } else if (p.size() == 2 && p[0] == "state") {
      const auto& k = p[1];
      if (k == "messages")
        set(info.messages, v);
      else if (k == "first_seq")
        set(info.first_seq, v);
      else if (k == "last_seq")
        set(info.last_seq, v);
      else if (k == "num_subjects")
        set(info.num_subjects, v);
    } else if (p.size() == 1) {
      if (p[0] == "created")
        set(info.created, v);
      else if (p[0] == "total")
        set(info.subjects_total, v);
    } else {
      common(p, v);
    }
  }

  template <class T>
  void config(const std::string& k, const T& v) {
    if (k == "subjects") {
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
      set(info.duplicate_window, v);
    } else if (k == "max_msgs" || k == "max_bytes") {
      limit(v);
    } else if (k == "max_msgs_per_subject") {
      if constexpr (std::is_same_v<T, std::uint64_t>) per_subject_ = v > 0;
    } else if (k == "discard") {
      if constexpr (std::is_same_v<T, std::string_view>) refuses_ = v == "new";
    } else if (k == "discard_new_per_subject") {
      set(refuses_per_subject_, v);
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

tl::unexpected<Error> incomplete(std::string_view what) {
  return fail(ErrorCode::kInternal, fmt::format("the server's answer to {} has no time of creation", what));
}

}  // namespace

Result<ApiAnswer<ConsumerInfo>> parse_consumer_info(std::string_view text) {
  ConsumerVisitor v;
  if (auto r = walk(text, "CONSUMER.INFO", v); !r) return tl::unexpected(r.error());
  if (v.failed) return ApiAnswer<ConsumerInfo>{std::nullopt, std::move(v.error)};
  if (v.info.created.empty()) return incomplete("CONSUMER.INFO");
  return ApiAnswer<ConsumerInfo>{std::move(v.info), std::nullopt};
}

Result<ApiAnswer<StreamInfo>> parse_stream_info(std::string_view text) {
  StreamVisitor v;
  if (auto r = walk(text, "STREAM.INFO", v); !r) return tl::unexpected(r.error());
  if (v.failed) return ApiAnswer<StreamInfo>{std::nullopt, std::move(v.error)};
  if (v.info.created.empty()) return incomplete("STREAM.INFO");
  v.finish();
  return ApiAnswer<StreamInfo>{std::move(v.info), std::nullopt};
}

}  // namespace docktor
