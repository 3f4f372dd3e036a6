"""A log at rest to nowhere, to a file and to Redis: rounds of all contestants in turn, medians and ratios."""
import collections
import os
import re
import shutil
import tempfile

from bench.files import contestants as field
from bench.files import peers
from bench.files.log import write_log
from bench.measure import median, ratio, run_measured
from bench.servers import Servers
from bench.table import print_table

# (group, whom ours is compared with, in what, how many times better at least)
WANTED = [
    ("null", "std::getline", "wall", 3), ("null", "memchr", "wall", 0.5), ("null", "Node", "wall", 10),
    ("file", "read, split, write", "wall", 0.5), ("file", "rsyslog", "wall", 8), ("file", "syslog-ng", "wall", 8),
    ("file", "Node", "wall", 10), ("file", "rsyslog", "cpu", 10), ("file", "syslog-ng", "cpu", 10),
    ("redis", "rsyslog", "wall", 1), ("redis", "syslog-ng", "wall", 1), ("redis", "Node", "wall", 1),
]


def room_for(folder, size):
    """The log and one copy of it, and as much again for everybody else."""
    free = shutil.disk_usage(folder).free
    if free < 4 * size:
        size = free // 4
        print(f"only {free / 1e9:.1f} GB are free: a log of {size / 1e9:.1f} GB")
    return size


def run(arguments):
    peers.unpack()
    # Beside the build: /tmp may be memory.
    folder = tempfile.mkdtemp(prefix="files.", dir=os.path.abspath("build"))
    try:
        with Servers(postgres=False) as servers:
            run_in(folder, servers, arguments)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_in(folder, servers, arguments):
    log, small = f"{folder}/access.log", f"{folder}/small.log"
    lines, size = write_log(log, room_for(folder, int(arguments.bytes)))
    small_lines, small_size = write_log(small, min(size, 100_000_000))
    logs = {"null": (log, lines), "file": (log, lines), "redis": (small, small_lines)}
    sizes = {"null": size, "file": size, "redis": small_size}
    competing = [one for one in field.make_contestants(servers, folder, logs)
                 if re.search(arguments.only, f"{one.group} {one.name}")]
    rounds = collections.defaultdict(list)
    for number in range(arguments.rounds):
        # To and fro, so that nobody always follows the same one.
        for one in competing if number % 2 == 0 else reversed(competing):
            field.prepare(servers, folder, one)
            before = servers.redis.cpu_seconds()
            usage = run_measured(one.command, folder, done=one.done, env=one.env, ends=one.ends)
            usage.redis_cpu = servers.redis.cpu_seconds() - before
            with open(f"{folder}/contestant.log") as said:
                field.verify(servers, one, said.read(), *logs[one.group])
            rounds[one.group, one.name].append(usage)
            print(f"  round {number + 1}: {one.group}: {one.name}: {usage.wall:.2f} s", flush=True)
    report(competing, rounds, sizes)


def report(competing, rounds, sizes):
    for group, title in field.GROUPS.items():
        lines = []
        for one in (one for one in competing if one.group == group):
            runs = rounds[group, one.name]
            wall, gigabytes = median(run.wall for run in runs), sizes[group] / 1e9
            lines.append([one.name, f"{wall:.2f}", f"{sizes[group] / 1e6 / wall:,.0f}",
                          f"{median(run.cpu for run in runs) / gigabytes:.2f}",
                          f"{median(run.redis_cpu for run in runs) / gigabytes:.2f}" if group == "redis" else "",
                          f"{median(run.rss for run in runs):.1f}", f"{median(run.anon for run in runs):.1f}"])
        if lines:
            print(f"\n{title}, {sizes[group] / 1e9:.2f} GB\n")
            print_table(["", "wall s", "MB/s", "own CPU s per GB", "Redis CPU s per GB", "peak MB",
                         "anonymous MB"], lines)
    print()
    for group, other, value, wanted in WANTED:
        ours, theirs = rounds.get((group, "syncd")), rounds.get((group, other))
        if not ours or not theirs:
            continue
        found = ratio(theirs, ours, lambda usage: getattr(usage, value))
        what = "throughput" if value == "wall" else "own CPU: theirs over ours"
        print(f"{field.GROUPS[group]}, {what}, {other}: {found:.2f} (wanted {wanted})"
              + ("" if found >= wanted else ": missed"))
