#!/bin/sh
# Fetches ElasticMQ, a server that speaks SQS, from Maven Central into a folder of the build, for tests; nothing is installed.
#   scripts/fetch-elasticmq.sh [FOLDER]     prints the folder; it defaults to ./build/elasticmq
# Nothing that users run needs it. Exit code 1, with the reason, when it cannot be had.
set -eu
folder=${1:-build/elasticmq}
version="1.6.11"
fail() { echo "fetch-elasticmq: $1" >&2; exit 1; }

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
if [ "$(cat "$folder/fetched" 2>/dev/null)" = "$version" ]; then echo "$folder"; exit 0; fi
command -v mvn >/dev/null || fail "Maven is not installed (package maven)"
command -v java >/dev/null || fail "Java is not installed (package default-jre-headless)"
cat >"$folder/pom.xml" <<POM
<project><modelVersion>4.0.0</modelVersion><groupId>docktor</groupId><artifactId>elasticmq</artifactId><version>1</version>
<dependencies><dependency><groupId>org.elasticmq</groupId><artifactId>elasticmq-server_2.13</artifactId><version>$version</version></dependency></dependencies>
</project>
POM
(cd "$folder" && timeout 600 mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib) >&2 || fail "cannot fetch ElasticMQ $version from Maven Central"
echo "$version" >"$folder/fetched"
echo "$folder"
