#!/bin/bash
# Fetches packages of a suite of Debian without installing them, and unpacks them into one folder. A package list that has aged
# (the mirror no longer has what it names) is read again.
#   scripts/unpack-debian.sh SUITE FOLDER CACHE PACKAGE...     package lists are kept in CACHE
set -euo pipefail
suite=$1 folder=$2 apt=$3
shift 3
# The mirror that this machine uses for Debian itself.
mirror=${DOCKTOR_DEBIAN_MIRROR:-$(apt-get indextargets --format '$(SITE)' 2>/dev/null | grep -v security | head -n 1 || true)}
mirror=${mirror:-http://deb.debian.org/debian}
if [ "$(cat "$folder/.done" 2>/dev/null)" = "$*" ]; then exit 0; fi
echo "fetching of Debian $suite: $*" >&2
rm -rf "$folder" "$apt/debs"
mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$apt/debs" "$folder"
folder=$(cd "$folder" && pwd) apt=$(cd "$apt" && pwd)
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$apt/sources.list"
cat >"$apt/apt.conf" <<EOF
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "$apt/lists";
Dir::Cache "$apt";
Dir::State::status "/dev/null";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Sandbox::User "";
EOF
for try in known fresh; do
  if [ $try = fresh ] || [ ! -e "$apt/fresh" ]; then
    rm -f "$apt/fresh"
    if APT_CONFIG=$apt/apt.conf timeout 300 apt-get -qq update >&2; then touch "$apt/fresh"; fi
  fi
  if (cd "$apt/debs" && APT_CONFIG=$apt/apt.conf timeout 600 apt-get -qq download "$@" >&2); then
    for deb in "$apt"/debs/*.deb; do dpkg -x "$deb" "$folder"; done
    rm -rf "$apt/debs"
    echo "$*" >"$folder/.done"
    exit 0
  fi
done
exit 1
