#include "queues/sqs/aws_credentials.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "core/json_text.h"
#include "core/time.h"
#include "os/atomic_file.h"
#include "os/http_client.h"
#include "os/http_url.h"
#include "queues/over_http/asker.h"
#include "queues/over_http/rfc3339.h"

namespace docktor {

namespace {

using Found = Result<std::optional<AwsCredentials>>;
using std::chrono::steady_clock;

constexpr std::size_t kMostFile = 1 << 20;
constexpr auto kReadAnew = std::chrono::seconds(60);  // files and variables may change
constexpr auto kTryAgain = std::chrono::seconds(5);  // asking may take seconds, in which nobody else is asked
constexpr double kBeforeTheEnd = 300;                // seconds before they expire new ones are asked for
constexpr double kLongest = 3600;                    // seconds, whatever a clock that is off makes of the end

std::string trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(" \t\r\n");
  if (from == std::string_view::npos) return {};
  return std::string(text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1));
}

Error denied(const std::string& why) { return {ErrorCode::kDenied, why, true}; }

Result<std::string> fetch(const std::string& address, HttpRequest request, AwsIdentity::Deadline deadline,
                          const std::string& who) {
  const auto url = parse_http_url(address);
  if (!url) return denied(fmt::format("the address of {} {}", who, url.error().message));
  HttpClient client({.base_url = url->base});
  request.path = url->path + request.path;
  request.max_body = kMostFile;
  request.timeout = std::max<Duration>(deadline - steady_clock::now(), std::chrono::milliseconds(1));
  request.connect_timeout = std::min<Duration>(request.timeout, std::chrono::seconds(1));
  auto answer = client.send(std::move(request));
  if (!answer) return denied(fmt::format("{} gives no credentials: {}", who, answer.error().message));
  if (answer->status != 200)
    return denied(
        fmt::format("{} gives no credentials: status {} ({})", who, answer->status, excerpt(answer->body)));
  return std::move(answer->body);
}

// What containers and instances answer.
Found credentials_in(const std::string& body, const std::string& who) {
  const auto j = parse_json(body);
  const auto text = [&](const char* key) {
    const auto it = j.is_object() ? j.find(key) : j.end();
    return j.is_object() && it != j.end() && it->is_string() ? it->get<std::string>() : std::string();
  };
  AwsCredentials c{text("AccessKeyId"), text("SecretAccessKey"), text("Token"), who,
                   parse_rfc3339(text("Expiration"))};
  if (c.key.empty() || c.secret.empty())
    return denied(fmt::format("{} answers without AccessKeyId and SecretAccessKey", who));  // never with what
  return std::optional(std::move(c));
}

// What stands between <tag> and </tag>: STS answers with a few flat elements.
std::string element(const std::string& xml, const std::string& tag) {
  const auto from = xml.find("<" + tag + ">");
  const auto to = xml.find("</" + tag + ">");
  if (from == std::string::npos || to == std::string::npos || to < from) return {};
  return xml.substr(from + tag.size() + 2, to - from - tag.size() - 2);
}

}  // namespace

std::optional<AwsCredentials> profile_in(const std::string& text, const std::string& profile,
                                         const std::string& prefix) {
  AwsCredentials c;
  bool here = false;
  std::istringstream lines(text);
  for (std::string raw; std::getline(lines, raw);) {
    const auto line = trimmed(raw);
    if (line.starts_with('[')) {
      const auto name = trimmed(line.substr(1, line.find(']') - 1));
      here = name == (profile == "default" ? profile : prefix + profile);
      continue;
    }
    const auto equals = line.find('=');
    if (!here || line.starts_with('#') || equals == std::string::npos) continue;
    const auto key = trimmed(line.substr(0, equals)), value = trimmed(line.substr(equals + 1));
    if (key == "aws_access_key_id") c.key = value;
    if (key == "aws_secret_access_key") c.secret = value;
    if (key == "aws_session_token") c.token = value;
  }
  if (c.key.empty() || c.secret.empty()) return std::nullopt;
  return c;
}

AwsIdentity::AwsIdentity(Options options) : options_(std::move(options)) {}

Found AwsIdentity::get(const Instant& now, Deadline deadline) {
  if (now.steady < known_until_) return known_;
  auto found = find(deadline);
  const auto left = [&](const Found& f) {
    return f && *f && (*f)->expires ? std::optional(*(*f)->expires - now.unix_seconds) : std::nullopt;
  };
  if (!found || !*found) {
    known_until_ = now.steady + kTryAgain;
    if (left(known_).value_or(0) <= 0) known_ = std::move(found);
    return known_;
  }
  known_ = std::move(found);
  known_until_ = now.steady + kReadAnew;
  if (const auto l = left(known_))
    known_until_ = now.steady + std::chrono::duration_cast<Deadline::duration>(
                                    seconds(std::clamp(*l - kBeforeTheEnd, 1.0, kLongest)));
  return known_;
}

