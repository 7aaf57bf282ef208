// A private ElasticMQ, which speaks SQS: own port, own folder, ended by its pid.
#pragma once

#include <sys/types.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/temp_dir.h"

namespace docktor::test {

/// Keeps its port across kill and start, and no messages.
class ElasticMq {
 public:
  using Json = nlohmann::json;

  static bool is_there() { return std::filesystem::exists(DOCKTOR_ELASTICMQ "/fetched"); }

  ElasticMq();  ///< started, and ready
  ~ElasticMq();
  ElasticMq(const ElasticMq&) = delete;
  ElasticMq& operator=(const ElasticMq&) = delete;

  void start();
  void kill();
  int port() const { return port_; }
  std::string url() const;                           ///< http://127.0.0.1:PORT
  std::string queue(const std::string& name) const;  ///< its URL

  /// One call of the API, as a producer or a worker would make it.
  Json call(const std::string& action, const Json& body) const;
  void create(const std::string& name, const Json& attributes = Json::object()) const;
  void send(const std::string& name, int count) const;
  std::string receive(const std::string& name) const;  ///< the receipt handle; empty: nothing came
  void remove(const std::string& name, const std::string& receipt) const;

 private:
  std::string log() const;

  TempDir dir_;
  int port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace docktor::test
