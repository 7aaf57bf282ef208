#include "control/log_file.h"

#include <gtest/gtest.h>
#include <spdlog/logger.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "tests/support/temp_dir.h"

namespace docktor {
namespace {

namespace fs = std::filesystem;

class LogFileTest : public testing::Test {
 protected:
  void begin(std::uint64_t max_bytes = 10u << 20) {
    file = std::make_shared<LogFile>(LogFile::Options{path, max_bytes, 2, look_every});
    log = std::make_unique<spdlog::logger>("test", file);
    log->set_pattern("> %v");
  }
  std::string text(const std::string& of) const {
    std::ostringstream out;
    out << std::ifstream(of).rdbuf();
    return out.str();
  }
  test::TempDir dir;
  const std::string path = (dir.path() / "log" / "docktor.log").string();
  std::chrono::milliseconds look_every{1000};
  std::shared_ptr<LogFile> file;
  std::unique_ptr<spdlog::logger> log;
};

TEST_F(LogFileTest, IsMadeAnewWhenItOrItsFolderIsRemoved) {
  begin();
  log->info("one");
  fs::remove_all(dir.path() / "log");
  log->info("two");
  EXPECT_EQ(text(path), "> two\n");
  EXPECT_EQ(file->trouble(), "");
}

TEST_F(LogFileTest, IsMadeAnewSoonAfterItIsMoved) {
  look_every = std::chrono::milliseconds(0);
  begin();
  log->info("one");
  fs::rename(path, path + ".moved");
  log->info("two");
  EXPECT_EQ(text(path), "> two\n");
  look_every = std::chrono::hours(1);
  begin();
  log->info("three");
  fs::rename(path, path + ".moved");
  log->info("four");
  EXPECT_EQ(text(path + ".moved"), "> two\n> three\n> four\n") << "until somebody looks, nothing is lost";
}

TEST_F(LogFileTest, TellsThatItCannotBeWrittenAndGoesOnByItself) {
  begin();
  fs::remove_all(dir.path() / "log");
  std::ofstream(dir.path() / "log") << "a file stands in the way";
  log->info("lost");
  EXPECT_NE(file->trouble().find("is not a folder"), std::string::npos) << file->trouble();
  fs::remove(dir.path() / "log");
  log->info("written");
  EXPECT_EQ(file->trouble(), "");
  EXPECT_EQ(text(path), "> written\n");
}

TEST_F(LogFileTest, ALinkThatSomebodyPlantedIsNotFollowed) {
  fs::create_directories(dir.path() / "log");
  const std::string victim = (dir.path() / "victim").string();
  std::ofstream(victim) << "precious";
  ASSERT_EQ(::symlink(victim.c_str(), path.c_str()), 0);
  begin();
  log->info("one");
  EXPECT_EQ(text(victim), "precious");
  EXPECT_NE(file->trouble().find("symbolic link"), std::string::npos);
}

TEST_F(LogFileTest, IsForNobodyElseWhateverTheMask) {
  const mode_t mask = ::umask(0);
  begin();
  log->info("one");
  ::umask(mask);
  struct stat s{};
  ASSERT_EQ(::stat(path.c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 07777, 0640u);
}

TEST_F(LogFileTest, RotatesBySize) {
  begin(100);
  for (int i = 0; i < 20; ++i) log->info("line {} {}", i, std::string(30, 'x'));
  EXPECT_NE(text(path).find("line 19"), std::string::npos);
  EXPECT_NE(text((dir.path() / "log" / "docktor.1.log").string()).find("line 17"), std::string::npos);
  EXPECT_FALSE(fs::exists(dir.path() / "log" / "docktor.3.log"));
}

TEST_F(LogFileTest, NoTextFromOutsideMovesTheCursorOrForgesALine) {
  begin();
  log->info("reason: {}", "\x1b[2K\r\x1b[1A ok\n2026-11-28 Decision: approved by ann\x9b\x7f \xc2\x9b ü");
  EXPECT_EQ(
      text(path),
      "> reason: \\x1b[2K\\x0d\\x1b[1A ok\n    2026-11-28 Decision: approved by ann\x9b\\x7f \\x9b ü\n");
}

}  // namespace
}  // namespace docktor
