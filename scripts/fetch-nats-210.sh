#!/bin/sh
# Fetches nats-server 2.10 from Debian 13's archive for tests, without touching the system's apt configuration or packages.
#   scripts/fetch-nats-210.sh [FOLDER]     prints the server's path; FOLDER defaults to ./build/nats-2.10
# Nothing that users run needs it: Debian 12's nats-server 2.9 cannot have several filter subjects, so the tests of those
# skip without it. Exit code 1, with the reason, when it cannot be had.
set -eu
folder=${1:-build/nats-2.10}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
server=$folder/root/usr/sbin/nats-server
if [ -x "$server" ]; then echo "$server"; exit 0; fi
fail() { echo "fetch-nats-210: $1" >&2; exit 1; }
command -v apt-get >/dev/null && command -v dpkg >/dev/null || fail "needs apt-get and dpkg"

# The mirror that this machine uses for Debian itself; a private list, state and cache.
mirror=$(apt-get indextargets --format '$(SITE)' 2>/dev/null | grep -v security | head -n 1)
mirror=${mirror:-http://deb.debian.org/debian}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
mkdir -p "$folder/state/lists/partial" "$folder/cache/archives/partial"
echo "deb [signed-by=$keyring] $mirror trixie main" > "$folder/sources.list"
apt_get() {
  apt-get -qq -o Dir::Etc::SourceList="$folder/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::State="$folder/state" -o Dir::State::status=/var/lib/dpkg/status -o Dir::Cache="$folder/cache" \
    -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Retries=2 "$@"
}
apt_get update >&2 || fail "cannot read Debian 13's package list from $mirror"
(cd "$folder" && apt_get download nats-server/trixie >&2) || fail "cannot download nats-server from $mirror"
dpkg -x "$folder"/nats-server_*.deb "$folder/root"
rm -rf "$folder/state" "$folder/cache" "$folder"/nats-server_*.deb
"$server" --version >/dev/null 2>&1 || fail "the downloaded $server does not run here"
echo "$server"
