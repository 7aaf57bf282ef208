#!/bin/sh
# Fetches the NATS clients of the workers that tests and benchmarks run, from PyPI and npm into a folder of the build; nothing
# is installed.
#   scripts/fetch-worker-clients.sh [FOLDER]     prints the folder; it defaults to ./build/worker-clients
# FOLDER/python is a PYTHONPATH with nats-py, FOLDER/node_modules has nats.js; FOLDER/bin/python and FOLDER/bin/node run them.
# Exit code 1, with the reason in one line, when they cannot be had.
set -eu
folder=${1:-build/worker-clients}
python_package=nats-py==2.16.0
node_package=nats@2.29.3
fail() { echo "fetch-worker-clients: $1" >&2; exit 1; }

mkdir -p "$folder/bin"
folder=$(cd "$folder" && pwd)
work() {
  PYTHONPATH=$folder/python "$folder/bin/python" -c 'import nats' 2>/dev/null &&
    (cd "$folder" && bin/node -e 'require("nats")' 2>/dev/null)
}
if [ "$(cat "$folder/fetched" 2>/dev/null)" = "$python_package $node_package" ] && work; then echo "$folder"; exit 0; fi
rm -f "$folder/fetched"
command -v python3 >/dev/null || fail "python3 is not installed (package python3)"
python3 -m pip --version >/dev/null 2>&1 || fail "pip is not installed (package python3-pip)"
command -v node >/dev/null || fail "node is not installed (package nodejs)"
command -v npm >/dev/null || fail "npm is not installed (package npm)"

# The programs themselves, not what stands for them on the PATH: a worker's start is measured.
ln -sf "$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))')" "$folder/bin/python"
ln -sf "$(node -p process.execPath)" "$folder/bin/node"
rm -rf "$folder/python"
said=$(timeout 600 python3 -m pip install -q --disable-pip-version-check --no-warn-script-location --root-user-action=ignore \
  --target "$folder/python" "$python_package" 2>&1) || fail "cannot fetch $python_package from PyPI: $(echo "$said" | tail -n 1)"
printf '{"private": true}\n' >"$folder/package.json"
said=$(cd "$folder" && timeout 600 npm install --no-audit --no-fund --no-package-lock --ignore-scripts --loglevel=error \
  "$node_package" 2>&1) || fail "cannot fetch $node_package from npm: $(echo "$said" | tail -n 1)"
work || fail "what was fetched does not run here"
echo "$python_package $node_package" >"$folder/fetched"
echo "$folder"
