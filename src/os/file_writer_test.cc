#include "os/file_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/temp_dir.h"

namespace docktor {
namespace {

using testing::HasSubstr;

TEST(FileWriter, MakesAFolderThatSomebodyRemoved) {
  test::TempDir dir;
  FileWriter writer;
  writer.write((dir.path() / "gone" / "r").string(), "text");
  writer.flush();
  EXPECT_FALSE(writer.trouble((dir.path() / "gone" / "r").string()));
  EXPECT_EQ(*writer.read((dir.path() / "gone" / "r").string()), "text");
}

TEST(FileWriter, WritesTheNewestTextOfEachPath) {
  test::TempDir dir;
  const auto a = (dir.path() / "a").string(), b = (dir.path() / "b").string();
  {
    FileWriter writer;
    for (int i = 0; i < 200; ++i) {
      writer.write(a, "a" + std::to_string(i));
      EXPECT_EQ(*writer.read(a), "a" + std::to_string(i));
    }
    writer.write(b, "b");
  }
  FileWriter writer;
  EXPECT_EQ(*writer.read(a), "a199");
  EXPECT_EQ(*writer.read(b), "b");
  EXPECT_EQ(writer.read(a + "x").error().code, ErrorCode::kNotFound);
}

TEST(FileWriter, KeepsTheOldFileAndTheNewTextWhenItCannotWrite) {
  test::TempDir dir;
  const auto path = dir.file("r", "old");
  std::filesystem::create_directory(path + ".new");
  FileWriter writer;
  writer.write(path, "new");
  writer.flush();
  ASSERT_TRUE(writer.trouble(path));
  EXPECT_THAT(writer.trouble(path)->message, HasSubstr("r.new: cannot write"));
  EXPECT_TRUE(writer.trouble());
  EXPECT_EQ(*writer.read(path), "new");
  std::string text;
  std::ifstream(path) >> text;
  EXPECT_EQ(text, "old");
  std::filesystem::remove(path + ".new");
  writer.write(path, "newer");
  writer.flush();
  EXPECT_FALSE(writer.trouble(path));
  EXPECT_FALSE(writer.trouble());
  EXPECT_EQ(*writer.read(path), "newer");
}

TEST(FileWriter, VeryManyAreAllThereAtTheEnd) {
  test::TempDir dir;
  {
    FileWriter writer;
    for (int i = 0; i < 300; ++i)
      writer.write((dir.path() / std::to_string(i)).string(), "x", OnDisk::kEither);
  }
  for (int i = 0; i < 300; ++i)
    EXPECT_EQ(*read_file((dir.path() / std::to_string(i)).string(), 10), "x") << i;
}

TEST(AtomicFile, AUsersOwnFileKeepsItsMode) {
  test::TempDir dir;
  const auto path = dir.file("mine", "old");
  std::filesystem::permissions(path, std::filesystem::perms(0604));
  ASSERT_TRUE(write_atomically(path, "new", {.as_it_was = true}));
  EXPECT_EQ(*read_file(path, 10), "new");
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms(0604));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1)
      << "nothing is left beside it";
  EXPECT_EQ(write_atomically(path + "-none", "new", {.as_it_was = true}).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace docktor
