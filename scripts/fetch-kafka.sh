#!/bin/sh
# Fetches a Kafka broker from Maven Central and a Python client from PyPI into a folder of the build, for the tests and benchmarks
# of the queue kind kafka; nothing is installed. The client is for groups of the new protocol (KIP-848), which Debian's has not.
#   scripts/fetch-kafka.sh [FOLDER]     prints the folder; it defaults to ./build/kafka
# FOLDER/lib has the broker's jars (run `java -cp 'FOLDER/lib/*' kafka.Kafka server.properties`), FOLDER/python is a PYTHONPATH
# with confluent-kafka, which FOLDER/bin/python runs. Nothing that users run needs it. Exit code 1, with the reason in one line,
# when it cannot be had.
set -eu
folder=${1:-build/kafka}
broker=4.1.1
client=confluent-kafka==2.12.2
fail() { echo "fetch-kafka: $1" >&2; exit 1; }

mkdir -p "$folder/bin"
folder=$(cd "$folder" && pwd)
exec 9>"$folder/lock"
flock 9
works() { PYTHONPATH=$folder/python "$folder/bin/python" -c 'import confluent_kafka' 2>/dev/null; }
if [ "$(cat "$folder/fetched" 2>/dev/null)" = "$broker $client" ] && works; then echo "$folder"; exit 0; fi
rm -rf "$folder/fetched" "$folder/lib" "$folder/python"
command -v java >/dev/null || fail "Java is not installed (package default-jre-headless)"
command -v mvn >/dev/null || fail "Maven is not installed (package maven)"
command -v python3 >/dev/null || fail "python3 is not installed (package python3)"
python3 -m pip --version >/dev/null 2>&1 || fail "pip is not installed (package python3-pip)"

cat >"$folder/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>docktor</groupId><artifactId>kafka-for-tests</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$broker</version></dependency>
  </dependencies>
</project>
POM
if [ -t 2 ]; then echo "fetch-kafka: fetching Kafka $broker (45 files, 43 MB)" >&2; fi
(cd "$folder" && timeout 600 mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >mvn.log 2>&1) ||
  fail "cannot fetch Kafka $broker with Maven: $(grep -m 1 ERROR "$folder/mvn.log" || echo 'it took more than 10 minutes')"
# The program itself, not what stands for it on the PATH.
ln -sf "$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))')" "$folder/bin/python"
said=$(timeout 600 python3 -m pip install -q --disable-pip-version-check --no-warn-script-location --root-user-action=ignore --no-deps \
  --target "$folder/python" "$client" 2>&1) || fail "cannot fetch $client from PyPI: $(echo "$said" | tail -n 1)"
works || fail "$client does not run here"
echo "$broker $client" >"$folder/fetched"
echo "$folder"
