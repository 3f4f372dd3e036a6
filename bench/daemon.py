"""A syncd of the release build in a temporary folder, and calls of its control socket."""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

SYNCD, SYNCCTL = "build/release/syncd", "build/release/syncctl"
HEAD = """[daemon]
state_dir = "{folder}/state"
[control]
socket = "{folder}/control.sock"
group = ""
[log]
level = "warn"
"""


class Daemon:
    """Started by the constructor, stopped by end().  `jobs`: TOML, in which {folder} is the daemon's own folder;
    `head`: more of the main file.  It is told to report to a service manager, which listens, as it is under systemd."""

    def __init__(self, jobs, parent=None, head=""):
        self.folder = tempfile.mkdtemp(prefix="syncd-bench.", dir=parent)
        os.makedirs(self.folder + "/jobs.d")
        with open(self.folder + "/syncd.toml", "w") as file:
            file.write(HEAD.format(folder=self.folder) + head)
        with open(self.folder + "/jobs.d/jobs.toml", "w") as file:
            file.write(jobs.replace("{folder}", self.folder))
        self.socket = self.folder + "/control.sock"
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(self.folder + "/notify")
        environment = dict(os.environ, NOTIFY_SOCKET=self.folder + "/notify", WATCHDOG_USEC="30000000")
        self.process = subprocess.Popen([SYNCD, "--config", self.folder + "/syncd.toml"], env=environment)
        threading.Thread(target=self._listen, daemon=True).start()
        deadline = time.monotonic() + 120
        while not os.path.exists(self.socket):
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit("bench: syncd did not start")
            time.sleep(0.02)

    def _listen(self):
        while self.manager.recv(4096):
            pass

    def call(self, method, **parameters):
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(self.socket)
            call = {"method": "io.syncd.Manager." + method, "parameters": parameters}
            peer.sendall(json.dumps(call).encode() + b"\0")
            reply = b""
            while not reply.endswith(b"\0"):
                part = peer.recv(1 << 20)
                if not part:
                    sys.exit("bench: syncd closed the connection")
                reply += part
        reply = json.loads(reply[:-1])
        if "error" in reply:
            raise RuntimeError(reply["error"])
        return reply["parameters"]

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
            sys.exit(f"bench: syncd ended with {self.process.returncode}")
        shutil.rmtree(self.folder)
