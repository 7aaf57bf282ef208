#!/bin/sh
# Fetches axe-core, for the test of the page. Nothing that users run needs it.
#   scripts/fetch-axe.sh [FOLDER]     prints the folder; it defaults to ./build/axe
exec "$(dirname "$0")/fetch-npm.sh" axe-core@4.14.1 "${1:-build/axe}"
