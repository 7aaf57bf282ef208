#include "notify/render.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/json_text.h"
#include "core/record.h"
#include "core/text.h"

namespace docktor::notify {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kMostGathered = 50;
constexpr std::size_t kMostDetail = 500;    // characters of a detail
constexpr std::size_t kMostDiscord = 1900;  // of a content: 2,000 are allowed
constexpr std::size_t kMostSlack = 2900;    // of a block's text: 3,000
constexpr std::size_t kMostFrom = 1500;     // of it, beside a link
constexpr std::size_t kMostNtfy = 3900;     // bytes: beyond 4,096 ntfy makes a file of it

// At most `most` bytes, whole characters.
std::string cut(std::string text, std::size_t most) {
  if (text.size() <= most) return text;
  std::size_t end = most - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

const char* mark(const Event& e) {
  if (e.phase == Phase::kEnd) return "✓";
  return e.info.severity == "info" ? "·" : "⚠";
}

std::string figures_text(const ServiceFigures& f) {
  std::string text = fmt::format("{} of {} replicas", f.counts.ready, f.bounds.max);
  const bool fresh = f.latest.queue_at && !f.latest.queue_stale;
  if (const auto v = f.latest.get(Metric::kQueueBacklog); fresh && v)
    text += fmt::format(", {} waiting", short_number(*v));
  if (fresh && f.oldest_wait.value_or(0) > 0)
    text += fmt::format(", the oldest for {}{}", f.oldest_is_guess ? "about " : "",
                        spoken_duration(seconds(std::clamp(*f.oldest_wait, 0.0, 1e9))));
  return text;
}

ordered_json observations(const ServiceFigures& f) {
  auto seen = ordered_json::object();
  for (const auto& m : kMetrics) {
    const bool stale = is_queue(m.metric) ? f.latest.queue_stale : f.latest.usage_stale;
    if (const auto v = f.latest.get(m.metric); v && !stale) seen[std::string(m.name)] = *v;
  }
  seen["replicas.ready"] = f.counts.ready;
  seen["replicas.current"] = f.counts.current;
  seen["replicas.max"] = f.bounds.max;
  return seen;
}

// The service's page, or that of all where they are several; empty where nobody said how to reach it.
std::string link(const Sender& sender, const std::vector<Event>& events) {
  if (sender.page.empty() || events.empty()) return sender.page;
  const auto& service = events.front().service;
  const bool same = std::ranges::all_of(events, [&](const Event& e) { return e.service == service; });
  return sender.page + "/" + (same && !service.empty() ? "#s=" + url_encoded(service) : "");
}

ordered_json as_json(const Sender& sender, const Event& e) {
  ordered_json j = {{"id", e.id},
                    {"event", e.info.name},
                    {"phase", to_string(e.phase)},
                    {"severity", e.info.severity},
                    {"time", utc_seconds(e.at)},
                    {"title", title_of(e)},
                    {"text", text_of(e)}};
  if (!e.service.empty()) j["service"] = e.service;
  if (e.phase != Phase::kOnce) {
    j["since"] = utc_seconds(e.since);
    j["seconds"] = std::max(0.0, to_seconds(e.at - e.since));
  }
  if (e.figures && !e.figures->queue.empty()) j["queue"] = e.figures->queue;
  if (!e.decision.empty()) j["decision"] = e.decision;
  if (!sender.page.empty()) j["url"] = link(sender, {e});
  if (e.figures) j["observations"] = observations(*e.figures);
  return j;
}

// One line for each, with what is known of it below where there is but one.
std::string lines(const std::vector<Event>& events) {
  std::string text;
  for (const auto& e : events) {
    const auto more = text_of(e);
    text += fmt::format("{}{} {}", text.empty() ? "" : "\n", mark(e), title_of(e));
    if (!more.empty()) text += (events.size() == 1 ? "\n" : ": ") + more;
  }
  return text;
}

std::string headline(const std::vector<Event>& events) {
  if (events.size() == 1) return title_of(events.front());
  return fmt::format("{} (and {} more)", title_of(events.front()), events.size() - 1);
}

ordered_json json_body(const Sender& sender, const std::vector<Event>& events, const std::string& id) {
  ordered_json j = {{"version", 1},
                    {"id", id},
                    {"severity", severity_of(events)},
                    {"host", sender.host},
                    {"instance", sender.instance},
                    {"title", headline(events)},
                    {"text", lines(events)},
                    {"events", ordered_json::array()}};
  if (!sender.page.empty()) j["url"] = link(sender, events);
  for (const auto& e : events) j["events"].push_back(as_json(sender, e));
  return j;
}

ordered_json cloud_event(const Sender& sender, const Event& e, const std::string& id) {
  ordered_json j = {{"specversion", "1.0"},
                    {"id", id},
                    {"source", "docktor://" + sender.host + sender.instance},
                    {"type", fmt::format("docktor.{}.{}", e.info.name, to_string(e.phase))},
                    {"time", utc_seconds(e.at)},
                    {"datacontenttype", "application/json"},
                    {"data", as_json(sender, e)}};
  if (!e.service.empty()) j["subject"] = e.service;
  return j;
}

// Slack takes these three for markup, and <!channel> rings everybody.
std::string slack_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  }
  return out;
}