Found AwsIdentity::find(Deadline deadline) const {
  if (!options_.configured.key.empty()) return std::optional(options_.configured);
  if (!options_.profile.empty()) {
    if (auto c = from_files(options_.profile)) return c;
    return denied(
        fmt::format("profile {} has no access key in ~/.aws/credentials or ~/.aws/config, and roles, SSO and "
                    "processes of a profile are not read",
                    options_.profile));
  }
  if (const auto key = variable("AWS_ACCESS_KEY_ID"); !key.empty())
    return std::optional(AwsCredentials{key, variable("AWS_SECRET_ACCESS_KEY"), variable("AWS_SESSION_TOKEN"),
                                        "the environment", std::nullopt});
  if (auto c = from_web_identity(deadline); !c || *c) return c;
  const auto named = variable("AWS_PROFILE");
  if (auto c = from_files(named.empty() ? "default" : named)) return c;
  if (!named.empty())
    return denied(fmt::format("AWS_PROFILE names {}, which has no access key", excerpt(named, 60)));
  if (auto c = from_container(deadline); !c || *c) return c;
  if (!options_.ask_instance) return std::optional<AwsCredentials>();
  return from_instance(deadline);
}

std::optional<AwsCredentials> AwsIdentity::from_files(const std::string& profile) const {
  const auto home = variable("HOME");
  const auto path = [&](const char* name, const char* file) {
    const auto set = variable(name);
    return set.empty() ? home + "/.aws/" + file : set;
  };
  struct Place {
    std::string path, prefix;
  };
  for (const auto& p : {Place{path("AWS_SHARED_CREDENTIALS_FILE", "credentials"), ""},
                        Place{path("AWS_CONFIG_FILE", "config"), "profile "}}) {
    const auto text = read_file(p.path, kMostFile);
    auto c = text ? profile_in(*text, profile, p.prefix) : std::nullopt;
    if (!c) continue;
    c->source = fmt::format("profile {} of {}", profile, p.path);
    return c;
  }
  return std::nullopt;
}

Found AwsIdentity::from_web_identity(Deadline deadline) const {
  const auto role = variable("AWS_ROLE_ARN"), file = variable("AWS_WEB_IDENTITY_TOKEN_FILE");
  if (role.empty() || file.empty()) return std::optional<AwsCredentials>();
  const auto token = read_file(file, kMostFile);
  if (!token) return denied(fmt::format("the web identity's file {} cannot be read", file));
  auto session = variable("AWS_ROLE_SESSION_NAME");
  if (session.empty()) session = "docktor";
  auto address = variable("AWS_ENDPOINT_URL_STS");
  if (address.empty()) address = fmt::format("https://sts.{}.amazonaws.com", options_.region);
  HttpRequest r;
  r.method = "POST";
  r.content_type = "application/x-www-form-urlencoded";
  r.body = fmt::format(
      "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={}&RoleSessionName={}&WebIdentityToken={}",
      url_encoded(role), url_encoded(session), url_encoded(trimmed(*token)));
  const auto who = fmt::format("STS for role {}", excerpt(role, 200));
  const auto xml = fetch(address, std::move(r), deadline, who);
  if (!xml) return tl::unexpected(xml.error());
  AwsCredentials c{element(*xml, "AccessKeyId"), element(*xml, "SecretAccessKey"),
                   element(*xml, "SessionToken"), fmt::format("role {}", excerpt(role, 200)),
                   parse_rfc3339(element(*xml, "Expiration"))};
  if (c.key.empty() || c.secret.empty()) return denied(who + " gives no credentials");
  return std::optional(std::move(c));
}

Found AwsIdentity::from_container(Deadline deadline) const {
  auto address = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (const auto relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); !relative.empty())
    address = "http://169.254.170.2" + relative;
  if (address.empty()) return std::optional<AwsCredentials>();
  HttpRequest r;
  auto token = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  if (const auto file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); !file.empty())
    token = trimmed(read_file(file, kMostFile).value_or(""));
  if (!token.empty()) r.headers.push_back("Authorization: " + token);
  const auto body = fetch(address, std::move(r), deadline, "the container");
  if (!body) return tl::unexpected(body.error());
  return credentials_in(*body, "the container");
}

Found AwsIdentity::from_instance(Deadline deadline) const {
  if (variable("AWS_EC2_METADATA_DISABLED") == "true") return std::optional<AwsCredentials>();
  auto address = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
  if (address.empty()) address = "http://169.254.169.254";
  while (address.ends_with('/')) address.pop_back();
  HttpRequest ask;
  ask.method = "PUT";
  ask.headers = {"X-aws-ec2-metadata-token-ttl-seconds: 21600"};
  const auto token =
      fetch(address + "/latest/api/token", std::move(ask), deadline, "the instance's metadata");
  if (!token) return std::optional<AwsCredentials>();  // no instance of EC2's
  const std::string roles = address + "/latest/meta-data/iam/security-credentials/";
  HttpRequest r;
  r.headers = {"X-aws-ec2-metadata-token: " + trimmed(*token)};
  const auto role = fetch(roles, r, deadline, "the instance's metadata");
  if (!role) return tl::unexpected(role.error());
  const auto body =
      fetch(roles + trimmed(role->substr(0, role->find('\n'))), r, deadline, "the instance's role");
  if (!body) return tl::unexpected(body.error());
  return credentials_in(*body, "the instance's role");
}

}  // namespace docktor
