#include "queues/kafka/kafka_cluster.h"

#include <fmt/format.h>

#include <system_error>
#include <utility>

#include "queues/kafka/cluster_reader.h"

namespace docktor {

namespace {

constexpr Duration kWaitForEnd = std::chrono::seconds(3);

}  // namespace

KafkaCluster::KafkaCluster(const KafkaSpec& spec, KafkaClient::Options options)
    : spec_(spec), options_(std::move(options)), reader_(std::make_shared<Reader>(spec_, options_)) {}

KafkaCluster::~KafkaCluster() { reader_->stop(kWaitForEnd); }

std::uint64_t KafkaCluster::add(GroupQuery query) { return reader_->add(std::move(query)); }
void KafkaCluster::remove(std::uint64_t id) { reader_->remove(id); }

std::vector<std::string> KafkaCluster::compacted(const std::vector<std::string>& topics,
                                                 SteadyTime until) const {
  const auto client = KafkaClient::open(spec_, options_);
  return client ? (*client)->compacted(topics, until) : std::vector<std::string>();
}

void KafkaCluster::read(std::uint64_t id, SteadyTime until, Done done) {
  try {
    Reader::start(reader_);
  } catch (const std::system_error& error) {
    return done(
        fail(ErrorCode::kExhausted, fmt::format("no thread to read Kafka with: {}", error.what()), true));
  }
  reader_->read(id, until, std::move(done));
}

std::shared_ptr<KafkaCluster> KafkaClusters::get(const KafkaSpec& spec, const Reach& reach) {
  std::string key = fmt::format("{} {} {}", spec.tls, spec.tls_verify, spec.read_uncommitted);
  for (const auto* part : {&reach.scope, &spec.servers, &spec.user, &spec.password.value, &spec.mechanism,
                           &spec.tls_ca_file, &spec.tls_cert_file, &spec.tls_key_file}) {
    key += '\0';
    key += *part;
  }
  auto options = options_;
  if (reach.resolve)
    options.resolve = [resolve = reach.resolve](const std::string& host_and_port) {
      auto url = resolve("kafka://" + host_and_port, 9092);
      const auto scheme = url.find("://");
      return scheme == std::string::npos ? url : url.substr(scheme + 3);
    };
  const std::lock_guard lock(mutex_);
  std::erase_if(clusters_, [](const auto& c) { return c.second.expired(); });
  auto& slot = clusters_[key];
  auto cluster = slot.lock();
  if (!cluster) slot = cluster = std::make_shared<KafkaCluster>(spec, std::move(options));
  return cluster;
}

}  // namespace docktor