ordered_json slack_body(const Sender& sender, const std::vector<Event>& events) {
  const auto text = cut(slack_text(lines(events)), kMostSlack);
  auto from = cut(slack_text(sender.host + " · " + sender.instance), kMostFrom);
  if (!sender.page.empty()) from += " · <" + slack_text(link(sender, events)) + "|see it>";
  ordered_json section = {{"type", "section"}, {"text", {{"type", "mrkdwn"}, {"text", text}}}};
  ordered_json element = {{"type", "mrkdwn"}, {"text", from}};
  ordered_json context = {{"type", "context"}, {"elements", ordered_json::array({std::move(element)})}};
  return {{"text", text}, {"blocks", ordered_json::array({std::move(section), std::move(context)})}};
}

ordered_json discord_body(const Sender& sender, const std::vector<Event>& events) {
  // <...> keeps Discord from drawing a preview of the page.
  const auto from = cut(sender.host, 255) + (sender.page.empty() ? "" : " · <" + link(sender, events) + ">");
  return {{"content",
           cut(lines(events), kMostDiscord - std::min(from.size(), kMostDiscord / 2) - 4) + "\n" + from},
          {"allowed_mentions", {{"parse", ordered_json::array()}}}};
}

ordered_json ntfy_body(const Address& address, const Sender& sender, const std::vector<Event>& events) {
  const auto severity = severity_of(events);
  const bool over = std::ranges::all_of(events, [](const Event& e) { return e.phase == Phase::kEnd; });
  std::string message = events.size() == 1 ? text_of(events.front()) : lines(events);
  if (!message.empty()) message += "\n";
  ordered_json j = {{"topic", address.topic},
                    {"title", cut(headline(events), 240)},
                    {"message", cut(message, kMostNtfy) + cut(sender.host, 100)},
                    {"priority", over                     ? 3
                                 : severity == "critical" ? 5
                                 : severity == "warning"  ? 4
                                                          : 3}};
  if (!sender.page.empty()) j["click"] = link(sender, events);
  j["tags"] = ordered_json::array({over                 ? "white_check_mark"
                                   : severity == "info" ? "information_source"
                                                        : "warning"});
  return j;
}

// "queue_unreachable" → "DocktorQueueUnreachable".
std::string alert_name(std::string_view event) {
  std::string name = "Docktor";
  bool upper = true;
  for (const char c : event) {
    if (c == '_') {
      upper = true;
      continue;
    }
    name += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = false;
  }
  return name;
}

ordered_json alerts(const Sender& sender, const std::vector<Event>& events) {
  auto list = ordered_json::array();
  for (const auto& e : events) {
    ordered_json labels = {{"alertname", alert_name(e.info.name)},
                           {"severity", e.info.severity},
                           {"host", sender.host},
                           {"instance", sender.instance}};
    if (!e.service.empty()) labels["service"] = e.service;
    ordered_json one = {{"labels", std::move(labels)},
                        {"annotations", {{"summary", title_of(e)}, {"description", text_of(e)}}},
                        {"startsAt", utc_seconds(e.since)}};
    if (!sender.page.empty()) one["generatorURL"] = link(sender, {e});
    if (e.phase == Phase::kEnd || e.phase == Phase::kOnce) one["endsAt"] = utc_seconds(e.at);
    list.push_back(std::move(one));
  }
  return list;
}

