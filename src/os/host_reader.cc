#include "os/host_reader.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <utility>

#include "os/fd.h"
#include "os/proc.h"

namespace docktor {
namespace {

constexpr std::size_t kMostText = 256 << 10;  // /proc/stat has a line a CPU, and then much that is not read
constexpr int kMostLevels = 16;               // of control groups, one in the other
constexpr double kLeastTime = 0.5;            // seconds: below, a figure of CPU is mostly rounding

std::string text_of(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return {};
  std::string text;
  std::array<char, 4096> block;
  while (text.size() < kMostText) {
    const auto n = ::read(fd.get(), block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    text.append(block.data(), static_cast<std::size_t>(n));
  }
  return text;
}

// The words of a line, one after the other.
std::string_view next_word(std::string_view& line) {
  const auto from = line.find_first_not_of(" \t");
  if (from == std::string_view::npos) return line = {};
  const auto to = std::min(line.find_first_of(" \t", from), line.size());
  const auto word = line.substr(from, to - from);
  line.remove_prefix(to);
  return word;
}

template <class Take>
void each_line(std::string_view text, Take take) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (!take(text.substr(0, end))) return;
    text.remove_prefix(std::min(text.size(), end + 1));
  }
}

std::optional<std::uint64_t> number_of(std::string_view word) {
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), n);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return n;
}

// "KEY 12" and "KEY: 12 kB": the number of the line that begins with `key`.
std::optional<std::uint64_t> number_after(std::string_view text, std::string_view key) {
  std::optional<std::uint64_t> found;
  each_line(text, [&](std::string_view line) {
    if (next_word(line) != key) return true;
    found = number_of(next_word(line));
    return false;
  });
  return found;
}

// A file with one number; "max" is none.
std::optional<std::uint64_t> number_in(const std::string& path) {
  const auto text = text_of(path);
  std::string_view line = text;
  line = line.substr(0, line.find('\n'));
  return number_of(next_word(line));
}

// "full avg10=1.25 avg60=...": percent.
std::optional<double> stalled_in(std::string_view text) {
  constexpr std::string_view kKey = "avg10=";
  std::optional<double> found;
  each_line(text, [&](std::string_view line) {
    if (next_word(line) != "full") return true;
    const auto word = next_word(line);
    if (!word.starts_with(kKey)) return false;
    double v = 0;
    const auto digits = word.substr(kKey.size());
    if (std::from_chars(digits.data(), digits.data() + digits.size(), v).ec == std::errc()) found = v;
    return false;
  });
  return found;
}

std::uint64_t growth(std::uint64_t from, std::uint64_t to) { return to > from ? to - from : 0; }

}  // namespace

std::vector<bool> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return {};  // more CPUs than it holds: all are ours
  std::vector<bool> cpus(CPU_SETSIZE);
  for (std::size_t i = 0; i < cpus.size(); ++i) cpus[i] = CPU_ISSET(i, &set);
  return cpus;
}

HostReader::HostReader(std::string root, std::vector<bool> cpus)
    : root_(std::move(root)), cpus_(std::move(cpus)) {}

HostFigures HostReader::look() {
  HostFigures figures;
  const auto memory = text_of(root_ + "/proc/meminfo");
  const auto total = number_after(memory, "MemTotal:"), available = number_after(memory, "MemAvailable:");
  if (total && available && *total > 0)
    figures.memory.push_back(
        {1024.0 * static_cast<double>(*total), 1024.0 * static_cast<double>(*available)});
  figures.memory_stalled = stalled_in(text_of(root_ + "/proc/pressure/memory"));
  look_at_cpus(figures);
  look_at_groups(figures);
  return figures;
}

