# A worker that takes jobs from a server over HTTP, one after the other; at SIGTERM it finishes the one in hand.
import signal, sys, time, urllib.request

url, seconds = sys.argv[1], float(sys.argv[2])
going = True


def stop(*_):
    global going
    going = False


signal.signal(signal.SIGTERM, stop)


def post(path):
    with urllib.request.urlopen(urllib.request.Request(url + path, data=b"", method="POST")) as answer:
        return answer.read().decode()


while going:
    job = post("/take")
    if not job:
        time.sleep(0.05)
        continue
    time.sleep(seconds)
    post("/done/" + job)
