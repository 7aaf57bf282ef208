#include "app/command_pages.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace docktor {
namespace {

std::string packaged(const std::string& name) {
  std::ifstream in(DOCKTOR_SOURCE_DIR "/packaging/" + name);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(CommandPages, WhatIsInstalledIsTheTable) {
  const char* const how = "write it with: cmake --build build --target command_reference";
  EXPECT_EQ(packaged("docktor.1"), man_page(packaged("docktor.1.in"))) << how;
  EXPECT_EQ(packaged("docktor.bash"), bash_completion(packaged("docktor.bash.in"))) << how;
}

TEST(CommandPages, AFlagOfTheTableStandsInBoth) {
  const auto page = man_page("@COMMANDS@\n");
  EXPECT_NE(
      page.find(".TP\n.B set\\-bounds \\fISERVICE\\fR [\\fIMIN\\fR] [\\fIMAX\\fR]\nOverride min_replicas"),
      std::string::npos)
      << page;
  EXPECT_NE(page.find("\\fB\\-\\-provider\\fR \\fBdmr\\fR|\\fBopenai\\fR\n"), std::string::npos) << page;
  EXPECT_NE(man_page("@SYNOPSIS@\n").find(".B docktor daemon start \\fR[\\fIOPTION\\fR]...\n"),
            std::string::npos);
  const auto words = bash_completion("@WORDS@\n");
  EXPECT_NE(words.find("    'health' | 'health '*) words=\"--help --config\" ;;\n"), std::string::npos)
      << words;
}

}  // namespace
}  // namespace docktor
