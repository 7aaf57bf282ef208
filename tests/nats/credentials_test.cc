// Every way to prove who docktor is, on servers that ask for it; and what is said when it is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "queues/nats/nkey.h"
#include "tests/nats/reader.h"
#include "tests/support/nats_server.h"
#include "tests/support/test_pki.h"

namespace docktor::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The stream is not there: who hears that was let in.
void expect_let_in(const NatsSpec& spec) {
  Reader reader(spec);
  EXPECT_THAT(reader.error(ErrorCode::kNotFound).message, HasSubstr("stream S does not exist"));
}

std::string refusal(const NatsSpec& spec) {
  Reader reader(spec);
  return reader.error(ErrorCode::kDenied).message;
}

TEST(Credentials, Nkey) {
  const TestNkey good('U'), bad('U');
  ASSERT_EQ(nkey_public(good.seed).value_or(""), good.pub);
  NatsServer server({.config = "authorization: { users: [ { nkey: " + good.pub + " } ] }"});
  auto spec = queue_at(server.url(), "S", "C");
  spec.nkey_seed.value = good.seed;
  expect_let_in(spec);
  spec.nkey_seed.value = bad.seed;
  EXPECT_THAT(refusal(spec), AllOf(HasSubstr("refused the credentials"), Not(HasSubstr(bad.seed))));
  spec.nkey_seed.value = "SUNOTASEED";
  Reader reader(spec);
  EXPECT_THAT(reader.error(ErrorCode::kInvalid).message,
              AllOf(HasSubstr("the nkey is not a seed"), Not(HasSubstr("NOTASEED"))));
}

TEST(Credentials, AddressesMayCarryThemEncoded) {
  NatsServer server({.config = R"(authorization: { user: "a@b", password: "p:%/ä" })"});
  const auto at = server.url().substr(server.url().find("://") + 3);
  auto spec = queue_at("nats://a%40b:p%3A%25%2F%C3%A4@" + at, "S", "C");
  expect_let_in(spec);
  spec.url = "nats://127.0.0.1:1," + spec.url;
  expect_let_in(spec);
  spec.url = "nats://a%40b:p%40@" + at;
  EXPECT_THAT(refusal(spec), AllOf(HasSubstr("refused the credentials"), Not(HasSubstr("p%40"))));
  NatsServer by_token({.config = R"(authorization: { token: "t@50%" })"});
  const auto there = by_token.url().substr(by_token.url().find("://") + 3);
  expect_let_in(queue_at("nats://t%4050%@" + there, "S", "C"));
}

TEST(Credentials, CredsFile) {
  const TempDir dir;
  const TestOperator good(dir);
  const TempDir other_dir;
  const TestOperator other(other_dir);
  NatsServer server({.config = good.config});
  auto spec = queue_at(server.url(), "S", "C");
  spec.creds_file = good.creds_file;
  expect_let_in(spec);
  spec.creds_file = other.creds_file;
  EXPECT_THAT(refusal(spec), HasSubstr("refused the credentials"));
  spec.creds_file = (dir.path() / "none.creds").string();
  EXPECT_THAT(refusal(spec), HasSubstr("creds_file " + spec.creds_file + " cannot be read"));
}

TEST(Credentials, Tls) {
  const TempDir dir, other_dir;
  const TestCertificates good(dir), other(other_dir);
  NatsServer server(
      {.config = "tls: { cert_file: \"" + good.server_cert + "\", key_file: \"" + good.server_key + "\" }"});
  auto spec = queue_at(server.url(), "S", "C");
  spec.tls_ca_file = good.ca;
  expect_let_in(spec);
  spec.url = "tls://127.0.0.1:" + std::to_string(server.port());
  expect_let_in(spec);
  spec.tls_ca_file = other.ca;
  EXPECT_THAT(refusal(spec), HasSubstr("tls_ca_file"));
  spec.url = server.url();
  spec.tls_ca_file
      .clear();  // the server asks for TLS: it is tried with the system's authorities, which do not know ours
  EXPECT_THAT(refusal(spec), HasSubstr("no TLS connection"));
  spec.tls_ca_file = (dir.path() / "none.pem").string();
  EXPECT_THAT(refusal(spec), HasSubstr("none.pem cannot be used"));
}

TEST(Credentials, TlsWithAClientCertificate) {
  const TempDir dir;
  const TestCertificates pki(dir);
  NatsServer server({.config = "tls: { cert_file: \"" + pki.server_cert + "\", key_file: \"" +
                               pki.server_key + "\", ca_file: \"" + pki.ca + "\", verify: true }"});
  auto spec = queue_at(server.url(), "S", "C");
  spec.tls_ca_file = pki.ca;
  {
    Reader without(spec);
    EXPECT_TRUE(eventually([&] { return !without.read(); }));
    EXPECT_NE(without.read().error().code, ErrorCode::kNotFound);
  }
  spec.tls_cert_file = pki.client_cert;
  spec.tls_key_file = pki.client_key;
  expect_let_in(spec);
}

TEST(Credentials, AServerWithoutTlsIsToldApart) {
  const TempDir dir;
  const TestCertificates pki(dir);
  const NatsServer server;
  auto spec = queue_at(server.url(), "S", "C");
  spec.tls_ca_file = pki.ca;
  Reader reader(spec);
  EXPECT_THAT(reader.error(ErrorCode::kUnavailable).message, HasSubstr("does not speak TLS"));
}

}  // namespace
}  // namespace docktor::test
