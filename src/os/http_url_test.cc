#include "os/http_url.h"

#include <gtest/gtest.h>

namespace docktor {
namespace {

TEST(HttpUrlTest, TakesAnAddressApart) {
  const auto u = parse_http_url("https://me:p%40ss@[::1]:8443/a/b?x=1");
  ASSERT_TRUE(u);
  EXPECT_TRUE(u->tls);
  EXPECT_EQ(u->base, "https://[::1]:8443");
  EXPECT_EQ(u->path, "/a/b?x=1");
  EXPECT_EQ(u->user, "me");
  EXPECT_EQ(u->password, "p@ss");
  EXPECT_EQ(parse_http_url("http://host")->base, "http://host");
  EXPECT_EQ(parse_http_url("http://host")->path, "/");
}

TEST(HttpUrlTest, RefusesOtherAddressesAndRepeatsNothingOfThem) {
  for (const auto* text : {"ftp://secret@h", "secret", "", "http://", "http://h:99999999/secret"}) {
    const auto u = parse_http_url(text);
    ASSERT_FALSE(u) << text;
    EXPECT_EQ(u.error().message.find("secret"), std::string::npos);
  }
}

TEST(HttpUrlTest, SignsInAsRfc7617) {
  EXPECT_EQ(basic_authorization("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  EXPECT_EQ(basic_authorization("u", ""), "Basic dTo=");
}

}  // namespace
}  // namespace docktor
