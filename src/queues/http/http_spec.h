// The settings of a queue of kind http, as its code reads them.
#pragma once

#include <string>

#include "core/settings.h"
#include "queues/over_http/figures.h"
#include "queues/over_http/http_login.h"

namespace docktor {

struct HttpQueueSpec {
  HttpLogin login;       ///< its path is what is asked for
  FigureTexts pointers;  ///< the backlog's among them
  std::string as_of;     ///< pointer to when the figures were taken; empty: when they are asked for
  Duration max_age = std::chrono::seconds(60);
  Duration step{};
  Duration claim_after = std::chrono::seconds(60);

  /// Of settings that have passed the check.
  static HttpQueueSpec from(const Settings& s) {
    HttpQueueSpec h;
    h.login = HttpLogin::from(s);
    h.pointers = figure_texts(s, "backlog");
    h.as_of = s.text("as_of");
    h.max_age = s.get<Duration>("max_age", h.max_age);
    h.step = s.get<Duration>("step", h.step);
    h.claim_after = s.get<Duration>("claim_after", h.claim_after);
    return h;
  }
};

/// "http://app:8080/stats (/jobs/waiting)"; `base` is shown as it is, so without credentials.
std::string shown_http_queue(const std::string& base, const HttpQueueSpec& spec);

}  // namespace docktor
