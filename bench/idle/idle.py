#!/usr/bin/env python3
"""What a daemon costs that has nothing to do, and how it answers when a thousand jobs are due at once.

    python3 -B bench/idle/idle.py [--syncd build/release/syncd] [--seconds 10] [ten] [many] [status] [burst]

ten     ten jobs, none due: resident and anonymous memory, wake-ups and processor time a second
many    ten thousand jobs, none due
status  a thousand jobs, none due: how long `syncctl status` takes, from its start to its end
burst   a thousand jobs due at the same instant: how long a status request takes meanwhile
The daemon is told to report to a service manager, which listens, as it is when it runs under systemd. No server is needed: idle jobs connect to nobody, and those that run read empty folders.
"""
import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HEAD = """[daemon]
state_dir = "{folder}/state"
[control]
socket = "{folder}/control.sock"
group = ""
[log]
level = "warn"
"""
JOB = """[jobs.{name}]
schedule = "{schedule}"
[jobs.{name}.source]
type = "files"
paths = ["{folder}/none/*.log"]
mode = "read"
[jobs.{name}.sink]
type = "file"
path = "{folder}/out/{name}.jsonl"
"""


class Daemon:
    def __init__(self, syncd, count, schedule):
        self.folder = tempfile.mkdtemp(prefix="syncd-idle-")
        os.makedirs(self.folder + "/jobs.d")
        os.makedirs(self.folder + "/none")
        os.makedirs(self.folder + "/out")
        with open(self.folder + "/syncd.toml", "w") as file:
            file.write(HEAD.format(folder=self.folder))
        with open(self.folder + "/jobs.d/jobs.toml", "w") as file:
            for number in range(count):
                file.write(JOB.format(name=f"job{number}", schedule=schedule, folder=self.folder))
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(self.folder + "/notify")
        environment = dict(os.environ, NOTIFY_SOCKET=self.folder + "/notify", WATCHDOG_USEC="30000000")
        self.process = subprocess.Popen([syncd, "--config", self.folder + "/syncd.toml"], env=environment)
        threading.Thread(target=self.listen, daemon=True).start()
        deadline = time.monotonic() + 120
        while not os.path.exists(self.folder + "/control.sock"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit("syncd did not start")
            time.sleep(0.02)

    def listen(self):
        while self.manager.recv(4096):
            pass

    def call(self, method, **parameters):
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(self.folder + "/control.sock")
            call = {"method": "io.syncd.Manager." + method, "parameters": parameters}
            peer.sendall(json.dumps(call).encode() + b"\0")
            reply = b""
            while not reply.endswith(b"\0"):
                part = peer.recv(1 << 20)
                if not part:
                    sys.exit("syncd closed the connection")
                reply += part
        return json.loads(reply[:-1])["parameters"]

    def numbers(self):
        """Processor seconds, times that it was woken, resident and anonymous KiB."""
        status = {}
        with open(f"/proc/{self.process.pid}/status") as file:
            for line in file:
                key, _, value = line.partition(":")
                status[key] = value.split()[0] if value.split() else ""
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        switches = 0
        for task in os.listdir(f"/proc/{self.process.pid}/task"):
            with open(f"/proc/{self.process.pid}/task/{task}/status") as file:
                switches += sum(int(line.split()[1]) for line in file if line.startswith("voluntary_ctxt"))
        ticks = int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK"), switches, int(status["VmRSS"]), int(status["RssAnon"])

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait() != 0:
            sys.exit(f"syncd ended with {self.process.returncode}")
        shutil.rmtree(self.folder)


def idle(arguments, count):
    daemon = Daemon(arguments.syncd, count, "@yearly")
    time.sleep(2)  # what the start leaves behind is no part of it
    before = daemon.numbers()
    time.sleep(arguments.seconds)
    after = daemon.numbers()
    share = (after[0] - before[0]) / arguments.seconds
    wakes = (after[1] - before[1]) / arguments.seconds
    print(f"{count:>6,} jobs idle: {after[2] / 1024:.1f} MiB resident, {after[3] / 1024:.1f} MiB anonymous, "
          f"{wakes:.1f} wake-ups/s, {share:.2%} of a core")
    daemon.end()


def status(arguments):
    daemon = Daemon(arguments.syncd, 1000, "@yearly")
    syncctl = os.path.join(os.path.dirname(os.path.abspath(arguments.syncd)), "syncctl")
    seconds = []
    for _ in range(20):
        began = time.monotonic()
        subprocess.run([syncctl, "--socket", daemon.folder + "/control.sock", "status"], check=True,
                       stdout=subprocess.DEVNULL)
        seconds.append(time.monotonic() - began)
    print(f"syncctl status of 1,000 jobs: {statistics.median(seconds) * 1000:.0f} ms, "
          f"the slowest of {len(seconds)} {max(seconds) * 1000:.0f} ms")
    daemon.end()


def burst(arguments):
    count = 1000
    due = int(time.time()) + 6
    daemon = Daemon(arguments.syncd, count, "at " + time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(due)))
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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[[], "ten", "many", "status", "burst"])
    parser.add_argument("--syncd", default="build/release/syncd")
    parser.add_argument("--seconds", type=float, default=10)
    arguments = parser.parse_args()
    parts = arguments.parts or ["ten", "many", "status", "burst"]
    if "ten" in parts:
        idle(arguments, 10)
    if "many" in parts:
        idle(arguments, 10_000)
    if "status" in parts:
        status(arguments)
    if "burst" in parts:
        burst(arguments)


if __name__ == "__main__":
    main()
