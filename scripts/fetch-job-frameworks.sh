#!/bin/sh
# Fetches job frameworks on PostgreSQL, from npm and PyPI into a folder of the build, for the tests that read their queues;
# nothing is installed.
#   scripts/fetch-job-frameworks.sh [FOLDER]     prints the folder; it defaults to ./build/job-frameworks
# FOLDER/node_modules has pg-boss and graphile-worker, FOLDER/python is a PYTHONPATH with procrastinate.
# Nothing that users run needs them. Exit code 1, with the reason, when they cannot be had.
set -eu
folder=${1:-build/job-frameworks}
node_packages="pg-boss@10.4.2 graphile-worker@0.17.2"
python_packages="procrastinate==3.10.0 psycopg[binary]==3.3.9"
fail() { echo "fetch-job-frameworks: $1" >&2; exit 1; }

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
if [ "$(cat "$folder/fetched" 2>/dev/null)" = "$node_packages $python_packages" ]; then echo "$folder"; exit 0; fi
command -v npm >/dev/null || fail "npm is not installed (package npm)"
python3 -m pip --version >/dev/null 2>&1 || fail "pip is not installed (package python3-pip)"
rm -rf "$folder/python" "$folder/fetched"
said=$(timeout 600 python3 -m pip install -q --disable-pip-version-check --no-warn-script-location --root-user-action=ignore \
  --target "$folder/python" $python_packages 2>&1) || fail "cannot fetch $python_packages from PyPI: $(echo "$said" | tail -n 1)"
printf '{"private": true}\n' >"$folder/package.json"
said=$(cd "$folder" && timeout 600 npm install --no-audit --no-fund --no-package-lock --ignore-scripts --loglevel=error \
  $node_packages 2>&1) || fail "cannot fetch $node_packages from npm: $(echo "$said" | tail -n 1)"
echo "$node_packages $python_packages" >"$folder/fetched"
echo "$folder"
