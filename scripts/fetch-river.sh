#!/bin/sh
# Builds the program with which tests put jobs into River's tables and work on them (tests/postgres/river), from Go's module
# proxy into a folder of the build; nothing is installed. Half a minute of CPU, once.
#   scripts/fetch-river.sh [FOLDER]     prints the program's path; FOLDER defaults to ./build/river
# Nothing that users run needs it. Exit code 1, with the reason in one line, when it cannot be had.
set -eu
folder=${1:-build/river}
version=0.51.2
needs=1.26
source=$(dirname "$0")/../tests/postgres/river/main.go
fail() { echo "fetch-river: $1" >&2; exit 1; }

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
mark="$version $(cksum <"$source")"
if [ "$(cat "$folder/fetched" 2>/dev/null)" = "$mark" ]; then echo "$folder/river_jobs"; exit 0; fi
rm -f "$folder/fetched"
PATH=$PATH:/usr/local/go/bin  # where the official archive goes
command -v go >/dev/null || fail "Go is not installed ($needs or newer)"
go_version=$(GOTOOLCHAIN=local go env GOVERSION | sed 's/^go//')
[ "$(printf '%s\n%s\n' "$needs" "$go_version" | sort -V | head -n 1)" = "$needs" ] || fail "Go $go_version is too old; River $version needs $needs"
cp "$source" "$folder/main.go"
printf 'module docktor/river-for-tests\n\ngo %s\n\nrequire (\n\tgithub.com/riverqueue/river v%s\n\tgithub.com/riverqueue/river/riverdriver/riverpgxv5 v%s\n)\n' \
  "$needs" "$version" "$version" >"$folder/go.mod"
cd "$folder"
export GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS="-mod=mod -trimpath" GOWORK=off
if [ -t 2 ]; then echo "fetch-river: building River $version (half a minute, once)" >&2; fi
said=$(timeout 300 go mod tidy 2>&1) || fail "cannot fetch River $version: $(echo "$said" | tail -n 1)"
said=$(timeout 900 go build -ldflags "-s -w" -o river_jobs . 2>&1) || fail "cannot build it: $(echo "$said" | tail -n 1)"
echo "$mark" >fetched
echo "$folder/river_jobs"
