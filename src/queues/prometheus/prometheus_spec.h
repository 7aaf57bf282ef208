// The settings of a queue of kind prometheus, as its code reads them.
#pragma once

#include <algorithm>
#include <string>

#include "core/settings.h"
#include "queues/over_http/figures.h"
#include "queues/over_http/http_login.h"

namespace docktor {

struct PrometheusSpec {
  HttpLogin login;
  std::string prefix;   ///< what stands before /api/v1
  FigureTexts queries;  ///< the backlog's among them
  bool empty_is_zero = false;
  Duration scrape_interval = std::chrono::seconds(15);
  Duration max_age = std::chrono::minutes(2);
  Duration claim_after = std::chrono::seconds(60);

  /// Of settings that have passed the check.
  static PrometheusSpec from(const Settings& s) {
    PrometheusSpec p;
    p.login = HttpLogin::from(s);
    p.prefix = p.login.url.path.substr(0, p.login.url.path.find('?'));
    while (p.prefix.ends_with('/')) p.prefix.pop_back();
    p.queries = figure_texts(s, "query");
    p.empty_is_zero = s.text("empty") == "0";
    p.scrape_interval = s.get<Duration>("scrape_interval", p.scrape_interval);
    p.max_age = s.get<Duration>("max_age", std::max<Duration>(p.max_age, 4 * p.scrape_interval));
    p.claim_after = s.get<Duration>("claim_after", p.claim_after);
    return p;
  }
};

}  // namespace docktor
