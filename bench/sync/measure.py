"""Runs one contestant: wall time, its own CPU, its peak memory."""
import dataclasses
import os
import subprocess
import threading
import time


@dataclasses.dataclass
class Usage:
    wall: float = 0
    cpu: float = 0  # user and system, of the process and its children
    rss: float = 0  # peak, MB
    anon: float = 0  # peak of what is not mapped from a file, MB
    redis_cpu: float = 0
    postgres_cpu: float = 0


def read_status(pid):
    """(VmHWM, RssAnon) in MB; None once the process has ended."""
    fields = {}
    try:
        with open(f"/proc/{pid}/status") as status:
            for line in status:
                key, _, value = line.partition(":")
                if key in ("VmHWM", "RssAnon"):
                    fields[key] = int(value.split()[0]) / 1024
    except (FileNotFoundError, ProcessLookupError):
        return None
    return (fields["VmHWM"], fields["RssAnon"]) if len(fields) == 2 else None


def run_measured(command, stdin, folder):
    """A failure ends the benchmark with what the contestant said."""
    log = os.path.join(folder, "contestant.log")
    usage = Usage()
    ended = threading.Event()

    def sample(pid):
        # rusage's own peak would count the memory of this script between fork and exec.
        while not ended.wait(0.02):
            now = read_status(pid)
            if now:
                usage.rss, usage.anon = max(usage.rss, now[0]), max(usage.anon, now[1])

    with open(stdin or os.devnull, "rb") as source, open(log, "wb") as output:
        started = time.monotonic()
        process = subprocess.Popen(command, stdin=source, stdout=output, stderr=output)
        sampler = threading.Thread(target=sample, args=(process.pid,))
        sampler.start()
        try:
            _, status, spent = os.wait4(process.pid, 0)
        finally:
            ended.set()
            sampler.join()
        usage.wall = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    usage.cpu = spent.ru_utime + spent.ru_stime
    if process.returncode:
        with open(log, errors="replace") as said:
            raise SystemExit(f"bench: {' '.join(command)} ended with {process.returncode}:\n{said.read()[-2000:]}")
    return usage
