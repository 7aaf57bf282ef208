// Who we are to AWS: the signature against AWS's own vectors and botocore's, and credentials from where AWS's tools find them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdio.h>

#include <atomic>
#include <map>
#include <string>

#include "queues/sqs/aws_credentials.h"
#include "queues/sqs/queue_attributes.h"
#include "queues/sqs/sqs_inquiry.h"
#include "queues/sqs/sqs_kind.h"
#include "tests/support/temp_dir.h"
#include "tests/support/web_stub.h"

namespace docktor::test {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::HasSubstr;
using testing::Not;

constexpr auto kExampleKey = "AKIDEXAMPLE";
constexpr auto kExampleSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

WebStub::Script answers(const std::string& body, int status = 200) {
  return [=](const WebRequest&) { return WebReply{.status = status, .body = body}; };
}

// Of AWS's test suite for version 4: "post-vanilla" and "post-x-www-form-urlencoded".
TEST(SqsSignature, IsThatOfAwssPublishedVectors) {
  WebStub server(answers("{}"));
  HttpClient client({.base_url = server.url()});
  HttpRequest r{.method = "POST",
                .path = "/",
                .headers = {"Host: example.amazonaws.com", "X-Amz-Date: 20150830T123600Z"},
                .aws_sigv4 = "aws:amz:us-east-1:service",
                .user = kExampleKey,
                .password = kExampleSecret};
  ASSERT_TRUE(client.send(r));
  EXPECT_EQ(server.last().header("Authorization"),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            "SignedHeaders=host;x-amz-date, "
            "Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
  r.body = "Param1=value1";
  r.content_type = "application/x-www-form-urlencoded";
  ASSERT_TRUE(client.send(r));
  EXPECT_EQ(server.last().header("Authorization"),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            "SignedHeaders=content-type;host;x-amz-date, "
            "Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
}

// The very request that docktor sends, as botocore signs it.
TEST(SqsSignature, IsBotocoresForTheSameRequest) {
  WebStub server(answers("{}"));
  for (const std::string token : {"", "session/token+with=signs"}) {
    SqsSpec spec;
    spec.url = parse_http_url(server.url() + "/1234/mail").value();
    spec.queue_url = spec.url.base + spec.url.path;
    spec.region = "eu-west-1";
    spec.access_key = "AKIAX";
    spec.secret_key = "s3cret/+key";
    spec.session_token = token;
    Askers askers;
    const auto asker = sqs_asker(askers, spec, {}, [](const char*) { return std::string(); });
    ASSERT_TRUE(asker->call({attributes_request(spec.queue_url)}, steady_clock::now() + seconds(30)));
    const auto sent = server.last();
    const auto quoted = [](const std::string& text) { return " '" + text + "'"; };
    std::string command = "/usr/bin/python3 " DOCKTOR_SQS_TESTS "/botocore_signature.py";
    for (const auto& argument :
         {server.url() + "/", spec.region, spec.access_key, spec.secret_key, token, sent.header("X-Amz-Date"),
          sent.body, "Host: " + sent.header("Host"), "Content-Type: " + sent.header("Content-Type"),
          "X-Amz-Target: " + sent.header("X-Amz-Target")})
      command += quoted(argument);
    FILE* pipe = popen(command.c_str(), "r");
    ASSERT_TRUE(pipe);
    char line[1024] = {};
    ASSERT_TRUE(fgets(line, sizeof line, pipe)) << command;
    pclose(pipe);
    EXPECT_EQ(sent.header("Authorization") + "\n", line);
    EXPECT_THAT(sent.head, Not(HasSubstr("s3cret")));
    EXPECT_EQ(sent.header("X-Amz-Security-Token"), token);
  }
}

class SqsIdentity : public testing::Test {
 protected:
  Result<std::optional<AwsCredentials>> get(AwsIdentity::Options o = {}) {
    o.region = "eu-west-1";
    o.variable = [this](const char* name) {
      const auto it = variables.find(name);
      return it == variables.end() ? std::string() : it->second;
    };
    return AwsIdentity(o).get({steady_clock::now(), 1'700'000'000}, steady_clock::now() + seconds(20));
  }
  std::string key(AwsIdentity::Options o = {}) {
    const auto c = get(std::move(o));
    return !c ? c.error().message : !*c ? "none" : (*c)->key + "/" + (*c)->secret + "/" + (*c)->token;
  }

  TempDir dir;
  std::map<std::string, std::string> variables{{"HOME", dir.path().string()},
                                               {"AWS_EC2_METADATA_DISABLED", "true"}};
};

TEST_F(SqsIdentity, IsFoundInTheOrderOfAwssTools) {
  EXPECT_EQ(key(), "none");
  std::filesystem::create_directory(dir.path() / ".aws");
  dir.file(".aws/config",
           "[default]\nregion = x\n[profile far]\naws_access_key_id = CF\naws_secret_access_key = cf\n");
  EXPECT_EQ(key(), "none");
  dir.file(".aws/credentials",
           "# mine\n[default]\naws_access_key_id=D\naws_secret_access_key = d\n[batch]\n"
           "aws_access_key_id = B\naws_secret_access_key = b\naws_session_token = t\n");
  EXPECT_EQ(key(), "D/d/");
  variables["AWS_PROFILE"] = "batch";
  EXPECT_EQ(key(), "B/b/t");
  variables["AWS_PROFILE"] = "far";
  EXPECT_EQ(key(), "CF/cf/");
  variables["AWS_PROFILE"] = "nobody";
  EXPECT_THAT(key(), HasSubstr("AWS_PROFILE names nobody"));
  variables["AWS_ACCESS_KEY_ID"] = "E";
  variables["AWS_SECRET_ACCESS_KEY"] = "e";
  EXPECT_EQ(key(), "E/e/");
  EXPECT_EQ(key({.profile = "batch"}), "B/b/t");
  EXPECT_THAT(key({.profile = "none"}), HasSubstr("profile none has no access key"));
  EXPECT_EQ(key({.configured = {"C", "c", "", "", {}}}), "C/c/");
}

TEST_F(SqsIdentity, OfAContainerAndOfAnInstance) {
  const std::string answer =
      R"({"AccessKeyId": "K", "SecretAccessKey": "S", "Token": "T", "Expiration": "2023-11-15T00:00:00Z"})";
  WebStub container(answers(answer));
  variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = container.url() + "/creds";
  variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = dir.file("token", "let-me-in\n");
  EXPECT_EQ(key(), "K/S/T");
  EXPECT_EQ(container.last().header("Authorization"), "let-me-in");
  EXPECT_EQ(container.last().path, "/creds");
  container.script(answers("no", 500));
  EXPECT_THAT(key(), HasSubstr("the container gives no credentials: status 500"));
  variables.erase("AWS_CONTAINER_CREDENTIALS_FULL_URI");

  WebStub instance([&](const WebRequest& r) -> WebReply {
    if (r.path == "/latest/api/token") return {.status = r.method == "PUT" ? 200 : 405, .body = "imds-token"};
    if (r.header("X-aws-ec2-metadata-token") != "imds-token") return {.status = 401};
    if (r.path.ends_with("/security-credentials/")) return {.body = "worker-role\n"};
    return {.status = r.path.ends_with("/worker-role") ? 200 : 404, .body = answer};
  });
  variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = instance.url();
  EXPECT_EQ(key(), "none") << "it is switched off";
  variables.erase("AWS_EC2_METADATA_DISABLED");
  EXPECT_EQ(key({.ask_instance = false}), "none");
  EXPECT_EQ(key(), "K/S/T");
  instance.stop();
  EXPECT_EQ(key(), "none") << "no instance of EC2's";
}

TEST_F(SqsIdentity, OfARoleByWebIdentity) {
  WebStub sts(answers(
      "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
      "<AccessKeyId>W</AccessKeyId><SecretAccessKey>w</SecretAccessKey><SessionToken>wt</SessionToken>"
      "<Expiration>2023-11-15T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>"
      "</AssumeRoleWithWebIdentityResponse>"));
  variables["AWS_ROLE_ARN"] = "arn:aws:iam::12:role/reader";
  variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = dir.file("jwt", "eyJ.secret.jwt\n");
  variables["AWS_ENDPOINT_URL_STS"] = sts.url();
  EXPECT_EQ(key(), "W/w/wt");
  EXPECT_THAT(sts.last().body, testing::AllOf(HasSubstr("Action=AssumeRoleWithWebIdentity"),
                                              HasSubstr("WebIdentityToken=eyJ.secret.jwt"),
                                              HasSubstr("RoleArn=arn%3Aaws%3Aiam%3A%3A12%3Arole%2Freader")));
  EXPECT_EQ(sts.last().header("Authorization"), "");
  sts.script(answers("<Error><Code>ExpiredTokenException</Code></Error>", 400));
  EXPECT_THAT(key(), testing::AllOf(HasSubstr("STS for role arn:aws:iam::12:role/reader"),
                                    HasSubstr("ExpiredToken"), Not(HasSubstr("secret.jwt"))));
}

class SqsIdentityInTime : public SqsIdentity {
 protected:
  SqsIdentityInTime() { variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = container.url(); }
  // What it has after so many seconds, the wall clock being off by so many.
  std::string after(double seconds_later, double clock_off = 0) {
    const Instant now{began + std::chrono::duration_cast<steady_clock::duration>(
                                  std::chrono::duration<double>(seconds_later)),
                      kExpires - 7200 + seconds_later + clock_off};
    const auto c = identity.get(now, steady_clock::now() + seconds(20));
    return !c ? c.error().message : *c ? (*c)->key : "none";
  }

  static constexpr double kExpires = 1'700'006'400;
  const std::string good =
      R"({"AccessKeyId": "K", "SecretAccessKey": "S", "Token": "T", "Expiration": "2023-11-15T00:00:00Z"})";
  std::atomic<int> asked{0};
  std::atomic<bool> answers{true};
  WebStub container{[this](const WebRequest&) {
    ++asked;
    return answers ? WebReply{.body = good} : WebReply{.status = 500, .body = "no"};
  }};
  const steady_clock::time_point began = steady_clock::now();
  AwsIdentity identity{{.region = "r", .variable = [this](const char* name) { return variables[name]; }}};
};

TEST_F(SqsIdentityInTime, IsKeptForAnHourAndRenewedFiveMinutesBeforeTheEnd) {
  for (const double t : {0., 3599.}) EXPECT_EQ(after(t), "K");
  EXPECT_EQ(asked, 1);
  for (const double t : {3601., 6899.}) EXPECT_EQ(after(t), "K");
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(after(6901), "K");
  EXPECT_EQ(asked, 3);
}

TEST_F(SqsIdentityInTime, WhereNewOnesCannotBeHadTheOldAreGoodUntilTheyRunOut) {
  EXPECT_EQ(after(6800), "K");
  answers = false;
  EXPECT_EQ(after(6901), "K");
  EXPECT_EQ(after(6902), "K");
  EXPECT_EQ(asked, 2) << "what failed is not asked again at once";
  EXPECT_EQ(after(7199), "K");
  EXPECT_THAT(after(7210), HasSubstr("the container gives no credentials: status 500"));
  EXPECT_THAT(after(7211), HasSubstr("status 500"));
  EXPECT_EQ(asked, 4);
  answers = true;
  EXPECT_EQ(after(7216, -3600), "K");
}

TEST_F(SqsIdentityInTime, AClockThatIsSetBackHoldsThemNoLongerThanAnHour) {
  EXPECT_EQ(after(0, 86400), "K");
  EXPECT_EQ(after(2), "K");
  EXPECT_EQ(asked, 2) << "by the clock they had run out";
  EXPECT_EQ(after(10, -86400), "K");
  EXPECT_EQ(after(3700, -86400), "K");
  EXPECT_EQ(asked, 3);
}

TEST_F(SqsIdentity, AnAnswerThatIsNotWhole) {
  WebStub container(answers(R"({"SecretAccessKey": "s3cret", "Token": "s3cret"})"));
  variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = container.url();
  EXPECT_EQ(key(), "the container answers without AccessKeyId and SecretAccessKey");
}

}  // namespace
}  // namespace docktor::test
