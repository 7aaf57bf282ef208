#!/bin/sh
# Fetches all that tests need beside Debian's packages into folders of build/, each by its own script, which says what it is.
# They wait for the network, mostly: all run at once, and beside the compiler. What cannot be had is told on stderr, and its
# tests are skipped, or fail where DOCKTOR_REQUIRE_ALL is set. Always ends with 0.
#   scripts/fetch-for-tests.sh
cd "$(dirname "$0")/.." || exit 0
for what in nats-210:nats-2.10 mcp-clients worker-clients bullmq celery rq:rq-2 sidekiq:sidekiq-7 axe kafka job-frameworks river elasticmq kubernetes; do
  scripts/fetch-"${what%:*}".sh build/"${what#*:}" >/dev/null &
done
# As root only: elsewhere the tests use a Docker that is there.
if [ "$(id -u)" = 0 ] && command -v dockerd >/dev/null; then scripts/test-docker fetch >/dev/null & fi
wait
