"""Runs one contestant: wall time, its own CPU, its peak memory."""
import dataclasses
import os
import signal
import statistics
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


def read_status(pid, keys):
    """Those lines of /proc/PID/status, in MB; None once the process has ended."""
    fields = {}
    try:
        with open(f"/proc/{pid}/status") as status:
            for line in status:
                key, _, value = line.partition(":")
                if key in keys:
                    fields[key] = int(value.split()[0]) / 1024
    except (FileNotFoundError, ProcessLookupError):
        return None
    return tuple(fields[key] for key in keys) if len(fields) == len(keys) else None


def cpu_seconds(pid, with_children=False):
    """User and system time so far, of a process and, if wanted, of its children that have ended."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15 if with_children else 13]) / os.sysconf("SC_CLK_TCK")


def read_peak(pid):
    return read_status(pid, ("VmHWM", "RssAnon"))


def read_memory(pid):
    return read_status(pid, ("VmRSS", "RssAnon"))


def wait_until_done(process, done):
    """Returns early where the process ends by itself: its status says why."""
    deadline = time.monotonic() + 600
    while not done():
        ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended or time.monotonic() > deadline:
            break
        time.sleep(0.005)


def run_measured(command, folder, stdin="", done=None, env=None, ends=True):
    """A failure ends the benchmark with what the contestant said.  `done`: its time is measured until done() is
    true, and it is stopped then unless it `ends` by itself."""
    log = os.path.join(folder, "contestant.log")
    usage = Usage()
    ended = threading.Event()

    def sample(pid):
        # rusage's own peak would count the memory of this script between fork and exec.
        while not ended.wait(0.02):
            now = read_peak(pid)
            if now:
                usage.rss, usage.anon = max(usage.rss, now[0]), max(usage.anon, now[1])

    with open(stdin or os.devnull, "rb") as source, open(log, "wb") as output:
        started = time.monotonic()
        process = subprocess.Popen(command, stdin=source, stdout=output, stderr=output, env=env)
        sampler = threading.Thread(target=sample, args=(process.pid,))
        sampler.start()
        try:
            if done:
                wait_until_done(process, done)
                usage.wall = time.monotonic() - started
                if not ends:
                    process.terminate()
            _, status, spent = os.wait4(process.pid, 0)
        finally:
            ended.set()
            sampler.join()
        usage.wall = usage.wall or time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    usage.cpu = spent.ru_utime + spent.ru_stime
    if process.returncode not in (0, 0 if ends else -signal.SIGTERM):
        with open(log, errors="replace") as said:
            raise SystemExit(f"bench: {' '.join(command)} ended with {process.returncode}:\n{said.read()[-2000:]}")
    return usage


def median(values):
    return statistics.median(list(values))


def ratio(over, under, value=lambda usage: usage.wall):
    """Median over the rounds of over / under: both saw the same noise in a round."""
    return median(value(a) / value(b) for a, b in zip(over, under))
