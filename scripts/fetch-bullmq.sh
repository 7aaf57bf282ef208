#!/bin/sh
# Fetches BullMQ in two versions, for the tests that read its queues: FOLDER has 5, FOLDER/6 has 6. Nothing that users run needs them.
#   scripts/fetch-bullmq.sh [FOLDER]     prints the folder; it defaults to ./build/bullmq
set -eu
folder=${1:-build/bullmq}
"$(dirname "$0")/fetch-npm.sh" bullmq@5.81.0 "$folder"
"$(dirname "$0")/fetch-npm.sh" bullmq@6.7.0 "$folder/6" >/dev/null