std::string base64(const unsigned char* data, std::size_t size) {
  std::string out(4 * ((size + 2) / 3) + 1, '\0');
  const int n = ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), data, static_cast<int>(size));
  out.resize(static_cast<std::size_t>(std::max(n, 0)));
  return out;
}

std::string from_base64(std::string_view text) {
  std::string out(text.size(), '\0');
  const int n =
      ::EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                        reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  std::size_t size = static_cast<std::size_t>(std::max(n, 0));
  for (; text.ends_with('=') && size > 0; text.remove_suffix(1)) --size;  // it counts the padding
  out.resize(size);
  return out;
}

}  // namespace

std::string title_of(const Event& e) {
  const auto of = e.service.empty() ? std::string() : plain_text(e.service) + ": ";
  const auto length = [&] { return spoken_duration(std::max(Duration::zero(), e.at - e.since)); };
  if (e.phase == Phase::kEnd) return fmt::format("{}over after {}: {}", of, length(), e.info.words);
  if (e.phase == Phase::kStill) return fmt::format("{}for {} now: {}", of, length(), e.info.words);
  return fmt::format("{}{}", of, e.what.empty() ? std::string(e.info.words) : plain_text(e.what));
}

std::string text_of(const Event& e) {
  std::string text = e.phase == Phase::kEnd ? "" : cut(plain_text(e.detail), kMostDetail);
  if (e.figures) text += (text.empty() ? "" : "; ") + figures_text(*e.figures);
  return text;
}

std::string_view severity_of(const std::vector<Event>& events) {
  std::string_view worst = "info";
  for (const auto& e : events) {
    if (e.info.severity == "critical") return "critical";
    if (e.info.severity == "warning") worst = "warning";
  }
  return worst;
}

std::size_t most_in_one(Form form) { return form == Form::kCloudEvents ? 1 : kMostGathered; }

HttpRequest render(const Address& address, const Sender& sender, const std::vector<Event>& events,
                   const std::string& id) {
  HttpRequest r{.method = "POST", .path = address.path, .max_body = 64 << 10};
  if (!address.authorization.empty()) r.headers.push_back("Authorization: " + address.authorization);
  r.headers.emplace_back("User-Agent: docktor");
  switch (address.form) {
    case Form::kJson:
      r.body = to_line(json_body(sender, events, id));
      break;
    case Form::kCloudEvents:
      r.content_type = "application/cloudevents+json";
      r.body = to_line(cloud_event(sender, events.front(), id));
      break;
    case Form::kSlack:
      r.body = to_line(slack_body(sender, events));
      break;
    case Form::kDiscord:
      r.body = to_line(discord_body(sender, events));
      break;
    case Form::kNtfy:
      r.body = to_line(ntfy_body(address, sender, events));
      break;
    case Form::kAlertmanager:
      r.body = to_line(alerts(sender, events));
      break;
    case Form::kHeartbeat:
      r.method = "GET";
      break;
  }
  return r;
}

void sign(HttpRequest& request, const std::vector<Secret>& keys, const std::string& id, Time now) {
  if (keys.empty()) return;
  const auto stamp = fmt::format("{:.0f}", std::floor(to_seconds(now)));
  const auto text = fmt::format("{}.{}.{}", id, stamp, request.body);
  std::string signatures;
  for (const auto& key : keys) {
    const auto bytes = from_base64(std::string_view(key.value).substr(std::string_view("whsec_").size()));
    std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
    unsigned size = 0;
    ::HMAC(::EVP_sha256(), bytes.data(), static_cast<int>(bytes.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac.data(), &size);
    signatures += (signatures.empty() ? "v1," : " v1,") + base64(mac.data(), size);
  }
  request.headers.push_back("webhook-id: " + id);
  request.headers.push_back("webhook-timestamp: " + stamp);
  request.headers.push_back("webhook-signature: " + signatures);
}

}  // namespace docktor::notify
