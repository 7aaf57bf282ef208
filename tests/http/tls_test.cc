// Kind http by TLS: the token of a file reaches a server that the authority vouches for, and nobody else.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "tests/http/reader.h"
#include "tests/redis/program.h"
#include "tests/support/free_port.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_pki.h"

namespace docktor::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class HttpsQueueTest : public testing::Test {
 protected:
  /// Listens when it has answered somebody, so that a reader may try again until then.
  HttpQueueSpec endpoint(const std::string& cert, const std::string& key, const std::string& clients = {}) {
    const int port = free_port();
    servers.push_back(
        std::make_unique<Program>(fmt::format("python3 {}/https_endpoint.py {} {} {} {} {} {}",
                                              DOCKTOR_HTTP_TESTS, port, cert, key, token, requests, clients),
                                  (dir.path() / "log").string()));
    HttpQueueSpec s;
    s.login.url = parse_http_url(fmt::format("https://127.0.0.1:{}/stats", port)).value();
    s.login.token_file = token;
    s.login.tls_ca_file = pki.ca;
    s.pointers = {{Figure::kBacklog, "/waiting"}};
    return s;
  }
  std::string asked() const {
    std::ifstream in(requests);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
  /// The error of one that is not spoken with, once the server is up.
  static std::string refused(const HttpQueueSpec& spec) {
    return HttpReader(spec).error(ErrorCode::kDenied).message;
  }

  TempDir dir, others_dir;
  const TestCertificates pki{dir}, others{others_dir};
  const std::string token = dir.file("token", "of-the-file\n");
  const std::string requests = (dir.path() / "requests").string();
  std::vector<std::unique_ptr<Program>> servers;
};

TEST_F(HttpsQueueTest, TheTokenReachesAServerOfTheAuthorityAndNobodyElse) {
  const auto good = endpoint(pki.server_cert, pki.server_key);
  auto spec = good;
  spec.login.tls_ca_file = others.ca;
  EXPECT_THAT(refused(spec), HasSubstr("queue.tls.ca_file"));
  spec.login.tls_ca_file.clear();  // the system's authorities
  EXPECT_THAT(refused(spec), HasSubstr("queue.tls.ca_file"));
  EXPECT_THAT(HttpReader(spec).findings(), HasSubstr("error: "));
  // Of the right authority, for another name.
  EXPECT_THAT(refused(endpoint(pki.client_cert, pki.client_key)), HasSubstr("127.0.0.1"));
  EXPECT_EQ(asked(), "") << "no request was sent, nor the token";
  EXPECT_EQ(HttpReader(good).sample().num_pending, 3u);
  EXPECT_EQ(asked(), "Bearer of-the-file\n");
  spec.login.tls_verify = false;
  EXPECT_EQ(HttpReader(spec).sample().num_pending, 3u);
  spec = good;
  spec.login.token_file = dir.file("another", "wrong-one\n");
  EXPECT_THAT(refused(spec), testing::AllOf(HasSubstr("status 401"), Not(HasSubstr("wrong-one"))));
}

TEST_F(HttpsQueueTest, AServerThatWantsACertificateGetsOne) {
  auto spec = endpoint(pki.server_cert, pki.server_key, pki.ca);
  spec.login.tls_cert_file = pki.client_cert;
  spec.login.tls_key_file = pki.client_key;
  EXPECT_EQ(HttpReader(spec).sample().num_pending, 3u);
  auto without = spec;
  without.login.tls_cert_file.clear();
  without.login.tls_key_file.clear();
  const auto r = HttpReader(without).read();
  ASSERT_FALSE(r);
  EXPECT_FALSE(r.error().message.empty());
  without.login.tls_cert_file = others.client_cert;
  without.login.tls_key_file = others.client_key;
  EXPECT_FALSE(HttpReader(without).read());
}

}  // namespace
}  // namespace docktor::test
