#!/bin/sh
# Fetches axe-core from npm into a folder of the build, for the test of the page; nothing is installed.
#   scripts/fetch-axe.sh [FOLDER]     prints the folder; it defaults to ./build/axe
# Nothing that users run needs it. Exit code 1, with the reason, when it cannot be had.
set -eu
folder=${1:-build/axe}
package="axe-core@4.14.1"
fail() { echo "fetch-axe: $1" >&2; exit 1; }

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
if [ "$(cat "$folder/fetched" 2>/dev/null)" = "$package" ]; then echo "$folder"; exit 0; fi
command -v npm >/dev/null || fail "npm is not installed (package npm)"
cd "$folder"
printf '{"private": true}\n' >package.json
timeout 600 npm install --no-audit --no-fund --no-package-lock --ignore-scripts --loglevel=error "$package" >&2 ||
  fail "cannot fetch $package from npm"
echo "$package" >fetched
echo "$folder"
