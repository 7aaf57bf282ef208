#include "kube/access.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace docktor {
namespace {

namespace fs = std::filesystem;

class KubeAccessTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("docktor-kube-" + std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  static std::string error(const std::string& path, const std::string& context = {}) {
    const auto a = find_kube_access({.kubeconfig = path, .context = context});
    return a ? "none" : a.error().message;
  }
  fs::path folder_;
};

constexpr const char* kConfig = R"(
current-context: a
clusters:
- {name: c, cluster: {server: "https://10.0.0.1:6443/", certificate-authority-data: cGVt, tls-server-name: kube, proxy-url: "http://p:1"}}
- {name: d, cluster: {server: "https://[fd00::1]:6443/k8s/clusters/c-1", insecure-skip-tls-verify: true}}
contexts:
- {name: a, context: {cluster: c, user: u, namespace: shop}}
- {name: b, context: {cluster: d, user: v}}
- {name: x, context: {cluster: gone, user: u}}
- {name: old, context: {cluster: c, user: old}}
- {name: ask, context: {cluster: c, user: ask}}
users:
- {name: u, user: {token: abc, client-certificate-data: Y2VydA==, client-key-data: a2V5, as: ann, as-groups: [g1, g2]}}
- {name: v, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: bin/get-token, args: [--for, d], env: [{name: N, value: v}], provideClusterInfo: true}}}
- {name: old, user: {auth-provider: {name: gcp}}}
- {name: ask, user: {exec: {command: x, interactiveMode: Always}}}
)";

TEST_F(KubeAccessTest, AContextIsClusterUserAndNamespace) {
  const auto a = find_kube_access({.kubeconfig = file("config", kConfig)});
  ASSERT_TRUE(a) << a.error().message;
  EXPECT_EQ(a->server.base_url, "https://10.0.0.1:6443");
  EXPECT_EQ(a->server.ca_pem, "pem");
  EXPECT_EQ(a->server.cert_pem, "cert");
  EXPECT_EQ(a->server.key_pem, "key");
  EXPECT_EQ(a->server.tls_name, "kube");
  EXPECT_EQ(a->server.proxy, "http://p:1");
  EXPECT_TRUE(a->server.verify);
  EXPECT_EQ(a->namespace_, "shop");
  EXPECT_EQ(a->token.value, "abc");
  EXPECT_EQ(a->headers, (std::vector<std::string>{"Impersonate-User: ann", "Impersonate-Group: g1",
                                                  "Impersonate-Group: g2"}));
  EXPECT_EQ(a->shown, "context a (https://10.0.0.1:6443)");
}

TEST_F(KubeAccessTest, APluginIsKnownWithItsPathFromTheFilesFolder) {
  const auto a = find_kube_access({.kubeconfig = file("config", kConfig), .context = "b"});
  ASSERT_TRUE(a) << a.error().message;
  EXPECT_EQ(a->server.base_url, "https://[fd00::1]:6443/k8s/clusters/c-1");
  EXPECT_FALSE(a->server.verify);
  EXPECT_EQ(a->namespace_, "default");
  ASSERT_TRUE(a->exec);
  EXPECT_EQ(a->exec->command, (std::vector<std::string>{folder_.string() + "/bin/get-token", "--for", "d"}));
  EXPECT_EQ(a->exec->environment.at("N"), "v");
  EXPECT_NE(a->exec->info.find("\"server\":\"https://[fd00::1]:6443/k8s/clusters/c-1\""), std::string::npos);
}

TEST_F(KubeAccessTest, WhatIsMissingIsSaidWithWhatIsThere) {
  const auto path = file("config", kConfig);
  EXPECT_EQ(error(path, "prod"), "the kubeconfig has no context prod; it has: a, b, x, old, ask");
  EXPECT_EQ(error(path, "x"), "the kubeconfig has no cluster gone, which context x names");
  EXPECT_NE(error(path, "old").find("use an exec plugin"), std::string::npos);
  EXPECT_NE(error(path, "ask").find("interactiveMode: Always"), std::string::npos);
  EXPECT_NE(error(path + "-not").find("no kubeconfig"), std::string::npos);
  EXPECT_NE(error(file("bad", "a: [")).find("bad:1:"), std::string::npos);
  EXPECT_NE(error(file("list", "[]")).find("it holds no map"), std::string::npos);
  EXPECT_NE(error(file("none", "{}")).find("no current-context"), std::string::npos);
  EXPECT_NE(
      error(file("odd", "{current-context: [1], contexts: {a: 1}, clusters: 3}")).find("no current-context"),
      std::string::npos);
}

TEST_F(KubeAccessTest, OfSeveralFilesTheFirstCounts) {
  static std::string paths;
  paths =
      file("one", "{current-context: b, contexts: [{name: b, context: {cluster: c, namespace: first}}]}") +
      ":" + (folder_ / "not-there").string() + ":" + file("two", kConfig);
  const auto a = find_kube_access({.getenv = [](const char* name) -> const char* {
    return std::string_view(name) == "KUBECONFIG" ? paths.c_str() : nullptr;
  }});
  ASSERT_TRUE(a) << a.error().message;
  EXPECT_EQ(a->namespace_, "first");
  EXPECT_EQ(a->server.base_url, "https://10.0.0.1:6443");
}

TEST(Base64Test, IsDecodedOrRefused) {
  EXPECT_EQ(base64_decoded("aGVsbG8="), "hello");
  EXPECT_EQ(base64_decoded("aGVs\nbG8="), "hello");
  EXPECT_EQ(base64_decoded(""), "");
  for (const char* text : {"a", "a=b=", "aGVsbG8=x", "a*b"}) EXPECT_FALSE(base64_decoded(text)) << text;
}

}  // namespace
}  // namespace docktor
