#!/bin/bash
# Checks formatting (clang-format) and clang-tidy, the latter in parallel and only over files that changed since they
# last passed: a file's result is remembered under the hash of its own text, of every header of ours that it includes,
# of .clang-tidy and of the tool's version.
#
# Tests and benchmarks get the checks that find mistakes in tests (a dropped Result, a use after a move, ...), the product
# gets all of .clang-tidy but a few that cost much and find nothing, with the analyzer in its shallow mode: a third of the
# time for nearly all of its findings.
#
#   scripts/lint.sh [FILE.cc...]     BUILD=folder of a configured (best: finished) build, default build
#   DEEP=1                           every check, the whole analyzer, on every file
set -euo pipefail
cd "$(dirname "$0")/.."
build=${BUILD:-build}
cache=$build/lint
jobs=${JOBS:-$(nproc)}
mkdir -p "$cache"

files() { git ls-files -co --exclude-standard -- "$@" | while read -r f; do if [ -f "$f" ]; then echo "$f"; fi; done | sort -u; }

failed=0
files '*.cc' '*.h' >"$cache/all"
if ! xargs -r clang-format-19 --dry-run -Werror <"$cache/all"; then
  echo "lint: formatting differs; 'make format' mends it" >&2
  failed=1
fi

# Which folder may include which.
if ! scripts/check-arrows.py; then
  echo "lint: an include that docs/architecture.md's table of folders does not allow" >&2
  failed=1
fi

if ! scripts/check-names.py; then
  echo "lint: names that mean something else where the files of a folder are compiled as one; rename them" >&2
  failed=1
fi

if ! scripts/check-size.py; then
  echo "lint: a file, function or class that is too large; split it by what its parts are for" >&2
  failed=1
fi

if ! scripts/check-readmes.sh; then
  echo "lint: a folder that does not say what it is" >&2
  failed=1
fi

# Fuzz targets and the program outside the tree are built by other means than this build: only their formatting is checked.
if [ $# -gt 0 ]; then printf '%s\n' "$@"; else files '*.cc' ':!tests/fuzz' ':!packaging/library/outside'; fi >"$cache/wanted"

version="$(clang-tidy-19 --version | tr '\n' ' ')$(cat .clang-tidy scripts/lint.sh)${DEEP:-}"
scripts/lint-keys.py "$version" <"$cache/wanted" >"$cache/keys"

# What the build compiles as one is looked at as one, a third of the time. A file that is named, and with DEEP each, is
# looked at alone: so it must include what it uses.
how=together
if [ $# -gt 0 ] || [ -n "${DEEP:-}" ]; then how=alone; fi
todo=$cache/todo
if ! scripts/lint-units.py "$build" "$cache" "$how" <"$cache/keys" >"$todo"; then failed=1; fi
echo "clang-tidy: $(awk '{ n += (NF - 1) / 2 } END { print n + 0 }' "$todo") of $(wc -l <"$cache/wanted") files to look at"
# The analyzer walks every path of GoogleTest's macros: minutes for a test, and nothing found.
test_checks='-*,bugprone-unused-return-value,bugprone-use-after-move,bugprone-dangling-handle,bugprone-unused-raii'
test_checks+=',bugprone-string-constructor,bugprone-integer-division,bugprone-assert-side-effect,performance-for-range-copy'
test_checks+=',performance-unnecessary-copy-initialization,performance-move-const-arg,modernize-use-override'
test_checks+=',misc-unused-parameters,misc-redundant-expression,google-explicit-constructor'
# These take a fifth of the time and have found nothing in the project's whole life; of
# the first the compiler warns too ([[nodiscard]]). DEEP has them.
costly_checks='-bugprone-standalone-empty,-bugprone-reserved-identifier,-bugprone-stringview-nullptr'
costly_checks+=',-bugprone-undelegated-constructor,-misc-unused-using-decls'
export test_checks costly_checks
tidy() {
  local cache=$1 unit=$2 first=$3 out word how=() names=()
  if [ -z "${DEEP:-}" ]; then
    case $first in
      *_test.cc | tests/* | bench/*) how=("--checks=$test_checks") ;;
      *) how=("--checks=$costly_checks")
         for word in -Xclang -analyzer-config -Xclang mode=shallow; do how+=("--extra-arg=$word"); done ;;
    esac
  fi
  shift 2
  # The settings are named: above a unit in the folder of a build elsewhere there are none.
  if out=$(clang-tidy-19 --config-file=.clang-tidy -p "$cache" --quiet "${how[@]}" "$unit" 2>&1); then
    while [ $# -gt 1 ]; do
      touch "$cache/ok-$2"
      names+=("$1")
      shift 2
    done
    printf '  ok   %s\n' "${names[@]}"
  else
    printf '  FAIL %s\n%s\n' "$first and what is compiled with it" "$out"
    return 1
  fi
}
export -f tidy
if [ -s "$todo" ] && ! xargs -a "$todo" -P "$jobs" -L 1 bash -c 'tidy "$@"' tidy "$cache"; then failed=1; fi
find "$cache" -name 'ok-*' -mtime +30 -delete
if [ "$failed" = 0 ]; then echo "lint: clean"; else echo "lint: FAILED" >&2; fi
exit "$failed"
