// A real Redis cluster for tests: servers of their own, joined by redis-cli.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "queues/redis/cluster_slots.h"
#include "tests/support/free_port.h"
#include "tests/support/patience.h"
#include "tests/support/redis_server.h"
#include "tests/support/test_pki.h"

namespace docktor::test {

class RedisCluster {
 public:
  static constexpr std::size_t kMasters = 3;

  /// Three masters; with `replica` a fourth server, which is a replica of the first master.
  explicit RedisCluster(bool replica = false) : RedisCluster(replica, nullptr) {}
  /// The servers and their clients speak TLS alone.
  explicit RedisCluster(const TestCertificates& pki) : RedisCluster(false, &pki) {}
  RedisCluster(bool replica, const TestCertificates* pki) : pki_(pki) {
    std::string places;
    for (std::size_t i = 0; i < kMasters; ++i) {
      nodes.push_back(node());
      places += fmt::format(" 127.0.0.1:{}", nodes[i]->port());
    }
    nodes[0]->cli(fmt::format("create{} --cluster-yes", places), "--cluster");
    if (!eventually([&] { return whole(kMasters); }))
      throw std::runtime_error("the cluster does not come up");
    if (!replica) return;
    nodes.push_back(node());
    nodes[0]->cli(fmt::format("add-node 127.0.0.1:{} 127.0.0.1:{} --cluster-slave --cluster-master-id {}",
                              nodes[3]->port(), nodes[0]->port(), id(0)),
                  "--cluster");
    if (!eventually([&] {
          return nodes[3]->cli("INFO replication").find("master_link_status:up") != std::string::npos &&
                 whole(4);
        }))
      throw std::runtime_error("the replica does not come up");
  }

  std::string url(std::size_t i) const { return nodes[i]->url(); }
  std::string place(std::size_t i) const { return fmt::format("127.0.0.1:{}", nodes[i]->port()); }
  std::string id(std::size_t i) const { return nodes[i]->cli("CLUSTER MYID"); }

  /// A key beginning with `word` that lies on the i-th of the first masters.
  std::string key_on(std::size_t i, const std::string& word) const {
    for (int n = 0;; ++n) {
      auto key = fmt::format("{}{}", word, n);
      if (static_cast<std::size_t>(redis_slot(key)) * kMasters / SlotMap::kSlots == i) return key;
    }
  }
  /// As an application does: the server that has the key.
  std::string cli(const std::string& command) const { return nodes[1]->cli(command, "-c"); }

  /// Moves a key's slot, the key with it or not yet.
  void begin_move(const std::string& key, std::size_t from, std::size_t to) const {
    nodes[to]->cli(fmt::format("CLUSTER SETSLOT {} IMPORTING {}", redis_slot(key), id(from)));
    nodes[from]->cli(fmt::format("CLUSTER SETSLOT {} MIGRATING {}", redis_slot(key), id(to)));
  }
  void carry(const std::string& key, std::size_t from, std::size_t to) const {
    nodes[from]->cli(fmt::format("MIGRATE 127.0.0.1 {} {} 0 5000", nodes[to]->port(), key));
  }
  void end_move(const std::string& key, std::size_t to) const {
    const auto new_owner = id(to);
    for (const std::size_t i : {to, (to + 1) % kMasters, (to + 2) % kMasters})
      nodes[i]->cli(fmt::format("CLUSTER SETSLOT {} NODE {}", redis_slot(key), new_owner));
  }

  std::vector<std::unique_ptr<RedisServer>> nodes;

 private:
  std::unique_ptr<RedisServer> node() const {
    // The bus's port is the server's and 10,000 otherwise, which there may not be.
    RedisServer::Options o{
        .arguments = {"--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port",
                      std::to_string(free_port()), "--cluster-require-full-coverage", "no",
                      "--repl-diskless-sync-delay", "0", "--cluster-replica-validity-factor", "0"}};
    if (pki_) {
      o.tls = true;
      o.cli_flags = "--tls --cacert " + pki_->ca;
      o.arguments.insert(o.arguments.end(), {"--tls-cert-file", pki_->server_cert, "--tls-key-file",
                                             pki_->server_key, "--tls-ca-cert-file", pki_->ca,
                                             "--tls-auth-clients", "no", "--tls-cluster", "yes"});
    }
    return std::make_unique<RedisServer>(std::move(o));
  }
  bool whole(std::size_t known) const {
    for (const auto& n : nodes) {
      const auto info = n->cli("CLUSTER INFO");
      if (info.find("cluster_state:ok") == std::string::npos ||
          info.find(fmt::format("cluster_known_nodes:{}", known)) == std::string::npos ||
          info.find("cluster_slots_assigned:16384") == std::string::npos)
        return false;
    }
    return true;
  }

  const TestCertificates* pki_;
};

}  // namespace docktor::test
