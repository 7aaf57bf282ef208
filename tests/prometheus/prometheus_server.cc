#include "tests/prometheus/prometheus_server.h"

#include <fmt/format.h>

#include <vector>

#include "os/http_client.h"

namespace docktor::test {

Exporter::Exporter()
    : server_([this](const WebRequest&) {
        const std::scoped_lock lock(mutex_);
        std::string body;
        for (const auto& [name, value] : series_) body += name + " " + value + "\n";
        return WebReply{.body = body, .headers = {"Content-Type: text/plain; version=0.0.4"}};
      }) {}

void Exporter::set(const std::string& series, const std::string& value) {
  const std::scoped_lock lock(mutex_);
  series_[series] = value;
}

void Exporter::remove(const std::string& series) {
  const std::scoped_lock lock(mutex_);
  series_.erase(series);
}

PrometheusServer::PrometheusServer(Options options) : options_(std::move(options)) {
  dir_.file(
      "prometheus.yml",
      fmt::format("global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}\n"
                  "scrape_configs: [{{job_name: t, static_configs: [{{targets: ['127.0.0.1:{}']}}]}}]\n",
                  options_.exporter));
  if (!options_.web_config.empty()) dir_.file("web.yml", options_.web_config);
  start();
}

void PrometheusServer::start() {
  const std::string dir = dir_.path().string();
  child_.start(
      [&](int port) {
        std::vector<std::string> words = {
            "prometheus", "--config.file=" + dir + "/prometheus.yml", "--storage.tsdb.path=" + dir + "/data",
            fmt::format("--web.listen-address=127.0.0.1:{}", port), "--log.level=warn"};
        if (!options_.web_config.empty()) words.push_back("--web.config.file=" + dir + "/web.yml");
        return words;
      },
      [&] {
        HttpClient client({.base_url = url(), .verify = false});
        const auto r = client.send({.path = "/-/ready", .timeout = std::chrono::seconds(2)});
        return r && (r->status == 200 || r->status == 401);
      });
}

std::string PrometheusServer::url() const {
  return fmt::format("{}://127.0.0.1:{}", options_.tls ? "https" : "http", child_.port());
}

}  // namespace docktor::test
