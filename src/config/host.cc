// The block about this machine.
#include "config/parts.h"

namespace docktor {

HostSpec read_host(Section& top) {
  HostSpec host;
  const auto* node = top.section("host");
  if (!node) return host;
  Section section(top.context(), kHost, *node);
  if (const auto reserve = section.percent("memory_reserve")) host.memory_reserve = reserve->value;
  if (const auto most = section.percent("cpu_max")) host.cpu_max = most->value;
  if (const auto enabled = section.boolean("enabled")) host.enabled = enabled->value;
  return host;
}

}  // namespace docktor
