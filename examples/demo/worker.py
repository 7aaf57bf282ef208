"""The demo's worker in Python: 8 ms for each message. Told to stop, it finishes what it has taken, and ends; what RabbitMQ
has sent ahead goes back to the queue with the connection.

Variables: QUEUE, QUEUE_URL, RECORD_FILE (a line for each message: run, sequence, due and begun time in ns, pid).
"""
import os
import signal
import time

import backends


def main():
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(1))
    queue = backends.connect(f"worker-{os.getpid()}")
    record = open(os.environ["RECORD_FILE"], "a", buffering=1)
    while not ended:
        for token, text in queue.take(10):
            begun = time.time_ns()
            time.sleep(0.008)
            record.write(f"{text} {begun} {os.getpid()}\n")
            queue.done(token)
    queue.close()


main()
