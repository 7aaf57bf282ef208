#!/bin/sh
# Puts the engine of tests/llm/engine into a folder (never into the system): node-llama-cpp from npm, which runs a
# model that a script of ours writes. Says why where it cannot; then the tests that need it are skipped.
#
#   scripts/fetch-engine.sh FOLDER
set -eu
folder=${1:?folder}
here=$(cd "$(dirname "$0")/.." && pwd)

major=$(node --version 2>/dev/null | sed -n 's/^v\([0-9]*\).*/\1/p')
if [ "${major:-0}" -lt 20 ]; then
  echo "fetch-engine: needs Node 20 or newer, and there is ${major:-none}" >&2
  exit 1
fi
if [ "$(uname -sm)" != "Linux x86_64" ]; then
  echo "fetch-engine: the engine's binary is for Linux on x86_64" >&2
  exit 1
fi
mkdir -p "$folder"
for file in package.json model.mjs server.mjs; do
  cmp -s "$here/tests/llm/engine/$file" "$folder/$file" || cp "$here/tests/llm/engine/$file" "$folder/$file"
done
if [ -d "$folder/node_modules/node-llama-cpp" ] && [ -d "$folder/node_modules/@node-llama-cpp/linux-x64" ]; then exit 0; fi
cd "$folder"
if ! npm install --omit=optional --ignore-scripts --no-audit --no-fund --no-package-lock >npm.log 2>&1; then
  echo "fetch-engine: npm cannot be reached: $(tail -n 1 npm.log)" >&2
  rm -rf node_modules
  exit 1
fi
