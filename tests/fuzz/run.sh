#!/bin/bash
# Runs a fuzz target on its corpus, then on what comes of it: run.sh PROGRAM CORPUS SECONDS
# What is found is left, with its path, in the working directory of the build; the corpus of the project is only read.
set -euo pipefail
program=$1 corpus=$2 seconds=$3
if [ ! -x "$program" ]; then
  echo "SKIPPED: $(basename "$program") was not built: clang and its libFuzzer are not here (packages clang-14, libclang-rt-14-dev)"
  if [ "${DOCKTOR_REQUIRE_ALL:-}" = 1 ]; then exit 1; fi
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1} UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
# A slow machine must not make a finding of slowness: only a minute for one input is one.
"$program" -timeout=60 -rss_limit_mb=2048 -max_len=65536 -max_total_time="$seconds" -print_final_stats=1 \
  -artifact_prefix="$(dirname "$program")/found-$(basename "$program")-" "$work" "$corpus"
