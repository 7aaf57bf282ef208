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
alone=${build%/}-lint  # beside the build: what looks through it finds nothing twice
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

# Fuzz targets and the program outside the tree are built by other means than this build: only their formatting is checked.
if [ $# -gt 0 ]; then printf '%s\n' "$@"; else files '*.cc' ':!tests/fuzz' ':!packaging/library/outside'; fi >"$cache/wanted"

version="$(clang-tidy-19 --version | tr '\n' ' ')$(cat .clang-tidy scripts/lint.sh)${DEEP:-}"
scripts/lint-keys.py "$version" <"$cache/wanted" >"$cache/keys"

# Each file alone, where the build compiles several as one: so each must include what it uses. Nothing is compiled here.
grep -E '^(CMAKE_BUILD_TYPE|DOCKTOR_(TESTS|BENCH|SANITIZE)):' "$build/CMakeCache.txt" | sed 's/^/-D/' |
  xargs -d '\n' cmake -S . -B "$alone" -G Ninja -DDOCKTOR_UNITY=OFF --log-level=WARNING >"$cache/configured" 2>&1 ||
  { cat "$cache/configured" >&2; exit 1; }

# Only what the build compiles can be looked at: a source that is in no build is a mistake of its own.
awk '/"file":/ { gsub(/[",]/, ""); print $2 }' "$alone/compile_commands.json" | sed "s|^$PWD/||" | sort -u >"$cache/compiled"
todo=$cache/todo
: >"$todo"
while read -r file key; do
  if ! grep -qxF "$file" "$cache/compiled"; then
    echo "lint: $file is compiled by no target of $build" >&2
    failed=1
  elif [ ! -e "$cache/ok-$key" ]; then
    echo "$file $key" >>"$todo"
  fi
done <"$cache/keys"

# Which warnings of GCC are errors is no matter of clang's.
sed -E 's/ (-Werror(=[a-z-]+)?|-Wno-error=maybe-uninitialized)//g' "$alone/compile_commands.json" >"$cache/compile_commands.json"
count=$(wc -l <"$todo")
echo "clang-tidy: $count of $(wc -l <"$cache/wanted") files to look at"
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
  local out word how=()
  if [ -z "${DEEP:-}" ]; then
    case $2 in
      *_test.cc | tests/* | bench/*) how=("--checks=$test_checks") ;;
      *) how=("--checks=$costly_checks")
         for word in -Xclang -analyzer-config -Xclang mode=shallow; do how+=("--extra-arg=$word"); done ;;
    esac
  fi
  if out=$(clang-tidy-19 -p "$1/lint" --quiet "${how[@]}" "$2" 2>&1); then
    touch "$1/lint/ok-$3"
    echo "  ok   $2"
  else
    printf '  FAIL %s\n%s\n' "$2" "$out"
    return 1
  fi
}
export -f tidy
if [ "$count" -gt 0 ] && ! xargs -a "$todo" -P "$jobs" -L 1 bash -c 'tidy "$0" "$1" "$2"' "$build"; then failed=1; fi
find "$cache" -name 'ok-*' -mtime +30 -delete
if [ "$failed" = 0 ]; then echo "lint: clean"; else echo "lint: FAILED" >&2; fi
exit "$failed"
