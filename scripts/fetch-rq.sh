#!/bin/sh
# Fetches RQ 2 for the tests of Redis, as Debian 12 has 1.11: scripts/fetch-rq.sh [FOLDER], build/rq-2 without.
exec "$(dirname "$0")/fetch-pypi.sh" "${1:-build/rq-2}" "rq==2.6.1"
