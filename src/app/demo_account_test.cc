#include "app/demo_account.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace docktor {
namespace {

class MessageAccountTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "accountXXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void append(const char* file, const std::string& text) {
    std::ofstream(folder_ + "/" + file, std::ios::app | std::ios::binary) << text;
  }
  MessageAccount account() const { return {folder_ + "/published", folder_ + "/processed"}; }

  std::string folder_;
};

TEST_F(MessageAccountTest, IsEmptyBeforeThereAreFiles) {
  auto a = account();
  a.refresh();
  EXPECT_EQ(a.published(), 0u);
  EXPECT_EQ(a.lost(), 0u);
  EXPECT_EQ(a.wait(0.99), 0);
}

TEST_F(MessageAccountTest, CountsAMessageAsLostUntilItIsProcessed) {
  auto a = account();
  append("published", "r 1 1000 2000\nr 2 1000 2000\n");
  append("processed", "r 1 1000 3000 77\n");
  a.refresh();
  EXPECT_EQ(a.published(), 2u);
  EXPECT_EQ(a.processed(), 1u);
  EXPECT_EQ(a.lost(), 1u);
  append("processed", "r 2 1000 4000 78\n");
  a.refresh();
  EXPECT_EQ(a.lost(), 0u);
}

TEST_F(MessageAccountTest, TellsRunsApart) {
  auto a = account();
  append("published", "a 1 0 0\nb 1 0 0\n");
  append("processed", "a 1 0 0 7\na 1 0 0 8\n");
  a.refresh();
  EXPECT_EQ(a.lost(), 1u);
  EXPECT_EQ(a.repeated(), 1u);
}

TEST_F(MessageAccountTest, ProcessedBeforeItsConfirmationIsNotLost) {
  auto a = account();
  append("processed", "r 1 1000 2000 7\n");
  a.refresh();
  append("published", "r 1 1000 9000\n");
  a.refresh();
  EXPECT_EQ(a.published(), 1u);
  EXPECT_EQ(a.lost(), 0u);
}

TEST_F(MessageAccountTest, LeavesHalfALineForNextTime) {
  auto a = account();
  append("published", "r 1 1000 20");
  a.refresh();
  EXPECT_EQ(a.published(), 0u);
  append("published", "00\n");
  a.refresh();
  EXPECT_EQ(a.published(), 1u);
}

TEST_F(MessageAccountTest, WaitsAreQuantilesOfBegunMinusDue) {
  auto a = account();
  std::string text;
  for (int i = 1; i <= 100; ++i)
    text += "r " + std::to_string(i) + " 0 " + std::to_string(i * 1'000'000'000LL) + " 7\n";
  append("processed", text);
  a.refresh();
  EXPECT_EQ(a.wait(0.5), 50);
  EXPECT_EQ(a.wait(0.99), 99);
  EXPECT_EQ(a.wait(1), 100);
}

}  // namespace
}  // namespace docktor
