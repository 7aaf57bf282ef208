#include "sim/erlang.h"

#include <algorithm>
#include <cmath>

namespace docktor::sim {

double erlang_c(int n, double offered) {
  if (offered <= 0) return 0;
  if (static_cast<double>(n) <= offered) return 1;
  // Erlang B by its recursion, which neither overflows nor cancels; then C from B.
  double b = 1;
  for (int k = 1; k <= n; ++k) b = offered * b / (k + offered * b);
  const double utilisation = offered / n;
  return b / (1 - utilisation * (1 - b));
}

double chance_of_waiting_over(int n, double offered, double mu, double wait) {
  if (static_cast<double>(n) <= offered) return offered > 0 ? 1 : 0;
  return erlang_c(n, offered) * std::exp(-(n - offered) * mu * wait);
}

int workers_needed(double rate, double mu, double wait, double quantile) {
  if (rate <= 0) return 0;
  const double offered = rate / mu;
  int n = static_cast<int>(std::floor(offered)) + 1;
  while (chance_of_waiting_over(n, offered, mu, wait) > 1 - quantile) ++n;
  return n;
}

}  // namespace docktor::sim
