#!/bin/sh
# Builds KEDA from Go's module proxy into a folder of the build, for bench/kubernetes_peers; nothing is installed. Eight minutes of
# CPU, once.
#   scripts/fetch-keda.sh [FOLDER]     prints the folder, with bin/operator, bin/adapter and source/; it defaults to ./build/keda
# Exit code 1, with the reason in one line, when it cannot be had.
set -eu
folder=${1:-build/keda}
version=2.18.1
fail() { echo "fetch-keda: $1" >&2; exit 1; }

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
if [ "$(cat "$folder/fetched" 2>/dev/null)" = "$version" ] && [ -x "$folder/bin/operator" ] && [ -x "$folder/bin/adapter" ]; then
  echo "$folder"
  exit 0
fi
rm -rf "$folder/fetched" "$folder/source"
PATH=$PATH:/usr/local/go/bin  # where the official archive goes
command -v go >/dev/null || fail "Go is not installed"
export CGO_ENABLED=0 GOFLAGS="-mod=mod -trimpath" GOWORK=off
module=$(go mod download -json "github.com/kedacore/keda/v2@v$version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
[ -d "$module" ] || fail "cannot fetch KEDA $version's module"
cp -r "$module" "$folder/source"
chmod -R u+w "$folder/source"
# In the module's own folder its replace lines count.
(cd "$folder/source" && nice go build -ldflags "-s -w" -o "$folder/bin/" ./cmd/operator ./cmd/adapter >"$folder/go.log" 2>&1) ||
  fail "cannot build KEDA $version: $(tail -n 1 "$folder/go.log")"
echo "$version" >"$folder/fetched"
echo "$folder"
