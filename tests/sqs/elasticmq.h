// A private ElasticMQ, which speaks SQS.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/child_server.h"
#include "tests/support/temp_dir.h"

namespace docktor::test {

class ElasticMq {
 public:
  using Json = nlohmann::json;

  static bool is_there() { return std::filesystem::exists(DOCKTOR_ELASTICMQ "/fetched"); }

  ElasticMq() { start(); }

  std::string url() const;                           ///< http://127.0.0.1:PORT
  std::string queue(const std::string& name) const;  ///< its URL

  /// One call of the API, as a producer or a worker would make it.
  Json call(const std::string& action, const Json& body) const;
  void create(const std::string& name, const Json& attributes = Json::object()) const;
  void send(const std::string& name, int count) const;
  std::string receive(const std::string& name) const;  ///< the receipt handle; empty: nothing came
  void remove(const std::string& name, const std::string& receipt) const;

 private:
  void start();

  TempDir dir_;
  ChildServer child_{(dir_.path() / "log").string()};
};

}  // namespace docktor::test
