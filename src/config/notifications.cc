// The notifications block: whom docktor tells of trouble, and of what.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "config/files.h"
#include "config/kind.h"
#include "config/parts.h"
#include "core/text.h"

namespace docktor {

namespace {

constexpr std::size_t kMostKeys = 2;
constexpr std::size_t kMostKeyFile = 4096;
constexpr std::size_t kLeastKey = 32, kMostKey = 100;  // characters of base64: 24 to 75 bytes

bool is_key(std::string_view line) {
  constexpr std::string_view kPrefix = "whsec_";
  if (!line.starts_with(kPrefix)) return false;
  line.remove_prefix(kPrefix.size());
  if (line.size() < kLeastKey || line.size() > kMostKey || line.size() % 4 != 0) return false;
  while (line.ends_with('=')) line.remove_suffix(1);
  return std::ranges::all_of(line, [](unsigned char c) { return std::isalnum(c) || c == '+' || c == '/'; });
}

// A key a line; the newest first.
std::vector<Secret> read_keys(Section& section) {
  std::vector<Secret> keys;
  const auto file = section.readable_file("secret_file");
  if (!file) return keys;
  auto& mistakes = section.context().mistakes;
  const auto text = read_small_file(file->value, kMostKeyFile);
  if (!text) {
    mistakes.add(file->place, fmt::format("secret_file cannot be read: {}", text.error().message));
    return keys;
  }
  bool good = true;
  for (std::string_view rest = *text; !rest.empty();) {
    const auto end = std::min(rest.find('\n'), rest.size());
    auto line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (line.empty()) continue;
    good = good && is_key(line);
    keys.push_back(Secret{std::string(line)});
  }
  if (!good || keys.empty() || keys.size() > kMostKeys) {
    mistakes.add(
        file->place,
        "secret_file must hold one key, or two while it changes, each on a line: whsec_ and base64 of 24 "
        "bytes or more; write one with: echo whsec_$(openssl rand -base64 24)");
    keys.clear();
  }
  return keys;
}

void check_events(Section& section, const Read<std::vector<std::string>>& given) {
  std::vector<std::string_view> known;
  for (const auto& g : kEventGroups) known.push_back(g.name);
  const auto all = all_events();
  for (const auto& e : all) known.push_back(e.name);
  for (const auto& name : given.value) {
    if (std::ranges::find(known, name) != known.end()) continue;
    const auto near = did_you_mean(name, known);
    section.context().mistakes.add(given.place,
                                   fmt::format("there is no event {}; {}", in_quotes(name),
                                               near ? fmt::format("did you mean {}?", *near)
                                                    : fmt::format("allowed: {}", fmt::join(known, ", "))));
  }
}

void check_services(Section& section, const Read<std::vector<std::string>>& given, const Config& config) {
  std::vector<std::string_view> known;
  for (const auto& s : config.services) known.push_back(s.name);
  for (const auto& name : given.value) {
    if (known.empty() || std::ranges::find(known, name) != known.end()) continue;
    const auto near = did_you_mean(name, known);
    section.context().mistakes.add(given.place,
                                   fmt::format("there is no service {}{}", in_quotes(name),
                                               near ? fmt::format("; did you mean {}?", *near) : ""));
  }
}

// What the receiver's form does not take has no effect, and whoever wrote it thinks otherwise.
void check_address(Section& section, const Read<Secret>& url, ChannelSpec& channel) {
  auto& context = section.context();
  if (!context.kinds.receiver) return;
  const auto traits = context.kinds.receiver(url.value.value);
  if (!traits) {
    context.mistakes.add(url.place, fmt::format("the address {}", traits.error().message));
    return;
  }
  channel.shown = traits->shown;
  const auto refuse = [&](std::string_view key, std::string_view why) {
    if (section.entry(key)) context.mistakes.add(section.key_at(key), fmt::format("{} {}", key, why));
  };
  if (!traits->signs) refuse("secret_file", "has no effect: only json and cloudevents are signed");
  if (traits->tells) return;
  for (const auto* key : {"events", "services", "hold_off"})
    refuse(key, "has no effect: a heartbeat tells of no events, only that docktor lives");
}

ChannelSpec read_channel(ConfigContext& context, const YamlNode& node, const Config& config) {
  Section section(context, kNotification, node);
  ChannelSpec channel;
  if (const auto name = section.text("name")) {
    channel.name = name->value;
    const auto fits = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_' || c == '.'; };
    if (!std::ranges::all_of(name->value, fits))
      context.mistakes.add(name->place, "the name of a channel has letters, digits, -, _ and . only");
  }
  const auto url = section.secret("url");
  if (url) channel.url = url->value;
  if (!url && !section.entry("url_file")) section.missing("url");
  if (auto events = section.texts("events")) {
    check_events(section, *events);
    channel.events = std::move(events->value);
  }
  if (auto services = section.texts("services")) {
    check_services(section, *services, config);
    channel.services = std::move(services->value);
  }
  if (const auto hold_off = section.duration("hold_off")) channel.hold_off = hold_off->value;
  if (const auto repeat = section.duration("repeat")) {
    channel.repeat = repeat->value;
    if (repeat->given && repeat->value > Duration::zero() && repeat->value < std::chrono::seconds(10))
      context.mistakes.add(repeat->place, "repeat is 0 or at least 10s");
  }
  channel.keys = read_keys(section);
  if (url) check_address(section, *url, channel);
  return channel;
}

}  // namespace

std::vector<ChannelSpec> read_notifications(Section& top, const Config& config) {
  std::vector<ChannelSpec> channels;
  const auto nodes = top.sections("notifications");
  if (!nodes) return channels;
  std::set<std::string> names;
  for (const auto* node : *nodes) {
    auto channel = read_channel(top.context(), *node, config);
    if (!channel.name.empty() && !names.insert(channel.name).second)
      top.context().mistakes.add(
          node->at, fmt::format("another channel is called {}; names must differ", in_quotes(channel.name)));
    channels.push_back(std::move(channel));
  }
  return channels;
}

}  // namespace docktor
