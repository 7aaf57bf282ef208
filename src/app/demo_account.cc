#include "app/demo_account.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <utility>

namespace docktor {

MessageAccount::MessageAccount(std::string published_file, std::string processed_file)
    : published_file_{std::move(published_file)}, processed_file_{std::move(processed_file)} {}

template <class Each>
void MessageAccount::read(Tail& tail, const Each& each) {
  std::ifstream in(tail.path, std::ios::binary);
  if (!in.seekg(static_cast<std::streamoff>(tail.offset))) return;
  std::string line;
  while (std::getline(in, line) &&
         !in.eof()) {  // at the end of the file without a newline: half a line, for next time
    tail.offset += line.size() + 1;
    std::istringstream words(line);
    std::string run, sequence;
    std::int64_t intended_ns = 0, at_ns = 0;
    if (words >> run >> sequence >> intended_ns >> at_ns) each(run + "-" + sequence, intended_ns, at_ns);
  }
}

void MessageAccount::refresh() {
  read(published_file_, [&](const std::string& id, std::int64_t, std::int64_t) {
    Fate& fate = messages_[id];
    if (std::exchange(fate.published, true)) return;
    ++published_;
    both_ += fate.processed;
  });
  read(processed_file_, [&](const std::string& id, std::int64_t intended_ns, std::int64_t begun_ns) {
    Fate& fate = messages_[id];
    if (std::exchange(fate.processed, true)) {
      ++repeated_;
      return;
    }
    ++processed_;
    both_ += fate.published;
    waits_.push_back(static_cast<double>(begun_ns - intended_ns) / 1e9);
  });
}

double MessageAccount::wait(double quantile) const {
  if (waits_.empty()) return 0;
  std::vector<double> sorted = waits_;
  const auto rank = static_cast<std::size_t>(std::ceil(quantile * static_cast<double>(sorted.size())));
  const auto at =
      sorted.begin() + static_cast<std::ptrdiff_t>(std::clamp<std::size_t>(rank, 1, sorted.size()) - 1);
  std::nth_element(sorted.begin(), at, sorted.end());
  return std::max(0.0, *at);
}

}  // namespace docktor
