#include "kube/credentials.h"

#include <fmt/format.h>

#include <utility>

#include "core/json_text.h"
#include "core/rfc3339.h"
#include "kube/fields.h"
#include "os/atomic_file.h"
#include "os/run_command.h"

namespace docktor {
namespace {

using std::chrono::steady_clock;
using std::chrono::system_clock;

constexpr auto kReadAgain = std::chrono::minutes(1);
constexpr auto kLeeway = std::chrono::seconds(10);
constexpr auto kPluginTime = std::chrono::seconds(30);
constexpr std::size_t kMostToken = 64 << 10;

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  return text;
}

}  // namespace

Result<std::vector<std::string>> KubeCredentials::headers(const std::stop_token& stop) {
  if (access_.exec) {
    const bool old = good_until_ && system_clock::now() > *good_until_ - kLeeway;
    if (!answered_ || old) {
      if (auto ran = run_plugin(stop); !ran) return tl::unexpected<Error>(ran.error());
    }
  } else if (!access_.token_file.empty()) {
    if (!read_at_ || steady_clock::now() - *read_at_ > kReadAgain) {
      auto text = read_file(access_.token_file, kMostToken);
      // One that cannot be read for a moment (its folder is being replaced) is no reason to forget the one before.
      if (!text && token_.empty())
        return fail(ErrorCode::kDenied, fmt::format("the token cannot be read: {}", text.error().message),
                    true);
      if (text) token_ = trimmed(std::move(*text));
      read_at_ = steady_clock::now();
    }
  } else {
    token_ = access_.token.value;
  }
  auto out = access_.headers;
  if (token_.find_first_of("\r\n") != std::string::npos)
    return fail(ErrorCode::kDenied, "the token has more than one line; it is not sent");
  if (!token_.empty()) out.push_back("Authorization: Bearer " + token_);
  return out;
}

bool KubeCredentials::refused() {
  if (access_.exec) {
    answered_ = false;
    return true;
  }
  read_at_.reset();
  return !access_.token_file.empty();
}

Result<void> KubeCredentials::run_plugin(const std::stop_token& stop) {
  const auto& exec = *access_.exec;
  const auto& program = exec.command.front();
  const auto failed = [&](ErrorCode code, const std::string& why) {
    return fail(code,
                fmt::format("the kubeconfig's exec plugin {} {}{}", program, why,
                            exec.hint.empty() ? "" : ": " + kube::short_text(exec.hint, 500)),
                true);
  };
  SpawnOptions o;
  // Its answer alone is read: what it says beside that may hold secrets, and would stand in its midst.
  o.command = {"/bin/sh", "-c", "exec \"$@\" 2>/dev/null", "sh"};
  o.command.insert(o.command.end(), exec.command.begin(), exec.command.end());
  o.directory = exec.directory;
  o.environment = inherited_environment();
  for (const auto& [name, value] : exec.environment) o.environment[name] = value;
  o.environment["KUBERNETES_EXEC_INFO"] = exec.info;
  const auto ran = run_command(std::move(o), kPluginTime, stop);
  if (!ran) return failed(ran.error().code, "gave no answer: " + ran.error().message);
  if (ran->status == 127 || ran->status == 126) return failed(ErrorCode::kNotFound, "cannot be run");
  if (ran->status != 0)
    return failed(ErrorCode::kDenied,
                  fmt::format("ended with exit code {}; run it by hand to see why", ran->status));
  const auto answer = parse_json(ran->output);
  const auto& status = kube::field(answer, "status");
  if (!status.is_object())
    return failed(ErrorCode::kInternal, "answered something else than an ExecCredential");
  token_ = kube::raw_text(status, "token");
  certificate_ = {kube::raw_text(status, "clientCertificateData"), kube::raw_text(status, "clientKeyData")};
  if (token_.empty() && certificate_.cert_pem.empty())
    return failed(ErrorCode::kDenied, "answered neither a token nor a certificate");
  good_until_.reset();
  if (const auto end = parse_rfc3339(kube::raw_text(status, "expirationTimestamp")))
    good_until_ =
        system_clock::time_point(std::chrono::duration_cast<system_clock::duration>(end->time_since_epoch()));
  answered_ = true;
  return {};
}

}  // namespace docktor
