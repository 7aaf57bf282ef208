#!/bin/sh
# Fetches Sidekiq 7 from Debian 13 into a folder of the build, for the tests that read its queues (Debian 12 has 6); nothing is
# installed.
#   scripts/fetch-sidekiq.sh [FOLDER]     prints the folder; it defaults to ./build/sidekiq-7
# FOLDER/lib is a RUBYLIB, FOLDER/bin/sidekiq the program. Nothing that users run needs it. Exit code 1, with the reason, when it
# cannot be had.
set -eu
folder=${1:-build/sidekiq-7}
packages="ruby-sidekiq ruby-redis-client ruby-connection-pool ruby-concurrent"

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
if [ "$(cat "$folder/fetched" 2>/dev/null)" = "$packages" ]; then echo "$folder"; exit 0; fi
"$(dirname "$0")/unpack-debian.sh" trixie "$folder/packages" "$folder/apt" $packages ||
  { echo "fetch-sidekiq: cannot fetch $packages of Debian 13" >&2; exit 1; }
rm -rf "$folder/lib" "$folder/bin"
mkdir -p "$folder/lib"
gems=$folder/packages/usr/share/rubygems-integration/all/gems
for gem in "$gems"/*; do cp -r "$gem/lib/." "$folder/lib"; done
cp -r "$folder/lib/concurrent-ruby/." "$folder/lib"
cp -r "$gems"/sidekiq-*/bin "$folder/bin"
echo "$packages" >"$folder/fetched"
echo "$folder"
