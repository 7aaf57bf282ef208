#include "targets/compose/engine_host.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace docktor {
namespace {

TEST(EngineHost, IsThisMachineWithItsMemoryAndItsKernel) {
  const nlohmann::json info = {{"MemTotal", 25276510208}, {"KernelVersion", "6.1.0-18-amd64"}, {"Name", "a"}};
  EXPECT_TRUE(is_this_machine(info, 25276510208.0, "6.1.0-18-amd64"));
  EXPECT_FALSE(is_this_machine(info, 25276510208.0, "6.6.12-linuxkit")) << "a virtual machine's kernel";
  EXPECT_FALSE(is_this_machine(info, 8e9, "6.1.0-18-amd64"));
}

TEST(EngineHost, AnAnswerThatLacksItIsElsewhere) {
  EXPECT_FALSE(is_this_machine(nlohmann::json::object(), 1, ""));
  EXPECT_FALSE(is_this_machine({{"MemTotal", "1"}, {"KernelVersion", ""}}, 1, ""));
  EXPECT_FALSE(is_this_machine(nlohmann::json(nlohmann::json::value_t::discarded), 1, ""));
}

}  // namespace
}  // namespace docktor
