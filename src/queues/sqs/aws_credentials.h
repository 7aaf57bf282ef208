// Who we are to AWS, found where AWS's own tools look, in their order.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "core/result.h"
#include "queues/over_http/asker.h"

namespace docktor {

struct AwsCredentials {
  std::string key;
  std::string secret;
  std::string token;   ///< of a session; may be empty
  std::string source;  ///< for people: "the environment", "profile batch of /root/.aws/credentials"
  std::optional<double> expires;  ///< Unix seconds
};

/// The keys of one profile of a file as ~/.aws/credentials; nothing where it has none. `prefix` stands before names of
/// profiles other than default ("profile " in ~/.aws/config).
std::optional<AwsCredentials> profile_in(const std::string& text, const std::string& profile,
                                         const std::string& prefix);

/// Finds credentials and keeps them until they run out. Not thread-safe.
///
/// In this order: what the configuration says; AWS_ACCESS_KEY_ID; a role by web identity (AWS_ROLE_ARN,
/// AWS_WEB_IDENTITY_TOKEN_FILE, by one call to STS); the profile's file; the container's address
/// (AWS_CONTAINER_CREDENTIALS_...); the instance's metadata (IMDSv2). A profile that the configuration names goes before the
/// environment.
class AwsIdentity {
 public:
  using Deadline = Asker::SteadyTime;

  struct Options {
    AwsCredentials configured{};  ///< key empty: none
    std::string profile{};        ///< empty: AWS_PROFILE, else default
    std::string region;
    bool ask_instance = true;  ///< the instance's metadata, last of all
    std::function<std::string(const char* name)>
        variable{};  ///< of the environment; empty where it is not set
  };

  explicit AwsIdentity(Options options);

  /// Blocks until `deadline` at most, where somebody has to be asked. Nothing where there are none anywhere; an error where
  /// there should be some: kDenied. Either is the answer for a few seconds. Where new ones cannot be had, old ones are good
  /// until they run out.
  Result<std::optional<AwsCredentials>> get(const Instant& now, Deadline deadline);

 private:
  Result<std::optional<AwsCredentials>> find(Deadline deadline) const;
  std::optional<AwsCredentials> from_files(const std::string& profile) const;
  Result<std::optional<AwsCredentials>> from_web_identity(Deadline deadline) const;
  Result<std::optional<AwsCredentials>> from_container(Deadline deadline) const;
  Result<std::optional<AwsCredentials>> from_instance(Deadline deadline) const;
  std::string variable(const char* name) const { return options_.variable(name); }

  const Options options_;
  Result<std::optional<AwsCredentials>> known_;
  Deadline known_until_{};
};

}  // namespace docktor
