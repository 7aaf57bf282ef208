#include "targets/process/process_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace docktor {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

ProcessRecord sample() {
  ProcessRecord record;
  record.boot = "boot";
  record.replicas.push_back({"a-1", "pool/a-1/f/r", {4242, 99}, false, 0, 3, "f", "/log/a-1.log"});
  record.replicas.push_back({"a-2", "pool/a-2/f/r", {4243, 100}, true, 123456, 0, "f", ""});
  return record;
}

TEST(ProcessRecordText, ComesBackAsItWas) {
  const auto back = record_from_text(to_text(sample()));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(to_text(*back), to_text(sample()));
  EXPECT_EQ(back->replicas[1].kill_at_ms, 123456);
  EXPECT_TRUE(back->replicas[1].stopping);
  EXPECT_FALSE(back->replicas[0].stopping);
}

TEST(ProcessRecordText, IsTrustedOnlyAsAWhole) {
  const auto text = to_text(sample());
  for (std::size_t n = 0; n + 2 < text.size(); n += 7) EXPECT_FALSE(record_from_text(text.substr(0, n))) << n;
  const auto with = [&](const std::string& from, const std::string& to) {
    auto t = text;
    return t.replace(t.find(from), from.size(), to);
  };
  EXPECT_TRUE(record_from_text(with("4242", "4244")));
  for (const char* pid : {"1", "0", "-1", "99999999999", "\"7\"", "null"})
    EXPECT_FALSE(record_from_text(with("4242", pid))) << pid;
  EXPECT_FALSE(record_from_text(with("\"version\": 1", "\"version\": 2")));
  EXPECT_FALSE(record_from_text(with("\"restarts\": 3", "\"restarts\": -3")));
}

TEST(Fingerprint, ChangesWithWhatAReplicaRunsOnly) {
  ProcessSpec a;
  a.command = {"x", "y"};
  ProcessSpec b = a;
  b.stop_grace_period = std::chrono::hours(1);
  b.ready_after = std::chrono::hours(1);
  EXPECT_EQ(fingerprint(a), fingerprint(b));
  b.command = {"x y"};
  EXPECT_NE(fingerprint(a), fingerprint(b));
  b = a;
  b.environment["K"] = "secret";
  EXPECT_NE(fingerprint(a), fingerprint(b));
  EXPECT_THAT(fingerprint(b), Not(HasSubstr("secret")));
  b = a;
  b.directory = "/";
  EXPECT_NE(fingerprint(a), fingerprint(b));
}

TEST(FileName, StaysWithinItsFolder) {
  EXPECT_EQ(file_name("web-workers_2.a"), "web-workers_2.a");
  EXPECT_EQ(file_name("../x y"), "%2E.%2Fx%20y");
  EXPECT_EQ(file_name("..").find('/'), std::string::npos);
  EXPECT_NE(file_name(".."), "..");
}

TEST(PoolIdentity, IsMadeOnceForAFolderAndDiffersByService) {
  test::TempDir dir;
  const auto folder = (dir.path() / "state").string();
  Result<void> kept;
  const auto first = folder_identity(folder, kept);
  EXPECT_TRUE(kept);
  EXPECT_EQ(folder_identity(folder, kept), first);
  EXPECT_EQ(read_identity(folder_identity_path(folder)), first);
  EXPECT_EQ(pool_identity(first, "a"), pool_identity(first, "a"));
  EXPECT_NE(pool_identity(first, "a"), pool_identity(first, "b"));
  EXPECT_EQ(pool_identity(first, "a").size(), 32u);
  for (const char* text : {"", "spoilt", "0123"}) {
    dir.file("p", text);
    EXPECT_FALSE(read_identity((dir.path() / "p").string())) << text;
  }
  dir.file("in-the-way", "");
  EXPECT_EQ(folder_identity((dir.path() / "in-the-way").string(), kept).size(), 32u);
  EXPECT_FALSE(kept);
}

}  // namespace
}  // namespace docktor
