// What goes with each request so that the API server knows who asks.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/result.h"
#include "kube/access.h"

namespace docktor {

/// Of one thread. A token's file is read again each minute (a kubelet rotates it), an exec plugin is run when what it said
/// has run out; both at once after a 401.
class KubeCredentials {
 public:
  explicit KubeCredentials(const KubeAccess& access) : access_(access) {}

  /// Headers "Name: value". Blocks for as long as an exec plugin runs, 30 s at most.
  Result<std::vector<std::string>> headers(const std::stop_token& stop);

  /// The server did not take them. False: there is nothing that could be newer.
  bool refused();

  /// What an exec plugin said beside or in place of a token; both may be empty.
  struct Certificate {
    std::string cert_pem, key_pem;
    friend bool operator==(const Certificate&, const Certificate&) = default;
  };
  const Certificate& certificate() const { return certificate_; }

 private:
  Result<void> run_plugin(const std::stop_token& stop);

  const KubeAccess access_;
  std::string token_;
  Certificate certificate_;
  std::optional<std::chrono::steady_clock::time_point> read_at_;     // the token's file
  std::optional<std::chrono::system_clock::time_point> good_until_;  // of the plugin's answer
  bool answered_ = false;                                            // the plugin did, and it is still good
};

}  // namespace docktor
