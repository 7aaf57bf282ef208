#!/usr/bin/python3
"""How much CPU a daemon takes that samples 1,000 queues of one broker each second: broker-thousand.py DOCKTOR [SECONDS [WHAT]],
WHAT being rabbitmq (without), rabbitmq-zero, kafka or kafka-busy.

rabbitmq: queues of which some have messages, services with one replica of a worker that does nothing (dry run).
rabbitmq-zero: all are empty and at zero replicas, so that each queue is looked at for the first message, too.
kafka: groups that have read all of their topic; kafka-busy: groups that are behind.

Needs rabbitmq-server and python3-pika, or python3-confluent-kafka and build/kafka (scripts/fetch-kafka.sh). All is private and
gone at the end.
"""
import glob
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

docktor, seconds = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 20
what = sys.argv[3] if len(sys.argv) > 3 else "rabbitmq"
assert what in ("rabbitmq", "rabbitmq-zero", "kafka", "kafka-busy"), __doc__
QUEUES = 1000
here = os.path.dirname(os.path.abspath(__file__))
SERVICE = """  - name: s{0}
    min_replicas: {1}
    max_replicas: 1
    check_interval: 60s
    rules: {{scale_up_when: [{{metric: queue.backlog, op: ">", value: 5000}}]}}
    queue: {{{2}}}
    target: {{kind: process, command: [/bin/true]}}
"""


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def until(works):
    end = time.monotonic() + 120
    while True:
        try:
            return works()
        except Exception:  # whatever a server says that is not up yet
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def rabbitmq(folder):
    import pika
    amqp, api, dist, epmd = free_ports(4)
    with open(f"{folder}/plugins", "w") as out:
        out.write("[rabbitmq_management].")
    with open(f"{folder}/rabbit.conf", "w") as out:
        out.write(f"listeners.tcp.1 = 127.0.0.1:{amqp}\nmanagement.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {api}\n")
    server = subprocess.Popen(
        [glob.glob("/usr/lib/rabbitmq/lib/*/sbin/rabbitmq-server")[0]], start_new_session=True, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, env={
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": folder, "RABBITMQ_NODENAME": f"t{dist}@localhost",
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia", "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins", "RABBITMQ_CONFIG_FILE": f"{folder}/rabbit",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null", "RABBITMQ_DIST_PORT": str(dist), "ERL_EPMD_PORT": str(epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1"})
    connection = until(lambda: pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", amqp)))
    channel = connection.channel()
    for i in range(QUEUES):
        channel.queue_declare(f"s{i}", durable=True)
        for _ in range(0 if what == "rabbitmq-zero" else i % 7):
            channel.basic_publish("", f"s{i}", b"x")
    connection.close()
    return server, [f'kind: rabbitmq, url: "amqp://127.0.0.1:{amqp}", management_url: "http://127.0.0.1:{api}", queue: s{i}'
                    for i in range(QUEUES)]


def kafka(folder):
    import confluent_kafka
    from confluent_kafka.admin import AdminClient, NewTopic
    port, controller = free_ports(2)
    with open(f"{folder}/server.properties", "w") as out:
        out.write(f"""process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAIN://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAIN
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAIN:PLAINTEXT
log.dirs={folder}/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
""")
    java = ["java", "-Xmx1g", "-XX:+UseSerialGC", "-cp", f"{here}/../build/kafka/lib/*"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(java + ["kafka.tools.StorageTool", "format", "-t", "ZG9ja3Rvci1pbi10ZXN0cw", "-c", f"{folder}/server.properties"],
                   check=True, **quiet)
    server = subprocess.Popen(java + ["kafka.Kafka", f"{folder}/server.properties"], start_new_session=True, **quiet)
    settings = {"bootstrap.servers": f"127.0.0.1:{port}", "log_level": 0}
    admin = AdminClient(settings)
    until(lambda: admin.list_topics(timeout=2))
    for made in admin.create_topics([NewTopic(f"s{i}", 1, 1) for i in range(QUEUES)], request_timeout=60).values():
        made.result()
    producer = confluent_kafka.Producer(settings)
    for i in range(QUEUES):
        for _ in range(10):
            until(lambda: producer.produce(f"s{i}", b"x"))
        producer.poll(0)
    producer.flush()
    read = 5 if what == "kafka-busy" else 10
    for i in range(QUEUES):
        consumer = confluent_kafka.Consumer({**settings, "group.id": f"g{i}"})
        until(lambda: consumer.commit(offsets=[confluent_kafka.TopicPartition(f"s{i}", 0, read)], asynchronous=False))
        consumer.close()
    return server, [f'kind: kafka, url: "127.0.0.1:{port}", topic: s{i}, group: g{i}, offset_reset: earliest' for i in range(QUEUES)]


def processes_of(folder):
    """The server, its helpers and its port mapper, which leave its group."""
    out = []
    for path in glob.glob("/proc/[0-9]*"):
        try:
            if f"HOME={folder}\0".encode() in open(f"{path}/environ", "rb").read():
                out.append(int(path[6:]))
        except OSError:
            pass
    return out


def cpu_of(pid):
    ticks = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")


with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
    server, queues = (kafka if what.startswith("kafka") else rabbitmq)(folder)
    daemon = None
    try:
        with open(f"{folder}/docktor.yaml", "w") as out:
            out.write("services:\n")
            for i, queue in enumerate(queues):
                out.write(SERVICE.format(i, 0 if what == "rabbitmq-zero" else 1, queue))
        names = {f"DOCKTOR_{n}_DIR": f"{folder}/{n.lower()}" for n in ("RUNTIME", "STATE", "LOG")}
        daemon = subprocess.Popen([docktor, "daemon", "start", "--foreground", "--dry-run", "--config", f"{folder}/docktor.yaml"],
                                  env={**os.environ, **names}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(20)
        before = cpu_of(daemon.pid)
        time.sleep(seconds)
        used = cpu_of(daemon.pid) - before
        status = subprocess.run([docktor, "daemon", "status", "--json"], env={**os.environ, **names}, capture_output=True, text=True)
        figures = status.stdout.count("queue.backlog")
        if figures < QUEUES:
            sys.exit(f"{figures} of {QUEUES} queues are read, so that no figure means anything")
        print(f"{what}: {100 * used / seconds:.1f} % of a core over {seconds} s")
    finally:
        if daemon:
            daemon.terminate()
            daemon.wait()
        os.killpg(server.pid, signal.SIGKILL)
        for pid in processes_of(folder):
            os.kill(pid, signal.SIGKILL)
        server.wait()
