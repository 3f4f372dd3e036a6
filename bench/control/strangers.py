"""A job and `syncctl` while strangers misuse the control socket: what the job loses, how long status takes.

Rounds in turn: a daemon copies a log into a file, while `syncctl` asks for its status again and again, without
strangers, with them, and with the strangers at the socket of another daemon, which takes the same share of the machine. The strangers, all at once and all the while: a thousand connections that say nothing or half a message (they
come anew as they are closed), frames of 64 MiB, random bytes, and a hundred followers that never read.
"""
import contextlib
import json
import multiprocessing
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from bench.daemon import SYNCCTL, Daemon
from bench.files.log import write_log
from bench.measure import median, read_memory

JOB = """[jobs.copy]
schedule = "manual"
[jobs.copy.source]
type = "files"
paths = ["{log}"]
mode = "read"
[jobs.copy.sink]
type = "file"
path = "{{folder}}/out.log"
format = "raw"
fsync_every = "1m"
"""
SILENT, FOLLOWERS, ROUNDS = 1000, 100, 9
PAUSE = 0.02  # seconds between two acts of the strangers, and between two requests
WATCH = json.dumps({"method": "io.syncd.Manager.Watch", "parameters": {}, "more": True}).encode() + b"\0"


class Stranger:
    """`says` is sent as far as the daemon takes it; then nothing more is said or read."""

    def __init__(self, path, says=b""):
        self.says = says
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.socket.setblocking(False)

    def go_on(self):
        """False: the daemon has had enough."""
        try:
            if self.says:
                self.says = self.says[self.socket.send(self.says[:1 << 20]):]
            return self.socket.recv(1, socket.MSG_PEEK) != b"" or bool(self.says)
        except BlockingIOError:
            return True
        except OSError:
            return False


def misuse(path):
    """Until it is killed."""
    chance = random.Random(4711)
    huge = memoryview(bytes(b"[") * (64 << 20))
    watching, silent, others = [], [], []
    while True:
        for group in (watching, silent, others):
            for one in [one for one in group if not one.go_on()]:
                one.socket.close()
                group.remove(one)
        with contextlib.suppress(OSError):  # more of them than the daemon has accepted yet
            for _ in range(min(5, FOLLOWERS - len(watching))):
                watching.append(Stranger(path, WATCH))
            for number in range(min(20, SILENT - len(silent))):
                silent.append(Stranger(path, b'{"method": "io.syncd.Manager.Sta' if number % 2 else b""))
            if len(others) < 8:
                others.append(Stranger(path, huge if len(others) % 2 else chance.randbytes(2000) + b"\0"))
        time.sleep(PAUSE)


def status(daemon):
    """Seconds of one `syncctl status`, from its start to its end."""
    began = time.monotonic()
    subprocess.run([SYNCCTL, "--socket", daemon.socket, "status"], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def copy(daemon):
    """Returns the seconds of the run, those of each status meanwhile, and the resident MB at its end."""
    daemon.call("Run", job="copy")
    asked = []
    while True:
        time.sleep(PAUSE)
        asked.append(status(daemon))
        (job,) = daemon.call("Status", job="copy")["jobs"]
        if job["state"] == "idle" and job.get("last_run"):
            break
    (entry,) = daemon.call("History", job="copy")["entries"]
    if entry["outcome"] != "succeeded":
        sys.exit(f"bench: the copy ended as {entry['outcome']}: {entry['reason']}")
    return (entry["ended_us"] - entry["started_us"]) / 1e6, asked, read_memory(daemon.process.pid)[0]


def measure(jobs, folder, where):
    daemon = Daemon(jobs, folder)
    other = Daemon(jobs, folder)
    misused = {"here": daemon, "next door": other}.get(where)
    strangers = misused and multiprocessing.Process(target=misuse, args=(misused.socket,))
    try:
        if strangers:
            strangers.start()
            time.sleep(2)
        return copy(daemon)
    finally:
        if strangers:
            strangers.terminate()
            strangers.join()
        daemon.end()
        other.end()


def run(arguments):
    folder = tempfile.mkdtemp(prefix="strangers.", dir=os.path.abspath("build"))
    try:
        _, size = write_log(f"{folder}/access.log", int(arguments.bytes))
        jobs = JOB.format(log=f"{folder}/access.log")
        rounds = {"nowhere": [], "next door": [], "here": []}
        for number in range(ROUNDS):
            for where in rounds if number % 2 == 0 else reversed(rounds):
                rounds[where].append(measure(jobs, folder, where))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"\nA log of {size / 1e9:.1f} GB is copied, medians of {ROUNDS} rounds")
    for where, runs in rounds.items():
        asked = [seconds for _, each, _ in runs for seconds in each]
        print(f"strangers {where}: {median(run[0] for run in runs):.2f} s; syncctl status {median(asked) * 1000:.0f} ms, "
              f"the slowest of {len(asked)} {max(asked) * 1000:.0f} ms; {max(run[2] for run in runs):.1f} MB resident")
    for other in ("nowhere", "next door"):
        loss = median(here[0] / there[0] for here, there in zip(rounds["here"], rounds[other])) - 1
        print(f"strangers here instead of {other}: the job takes {loss:+.1%} (wanted: within 3 %)")
