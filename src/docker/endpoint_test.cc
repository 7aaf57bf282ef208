#include "docker/endpoint.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "os/fd.h"

namespace docktor {
namespace {

namespace fs = std::filesystem;

class FindDocker : public testing::Test {
 protected:
  FindDocker() {
    char folder[] = "/tmp/docktor-endpoint-XXXXXX";
    home_ = ::mkdtemp(folder);
    environment_["HOME"] = home_.string();
  }
  ~FindDocker() override { fs::remove_all(home_); }

  void write(const fs::path& path, const std::string& text) {
    fs::create_directories((home_ / path).parent_path());
    std::ofstream(home_ / path) << text;
  }
  void socket(const fs::path& path) {
    fs::create_directories((home_ / path).parent_path());
    const auto name = (home_ / path).string();
    const Fd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(name.begin(), name.end(), address.sun_path);
    ASSERT_EQ(0, ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address));
  }
  Result<DockerEndpoint> find() {
    return find_docker({.getenv =
                            [this](const char* name) {
                              const auto found = environment_.find(name);
                              return found == environment_.end() ? nullptr : found->second.c_str();
                            },
                        .default_socket = (home_ / "var/docker.sock").string()});
  }

  fs::path home_;
  std::map<std::string, std::string> environment_;
};

TEST_F(FindDocker, DockerHostComesFirst) {
  socket("var/docker.sock");
  environment_["DOCKER_HOST"] = "unix:///elsewhere/docker.sock";
  environment_["DOCKER_CONTEXT"] = "remote";
  const auto e = find();
  ASSERT_TRUE(e);
  EXPECT_EQ("/elsewhere/docker.sock", e->server.unix_socket);
  EXPECT_EQ("unix:///elsewhere/docker.sock", e->cli_environment.at("DOCKER_HOST"));
}

TEST_F(FindDocker, TlsVariablesMakeHttpsWithTheirCertificates) {
  write("certs/ca.pem", "x");
  write("certs/cert.pem", "x");
  write("certs/key.pem", "x");
  environment_["DOCKER_HOST"] = "tcp://10.0.0.7";
  environment_["DOCKER_TLS_VERIFY"] = "1";
  environment_["DOCKER_CERT_PATH"] = (home_ / "certs").string();
  const auto e = find();
  ASSERT_TRUE(e);
  EXPECT_EQ("https://10.0.0.7:2376", e->server.base_url);
  EXPECT_EQ((home_ / "certs/ca.pem").string(), e->server.ca_file);
  EXPECT_EQ((home_ / "certs/key.pem").string(), e->server.key_file);
  EXPECT_TRUE(e->server.verify);
  EXPECT_EQ("1", e->cli_environment.at("DOCKER_TLS_VERIFY"));
}

TEST_F(FindDocker, PlainTcpHasDockersPort) {
  environment_["DOCKER_HOST"] = "tcp://[::1]";
  const auto e = find();
  ASSERT_TRUE(e);
  EXPECT_EQ("http://[::1]:2375", e->server.base_url);
}

TEST_F(FindDocker, TheCurrentContextGivesHostAndCertificates) {
  write(".docker/config.json", R"({"currentContext": "remote", "auths": {}})");
  write(".docker/contexts/meta/aaa/meta.json",
        R"({"Name": "other", "Endpoints": {"docker": {"Host": "tcp://1.1.1.1:1"}}})");
  write(
      ".docker/contexts/meta/bbb/meta.json",
      R"({"Name": "remote", "Endpoints": {"docker": {"Host": "tcp://10.0.0.9:2376", "SkipTLSVerify": false}}})");
  write(".docker/contexts/tls/bbb/docker/ca.pem", "x");
  const auto e = find();
  ASSERT_TRUE(e);
  EXPECT_EQ("https://10.0.0.9:2376", e->server.base_url);
  EXPECT_EQ((home_ / ".docker/contexts/tls/bbb/docker/ca.pem").string(), e->server.ca_file);
  EXPECT_EQ("docker context 'remote'", e->found_by);
}

TEST_F(FindDocker, AContextThatIsNotThereIsAnErrorWithItsCure) {
  environment_["DOCKER_CONTEXT"] = "gone";
  const auto e = find();
  ASSERT_FALSE(e);
  EXPECT_NE(std::string::npos, e.error().message.find("docker context ls")) << e.error().message;
}

TEST_F(FindDocker, TheDefaultSocketThenTheRootlessOne) {
  environment_["XDG_RUNTIME_DIR"] = (home_ / "run").string();
  socket("run/docker.sock");
  ASSERT_TRUE(find());
  EXPECT_EQ("the rootless socket", find()->found_by);
  socket("var/docker.sock");
  EXPECT_EQ("the default socket", find()->found_by);
}

TEST_F(FindDocker, TheErrorListsWhatWasTried) {
  environment_["XDG_RUNTIME_DIR"] = "/run/user/12345";
  const auto e = find();
  ASSERT_FALSE(e);
  for (const auto* part : {"DOCKER_HOST (not set)", "var/docker.sock (no such file)",
                           "/run/user/12345/docker.sock", "systemctl"}) {
    EXPECT_NE(std::string::npos, e.error().message.find(part)) << e.error().message;
  }
  EXPECT_TRUE(e.error().retry);
}

TEST_F(FindDocker, SshIsRefusedWithTheWayAround) {
  environment_["DOCKER_HOST"] = "ssh://me@host";
  const auto e = find();
  ASSERT_FALSE(e);
  EXPECT_NE(std::string::npos, e.error().message.find("ssh -nNT -L"));
}

}  // namespace
}  // namespace docktor
