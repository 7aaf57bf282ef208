#!/bin/sh
# Fetches Celery for the tests of examples/celery and of Redis: scripts/fetch-celery.sh [FOLDER], build/celery without.
# With async-timeout, which Celery's client needs with Debian 12's Python.
exec "$(dirname "$0")/fetch-pypi.sh" "${1:-build/celery}" "celery[redis]==5.7.0" "async-timeout==5.0.1"
