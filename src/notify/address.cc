#include "notify/address.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <vector>

#include "core/text.h"
#include "os/http_url.h"

namespace docktor::notify {
namespace {

constexpr std::size_t kMost = 2048;  // characters of an address

constexpr std::array<FormInfo, 7> kForms{{
    {Form::kJson, "json", "anything that takes JSON", true, false},
    {Form::kCloudEvents, "cloudevents", "what takes CloudEvents 1.0", true, false},
    {Form::kSlack, "slack", "Slack, Mattermost, Rocket.Chat, and what takes their webhooks", false, true},
    {Form::kDiscord, "discord", "Discord", false, true},
    {Form::kNtfy, "ntfy", "ntfy", false, true},
    {Form::kAlertmanager, "alertmanager", "Prometheus' Alertmanager", false, false},
    {Form::kHeartbeat, "heartbeat", "a dead man's switch, which rings when docktor is silent", false, false},
}};

Error wrong(std::string message) { return {ErrorCode::kInvalid, std::move(message), false}; }

std::vector<std::string> words_of(std::string_view path) {
  std::vector<std::string> words;
  while (!path.empty()) {
    const auto slash = path.find('/');
    words.emplace_back(path.substr(0, slash));
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
  }
  return words;
}

// What tokens are made of. It goes into a path as it is.
bool plain(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

Result<Address> over_http(Form form, std::string_view url) {
  const auto parts = parse_http_url(url);
  if (!parts) return wrong(parts.error().message);
  if (parts->base.ends_with("//")) return wrong("names no host");
  Address a{
      .form = form, .base = parts->base, .path = parts->path, .authorization = {}, .topic = {}, .shown = {}};
  if (!parts->user.empty() || !parts->password.empty())
    a.authorization = basic_authorization(parts->user, parts->password);
  a.shown = fmt::format("{}+{}/***", info(form).name, parts->base);
  if (form == Form::kAlertmanager) {
    a.shown = fmt::format("{}+{}", info(form).name, parts->base);
    while (a.path.ends_with('/')) a.path.pop_back();
    if (!a.path.ends_with("/api/v2/alerts")) a.path += "/api/v2/alerts";
  }
  if (form == Form::kNtfy) {
    while (a.path.ends_with('/')) a.path.pop_back();
    const auto slash = a.path.rfind('/');
    a.topic = slash == std::string::npos ? "" : a.path.substr(slash + 1);
    if (!plain(a.topic)) return wrong("names no topic; write ntfys://HOST/TOPIC");
    a.path = a.path.substr(0, slash) + "/";
  }
  return a;
}

Result<Address> slack(std::string_view rest) {
  const auto words = words_of(rest);
  if (words.size() != 3 || !std::ranges::all_of(words, plain))
    return wrong("is not slack://A/B/C, the three parts behind https://hooks.slack.com/services/");
  return Address{.form = Form::kSlack,
                 .base = "https://hooks.slack.com",
                 .path = fmt::format("/services/{}", fmt::join(words, "/")),
                 .authorization = {},
                 .topic = {},
                 .shown = "slack://***"};
}

Result<Address> discord(std::string_view rest) {
  const auto at = rest.find('@');
  if (at == std::string_view::npos || !plain(rest.substr(0, at)) || !plain(rest.substr(at + 1)))
    return wrong("is not discord://TOKEN@ID, of https://discord.com/api/webhooks/ID/TOKEN");
  return Address{.form = Form::kDiscord,
                 .base = "https://discord.com",
                 .path = fmt::format("/api/webhooks/{}/{}", rest.substr(at + 1), rest.substr(0, at)),
                 .authorization = {},
                 .topic = {},
                 .shown = "discord://***"};
}

// What the services show for copying.
Result<Address> as_copied(std::string_view url) {
  for (const auto& [begins, form] : {std::pair{"https://hooks.slack.com/", Form::kSlack},
                                     {"https://discord.com/api/webhooks/", Form::kDiscord},
                                     {"https://discordapp.com/api/webhooks/", Form::kDiscord},
                                     {"https://ntfy.sh/", Form::kNtfy}}) {
    if (url.starts_with(begins)) return over_http(form, url);
  }
  return wrong("does not tell what is taken there; write json+https://... for docktor's own JSON");
}

std::string all_forms() {
  std::string text;
  for (const auto& f : kForms) text += fmt::format("{}{}+https://", text.empty() ? "" : ", ", f.name);
  return text;
}

}  // namespace

std::span<const FormInfo> forms() { return kForms; }
const FormInfo& info(Form form) { return kForms[static_cast<std::size_t>(form)]; }

Result<Address> parse_address(std::string_view url) {
  if (url.size() > kMost) return wrong(fmt::format("is longer than {} characters", kMost));
  if (!std::ranges::all_of(url, [](unsigned char c) { return c > 0x20 && c < 0x7f; }))
    return wrong("has blanks or characters that no address has");
  const auto colon = url.find("://");
  if (colon == std::string_view::npos)
    return wrong("is no address; write slack://A/B/C, ntfys://HOST/TOPIC, " + all_forms());
  const auto scheme = url.substr(0, colon), rest = url.substr(colon + 3);
  if (scheme == "https" || scheme == "http") return as_copied(url);
  if (scheme == "slack") return slack(rest);
  if (scheme == "discord") return discord(rest);
  if (scheme == "ntfy" || scheme == "ntfys")
    return over_http(Form::kNtfy, fmt::format("{}://{}", scheme == "ntfys" ? "https" : "http", rest));
  const auto plus = scheme.find('+');
  const auto name = scheme.substr(0, plus);
  const auto it = std::ranges::find(kForms, name, &FormInfo::name);
  const auto carrier = plus == std::string_view::npos ? std::string_view{} : scheme.substr(plus + 1);
  if (it != kForms.end() && (carrier == "https" || carrier == "http"))
    return over_http(it->form, url.substr(plus + 1));
  if (it != kForms.end()) return wrong(fmt::format("is not complete; write {}+https://HOST/PATH", it->name));
  std::vector<std::string_view> names{"slack", "discord", "ntfy", "ntfys"};
  for (const auto& f : kForms) names.push_back(f.name);
  const auto near = did_you_mean(name, names);
  return wrong(fmt::format("begins with nothing that docktor knows; {}",
                           near ? fmt::format("did you mean {}?", *near)
                                : "write slack://, discord://, ntfy://, ntfys://, " + all_forms()));
}

Result<ReceiverTraits> receiver_traits(std::string_view url) {
  const auto a = parse_address(url);
  if (!a) return tl::unexpected(a.error());
  return ReceiverTraits{
      .shown = a->shown, .signs = info(a->form).signs, .tells = a->form != Form::kHeartbeat};
}

}  // namespace docktor::notify