void HostReader::look_at_cpus(HostFigures& figures) {
  Ticks whole, own;
  std::size_t count = 0, allowed = 0;
  const auto text = text_of(root_ + "/proc/stat");
  each_line(text, [&](std::string_view line) {
    const auto name = next_word(line);
    if (!name.starts_with("cpu")) return false;
    if (name.size() == 3) return true;  // the sum of what follows
    // user, nice, system, idle, iowait, irq, softirq, steal; guests are in user. What runs by courtesy gives way to
    // whoever wants the core, so it is not busy with it; what the hypervisor takes is nobody's.
    std::array<std::uint64_t, 8> t{};
    for (auto& v : t) v = number_of(next_word(line)).value_or(0);
    Ticks one;
    for (const auto v : t) one.all += v;
    one.busy = t[0] + t[2] + t[5] + t[6] + t[7];
    const auto number = number_of(name.substr(3));
    const bool ours = cpus_.empty() || (number && *number < cpus_.size() && cpus_[*number]);
    ++count;
    whole.all += one.all;
    whole.busy += one.busy;
    if (!ours) return true;
    ++allowed;
    own.all += one.all;
    own.busy += one.busy;
    return true;
  });
  moved_ = false;
  if (count == 0) return;
  const auto n = static_cast<double>(count);
  passed_ = static_cast<double>(growth(whole_.all, whole.all)) / n / static_cast<double>(ticks_per_second());
  if (!first_ && passed_ < kLeastTime) {
    figures.cpu = last_;
    return;
  }
  moved_ = true;
  const auto busy = [](const Ticks& before, const Ticks& now, double cores) {
    const auto all = growth(before.all, now.all);
    return all == 0 ? 0.0
                    : cores * static_cast<double>(growth(before.busy, now.busy)) / static_cast<double>(all);
  };
  last_.clear();
  if (!first_) {
    last_.push_back({n, busy(whole_, whole, n), true});
    const auto m = static_cast<double>(allowed);
    if (allowed > 0 && allowed < count) last_.push_back({m, busy(own_, own, m), false});
  }
  whole_ = whole;
  own_ = own;
  figures.cpu = last_;
}

// Where docktor's group is, or empty. A path with ".." lies outside what is mounted here.
std::string HostReader::group_folder() const {
  std::string found;
  const auto text = text_of(root_ + "/proc/self/cgroup");
  each_line(text, [&](std::string_view line) {
    if (!line.starts_with("0::/") || line.find("..") != std::string_view::npos) return true;
    found = root_ + "/sys/fs/cgroup" + std::string(line.substr(3));
    return false;
  });
  while (found.ends_with('/')) found.pop_back();
  return found;
}

void HostReader::look_at_groups(HostFigures& figures) {
  for (auto& [folder, group] : groups_) group.seen = false;
  const std::string top = root_ + "/sys/fs/cgroup";
  std::string folder = group_folder();
  for (int level = 0; level < kMostLevels && folder.size() >= top.size(); ++level) {
    auto limit = number_in(folder + "/memory.max");
    if (const auto high = number_in(folder + "/memory.high"); high && (!limit || *high < *limit))
      limit = high;
    const auto used = limit ? number_in(folder + "/memory.current") : std::nullopt;
    if (limit && used) {
      // What the kernel can take back: files that nobody reads, and half of those that somebody does.
      const auto stat = text_of(folder + "/memory.stat");
      const auto files =
          number_after(stat, "inactive_file").value_or(0) + number_after(stat, "active_file").value_or(0) / 2;
      figures.memory.push_back({static_cast<double>(*limit),
                                static_cast<double>(growth(growth(std::min(files, *used), *used), *limit)),
                                false});
    }
    const auto max = text_of(folder + "/cpu.max");
    std::string_view line = std::string_view(max).substr(0, max.find('\n'));
    const auto quota = number_of(next_word(line)), period = number_of(next_word(line));
    const auto usage = quota && period && *period > 0
                           ? number_after(text_of(folder + "/cpu.stat"), "usage_usec")
                           : std::nullopt;
    if (usage) {
      const auto [it, fresh] = groups_.try_emplace(folder, Group{*usage, true});
      it->second.seen = true;
      if (moved_) {
        const auto before = std::exchange(it->second.used_us, *usage);
        if (!fresh && !first_)
          last_.push_back({static_cast<double>(*quota) / static_cast<double>(*period),
                           static_cast<double>(growth(before, *usage)) / 1e6 / passed_, false});
      }
    }
    if (folder == top) break;
    folder.resize(folder.rfind('/'));
  }
  std::erase_if(groups_, [](const auto& g) { return !g.second.seen; });
  figures.cpu = last_;
  first_ = first_ && !moved_;
}

}  // namespace docktor
