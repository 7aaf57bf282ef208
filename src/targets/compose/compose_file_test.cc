// Compose files as docktor reads them by itself.
#include "targets/compose/compose_file.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "targets/compose/compose_env.h"
#include "targets/compose/compose_yaml.h"
#include "tests/support/temp_dir.h"

namespace docktor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class ComposeFileTest : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((dir_.path() / name).parent_path());
    dir_.file(name, text);
    return (dir_.path() / name).string();
  }
  ComposeFiles read(const std::string& text) {
    const auto loaded = load_compose_model({write("compose.yaml", text)});
    EXPECT_TRUE(loaded) << loaded.error().message;
    if (!loaded) return {};
    auto files = read_compose_model(loaded->model);
    files.complete = loaded->complete;
    return files;
  }
  static std::vector<std::string> paths(const ComposeFileService& s) {
    std::vector<std::string> out;
    for (const auto& u : s.uses) out.push_back(u.path + (u.injected ? " injected" : ""));
    return out;
  }
  std::string name_of(const std::string& text, std::map<std::string, std::string> env = {}) {
    return derive_project_name(write("Folder A/compose.yaml", text), [&](const char* n) -> const char* {
      const auto found = env.find(n);
      return found == env.end() ? nullptr : found->second.c_str();
    });
  }
  test::TempDir dir_;
};

TEST_F(ComposeFileTest, SecretsAndConfigsAreSeenThroughExtendsIncludesAndMerges) {
  write("base.yaml", "services:\n  base:\n    extends: root\n    secrets: [k]\n  root: {configs: [c]}\n");
  write("inc.yaml",
        "services:\n  inc: {secrets: [{source: k, target: other}]}\nsecrets: {k: {content: x}}\n");
  const auto files = read(
      "include: [{path: [inc.yaml]}]\n"
      "x-a: &a {secrets: [f]}\n"
      "services:\n  a: {extends: {file: base.yaml, service: base}}\n  b: {extends: a, secrets: [f]}\n"
      "  c: {<<: *a}\n"
      "secrets: {f: {file: ./f}}\nconfigs: {c: {environment: C}}\n");
  EXPECT_TRUE(files.complete);
  EXPECT_THAT(paths(files.services.at("a")), UnorderedElementsAre("/run/secrets/k injected", "/c injected"));
  EXPECT_THAT(paths(files.services.at("b")),
              UnorderedElementsAre("/run/secrets/k injected", "/run/secrets/f", "/c injected"));
  EXPECT_THAT(paths(files.services.at("c")), ElementsAre("/run/secrets/f"));
  EXPECT_THAT(paths(files.services.at("inc")), ElementsAre("/run/secrets/other injected"));
}

TEST_F(ComposeFileTest, HooksAreSeenThroughExtends) {
  const auto files = read(
      "services:\n  base: {post_start: [{command: a}], pre_stop: [{command: b}]}\n  w: {extends: {service: "
      "base}}\n");
  EXPECT_THAT(files.services.at("w").needs_cli, HasSubstr("post_start"));
  EXPECT_EQ(files.services.at("w").traps.size(), 1u);
}

TEST_F(ComposeFileTest, WhatCannotBeFollowedMakesItIncomplete) {
  EXPECT_FALSE(read("include: [none.yaml]\nservices: {a: {}}\n").complete);
  EXPECT_FALSE(read("services: {a: {extends: {service: none}}}\n").complete);
  EXPECT_FALSE(read("services: {a: {extends: b}, b: {extends: a}}\n").complete) << "a ring ends";
  EXPECT_FALSE(read("include: [compose.yaml]\n").complete) << "so does this one";
}

TEST_F(ComposeFileTest, AliasesOfAliasesAreNotFollowedWithoutEnd) {
  std::string text = "x0: &x0 [a, a, a, a, a, a, a, a, a]\n";
  for (int i = 1; i < 12; ++i) {
    const auto before = fmt::format("*x{}", i - 1);
    text += fmt::format("x{}: &x{} [{}]\n", i, i, fmt::join(std::vector<std::string>(9, before), ", "));
  }
  const auto loaded = load_compose_model({write("compose.yaml", text)});
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::kExhausted);
}

TEST_F(ComposeFileTest, MistakesNameThePlace) {
  const auto loaded = load_compose_model({write("compose.yaml", "a: 1\nb: [\n")});
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().message, HasSubstr("compose.yaml:3:1"));
}

TEST_F(ComposeFileTest, ComposesOwnNamesBringTheirOverride) {
  const auto file = write("compose.yaml", "");
  EXPECT_THAT(files_with_override(file), ElementsAre(file));
  const auto over = write("compose.override.yaml", "");
  EXPECT_THAT(files_with_override(file), ElementsAre(file, over));
  const auto other = write("prod.yaml", "");
  EXPECT_THAT(files_with_override(other), ElementsAre(other));
}

TEST_F(ComposeFileTest, TheProjectsNameHasItsVariablesReplaced) {
  EXPECT_EQ(name_of("services: {}\n"), "foldera");
  EXPECT_EQ(name_of("name: app-${STAGE:-dev}\n"), "app-dev");
  EXPECT_EQ(name_of("name: app-${STAGE:-dev}\n", {{"STAGE", "prod"}}), "app-prod");
  EXPECT_EQ(name_of("name: $A${B-${C:-x}}_1\n", {{"A", "a"}}), "ax_1");
  EXPECT_EQ(name_of("name: ${A:?set it}\n"), "foldera");
  write("Folder A/.env", "STAGE=qa # where\n");
  EXPECT_EQ(name_of("name: app-${STAGE:-dev}\n"), "app-qa");
}

TEST_F(ComposeFileTest, TheEnvFileIsReadAsComposeReadsIt) {
  const auto read = [](std::string_view text) {
    return read_dot_env(text, [](const std::string& name) {
      return name == "HOME" ? std::optional<std::string>("/home/ann") : std::nullopt;
    });
  };
  const auto all = read(
      "\xEF\xBB\xBF# first\r\nA=proj1 # the name\r\nexport B = two words \nC='lit $A # x'\nD=\"x ${A}\\n\" # "
      "y\n"
      "E=$HOME/x\nF=a#b\nG=\nH: yaml\n=none\nI=${Z:-d}\nJ=\"two\nlines\"\nK=last");
  const std::map<std::string, std::string> wanted{
      {"A", "proj1"},       {"B", "two words"},  {"C", "lit $A # x"}, {"D", "x proj1\n"},
      {"E", "/home/ann/x"}, {"F", "a#b"},        {"G", ""},           {"H", "yaml"},
      {"I", "d"},           {"J", "two\nlines"}, {"K", "last"}};
  EXPECT_EQ(all, wanted);
}

}  // namespace
}  // namespace docktor
