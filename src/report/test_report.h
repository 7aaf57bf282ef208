// For tests: reports to render, and a strict look at the markup that comes of them.
#pragma once

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "report/report.h"

namespace docktor::report {

/// `policies` lines over `length` seconds with `points` points each; the first is ours and keeps the
/// objective.
inline Report made_up(int policies, double length = 7200, int points = 1500) {
  Report r;
  r.load_name = "steps";
  r.world = "20 messages/s a replica";
  r.version = "1.2.3";
  r.length = length;
  r.seeds = 3;
  r.frontier = {{1.01, 20}, {1.05, 4}, {1.2, 0.5}};
  for (int i = 0; i < policies; ++i) {
    Line l;
    l.policy = i == 0 ? "objective" : "peer" + std::to_string(i);
    l.note = i % 2 == 1 ? "an adaptation of peer " + std::to_string(i) : "";
    l.ours = i == 0;
    sim::RunResult& s = l.result;
    s.messages = 100'000;
    s.length = length;
    s.rho = 1.12 + i * 0.37;
    s.replica_seconds = 5000 * s.rho;
    s.service_seconds = 5000;
    s.p50 = 0.123;
    s.p95 = 1.46;
    s.p99 = 2.57 + 0.31 * i;
    s.max = 8.91 + i;
    s.over = i == 0 ? 0.001 : 0.004 * i;
    s.starts = 61 + i;
    s.actions = 83 + i;
    s.reversals = 29 + i;
    s.mean_replicas = 6.5;
    s.peak_replicas = 12;
    s.elasticity = {3.21, 14.5, 7.89, 65.4};
    l.rho_low = s.rho - 0.05;
    l.rho_high = s.rho + 0.05;
    l.p99_low = s.p99 * 0.9;
    l.p99_high = s.p99 * 1.1;
    l.speedup = 1.87;
    l.to_optimum = 1.06;
    for (int k = 0; k < points; ++k) {
      const double wave = 1 + std::sin(k * 0.02 + i);
      s.series.push_back({length * (k + 1) / points, 50 * wave + (k * 7919 + i * 31) % 13,
                          std::floor(4 * wave) + 1, std::floor(4 * wave) + 2,
                          std::floor(30 * wave * wave) + (k * 31 + i) % 5, 0.5 * wave});
    }
    r.lines.push_back(l);
  }
  return r;
}

/// What is wrong with markup that XML's rules hold for (but for a doctype, and the text of <style> and
/// <script>); empty where nothing is: tags balanced, attributes quoted and none twice, no stray < & or
/// control character.
inline std::string mistake_in(std::string_view text) {
  std::vector<std::string> open;
  std::size_t at = text.substr(0, 2) == "<!" ? text.find('>') + 1 : 0;
  const auto around = [&] { return std::string(text.substr(at > 60 ? at - 60 : 0, 120)); };
  const auto name_end = [&](std::size_t i) { return text.find_first_of(" \t\n/>=", i); };
  while (at < text.size()) {
    const char c = text[at];
    if (c == '&') {
      const auto end = text.find(';', at);
      if (end == std::string_view::npos || end - at > 6) return "stray &: " + around();
      const auto entity = text.substr(at, end - at + 1);
      if (entity != "&amp;" && entity != "&lt;" && entity != "&gt;" && entity != "&quot;" &&
          entity != "&#39;")
        return "unknown entity: " + around();
    }
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n') return "control character: " + around();
    if (c != '<') {
      ++at;
      continue;
    }
    if (text[at + 1] == '/') {
      const auto end = text.find('>', at);
      const std::string name(text.substr(at + 2, end - at - 2));
      if (open.empty() || open.back() != name) return "</" + name + "> closes nothing: " + around();
      open.pop_back();
      at = end + 1;
      continue;
    }
    auto i = name_end(at + 1);
    const std::string name(text.substr(at + 1, i - at - 1));
    if (name.empty()) return "stray <: " + around();
    std::vector<std::string> seen;
    while (text[i] != '>' && text[i] != '/') {
      if (text[i] == ' ' || text[i] == '\n') {
        ++i;
        continue;
      }
      const auto end = name_end(i);
      const std::string attribute(text.substr(i, end - i));
      for (const auto& s : seen) {
        if (s == attribute) return attribute + " twice: " + around();
      }
      seen.push_back(attribute);
      if (text.substr(end, 2) != "=\"") return "unquoted " + attribute + ": " + around();
      const auto close = text.find('"', end + 2);
      if (close == std::string_view::npos ||
          text.substr(end + 2, close - end - 2).find('<') != std::string_view::npos)
        return "bad value: " + around();
      i = close + 1;
    }
    const bool empty = text[i] == '/';
    at = text.find('>', i) + 1;
    if (empty) continue;
    open.push_back(name);
    if (name == "style" || name == "script") at = text.find("</" + name, at);
  }
  return open.empty() ? "" : "<" + open.back() + "> is never closed";
}

}  // namespace docktor::report
