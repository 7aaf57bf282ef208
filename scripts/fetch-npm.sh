#!/bin/sh
# Fetches a package from npm, with what it needs, into a folder, for tests; nothing is installed. What fetch-NAME.sh scripts share.
#   scripts/fetch-npm.sh PACKAGE@VERSION FOLDER     prints the folder
# Exit code 1, with the reason, when it cannot be had.
set -eu
package=$1
folder=$2
fail() { echo "fetch-npm: $1" >&2; exit 1; }

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
