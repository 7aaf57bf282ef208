// A queue of a PostgreSQL framework under the suite that every kind of queue runs.
#include <fmt/format.h>

#include <string>

#include "tests/contract/queue_contract.h"
#include "tests/postgres/database.h"
#include "tests/postgres/tables.h"

namespace docktor::test {
namespace {

class PgBossUnderTest final : public QueueUnderTest {
 public:
  explicit PgBossUnderTest(std::string name) : name_(std::move(name)) {}

  void make() override { db_.sql(fmt::format("select pgboss_queue({})", quoted())); }
  void send(int count) override {
    db_.sql(
        fmt::format("insert into pgboss.job (name) select {} from generate_series(1, {})", quoted(), count));
  }
  void finish(int count) override {
    db_.sql(fmt::format(
        "update pgboss.job set state = 'completed' where id in (select id from pgboss.job where name = {} "
        "and state = 'created' limit {})",
        quoted(), count));
  }
  std::unique_ptr<SourceReader> reader() override { return at(db_.url()); }
  std::unique_ptr<SourceReader> nowhere() override { return at("postgresql://postgres@127.0.0.1:1/none"); }

 private:
  std::string quoted() const { return "'" + name_ + "'"; }
  std::unique_ptr<SourceReader> at(const std::string& url) const {
    return std::make_unique<PostgresReader>(jobs_of(url, "pg-boss", {name_}));
  }

  const std::string name_;
  Database db_{kPgBossTables};
};

INSTANTIATE_TEST_SUITE_P(
    Postgres, QueueContract,
    testing::Values(QueueKindUnderTest{
        .name = "PgBoss",
        .open = [](const std::string& queue) { return std::make_unique<PgBossUnderTest>(queue); }}),
    kind_name);

}  // namespace
}  // namespace docktor::test
