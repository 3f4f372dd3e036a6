"""What a daemon costs that has nothing to do, and how it answers when a thousand jobs are due at once.

ten     ten jobs, none due: resident and anonymous memory, wake-ups and processor time a second
many    ten thousand jobs, none due
status  a thousand jobs, none due: how long `syncctl status` takes, from its start to its end
burst   a thousand jobs due at the same instant: how long a status request takes meanwhile
No server is needed: idle jobs connect to nobody, and those that run read empty folders.
"""
import re
import statistics
import subprocess
import sys
import time

from bench.daemon import SYNCCTL, Daemon

SECONDS = 10
JOB = """[jobs.{name}]
schedule = "{schedule}"
[jobs.{name}.source]
type = "files"
paths = ["{folder}/none-*.log"]
mode = "read"
[jobs.{name}.sink]
type = "file"
path = "{folder}/{name}.jsonl"
"""


def start(count, schedule):
    return Daemon("".join(JOB.format(name=f"job{number}", schedule=schedule, folder="{folder}")
                          for number in range(count)))


def idle(count):
    daemon = start(count, "@yearly")
    time.sleep(2)  # what the start leaves behind is no part of it
    before = daemon.numbers()
    time.sleep(SECONDS)
    after = daemon.numbers()
    share = (after[0] - before[0]) / SECONDS
    wakes = (after[1] - before[1]) / SECONDS
    print(f"{count:>6,} jobs idle: {after[2] / 1024:.1f} MiB resident, {after[3] / 1024:.1f} MiB anonymous, "
          f"{wakes:.1f} wake-ups/s, {share:.2%} of a core")
    daemon.end()


def status():
    daemon = start(1000, "@yearly")
    seconds = []
    for _ in range(20):
        began = time.monotonic()
        subprocess.run([SYNCCTL, "--socket", daemon.socket, "status"], check=True,
                       stdout=subprocess.DEVNULL)
        seconds.append(time.monotonic() - began)
    print(f"syncctl status of 1,000 jobs: {statistics.median(seconds) * 1000:.0f} ms, "
          f"the slowest of {len(seconds)} {max(seconds) * 1000:.0f} ms")
    daemon.end()


def burst():
    count = 1000
    due = int(time.time()) + 6
    daemon = start(count, "at " + time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(due)))
    if time.time() > due - 1:
        sys.exit("the daemon took too long to start")
    time.sleep(due - 0.3 - time.time())
    slowest, asked = 0.0, 0
    while time.time() < due + 15:
        began = time.monotonic()
        daemon.call("Status", job="job500")
        slowest = max(slowest, time.monotonic() - began)
        asked += 1
        time.sleep(0.002)
        if asked % 50 == 0 and len(daemon.call("History", limit=1000)["entries"]) == count:
            entries = daemon.call("History", limit=1000)["entries"]
            if all(entry["outcome"] != "running" for entry in entries):
                break
    entries = daemon.call("History", limit=1000)["entries"]
    late = max((entry["started_us"] or 0) for entry in entries) / 1e6 - due
    good = sum(entry["outcome"] == "succeeded" for entry in entries)
    print(f"{count:,} jobs due at once: {good:,} succeeded, the last began {late:.2f} s late; "
          f"the slowest of {asked} status requests took {slowest * 1000:.0f} ms")
    daemon.end()


PARTS = {"ten": lambda: idle(10), "many": lambda: idle(10_000), "status": status, "burst": burst}


def run(arguments):
    print()
    for name, part in PARTS.items():
        if re.search(arguments.only, name):
            part()
