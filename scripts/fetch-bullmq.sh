#!/bin/sh
# Fetches BullMQ, for the tests that read its queues. Nothing that users run needs it.
#   scripts/fetch-bullmq.sh [FOLDER]     prints the folder; it defaults to ./build/bullmq
exec "$(dirname "$0")/fetch-npm.sh" bullmq@5.81.0 "${1:-build/bullmq}"
