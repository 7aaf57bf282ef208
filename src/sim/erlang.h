// Queueing formulas: Erlang C, and the fewest workers that keep a promise on waiting.
#pragma once

namespace docktor::sim {

/// Chance that a message of an M/M/n queue with `offered` Erlang (arrival rate × service time) has to wait; 1
/// where n <= offered.
double erlang_c(int n, double offered);

/// Chance that it waits longer than `wait` seconds; `mu` is a worker's rate.
double chance_of_waiting_over(int n, double offered, double mu, double wait);

/// The fewest workers with chance_of_waiting_over(...) <= 1 - quantile: the demand d(t) of the elasticity
/// metrics. 0 at rate 0.
int workers_needed(double rate, double mu, double wait, double quantile);

}  // namespace docktor::sim
