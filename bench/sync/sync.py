"""A table into Redis: rounds of all contestants in turn, medians and ratios; and memory by size."""
import collections
import itertools
import re

from bench.sync import contestants as field
from bench.measure import median, ratio, run_measured
from bench.servers import Servers
from bench.table import print_table

SAMPLE = 500


def sample_rows(servers, rows):
    """The first rows and some all over the table."""
    step = max(rows // SAMPLE, 1)
    return [row for number, row in enumerate(servers.read_rows()) if number % step == 0]


def run_one(servers, contestant, rows, sample):
    field.prepare(servers, contestant)
    redis_before, postgres_before = servers.redis.cpu_seconds(), servers.postgres_cpu_seconds()
    usage = run_measured(contestant.command, servers.folder, contestant.stdin)
    usage.redis_cpu = servers.redis.cpu_seconds() - redis_before
    usage.postgres_cpu = servers.postgres_cpu_seconds() - postgres_before
    field.verify(servers, contestant, rows, sample)
    return usage


def chosen(servers, arguments):
    everybody = field.make_contestants(servers)
    return [one for one in everybody if one.stdin or re.search(arguments.only, one.name)]


def run(arguments):
    rows = arguments.rows
    print(f"\nPostgreSQL to Redis, {rows:,} rows, loopback TCP, Redis without persistence\n")
    with Servers() as servers:
        servers.load(rows)
        field.render(servers)
        stream_head = list(itertools.islice(servers.read_rows(), SAMPLE))
        scattered = sample_rows(servers, rows)
        competing = chosen(servers, arguments)
        rounds = collections.defaultdict(list)
        for number in range(arguments.rounds):
            # To and fro, so that nobody always follows the same one.
            for contestant in competing if number % 2 == 0 else reversed(competing):
                sample = stream_head if contestant.shape == "stream" else scattered
                usage = run_one(servers, contestant, rows, sample)
                rounds[contestant.name].append(usage)
                print(f"  round {number + 1}: {contestant.name}: {usage.wall:.2f} s", flush=True)
        report(competing, rounds, rows)


def report(competing, rounds, rows):
    print()
    lines = []
    for one in competing:
        runs, limit = rounds[one.name], rounds[field.limit_of(one.shape)]
        wall = median(run.wall for run in runs)
        lines.append([
            one.name, f"{wall:.2f}", f"{rows / wall:,.0f}", f"{ratio(limit, runs):.2f}"]
            + [f"{median(getattr(run, key) for run in runs):.2f}" for key in ("cpu", "redis_cpu", "postgres_cpu")]
            + [f"{median(getattr(run, key) for run in runs):.1f}" for key in ("rss", "anon")])
    print_table(["", "wall s", "rows/s", "x limit", "own CPU s", "Redis CPU s", "PostgreSQL CPU s", "peak MB",
                 "anonymous MB"], lines)
    print()
    for shape in field.SHAPES:
        ours = rounds.get(f"syncd redis_{shape}")
        if not ours:
            continue
        limit = rounds[field.limit_of(shape)]
        words = [f"{ratio(limit, ours):.2f} of the limit's throughput",
                 f"{ratio(ours, limit, lambda usage: usage.cpu):.2f} times redis-cli's CPU"]
        for page in field.PAGES:
            peer = rounds.get(f"Node {shape}, pages of {page}")
            if peer:
                words.append(f"{ratio(peer, ours):.1f} times Node with pages of {page}")
        print(f"syncd redis_{shape}: {', '.join(words)}")


def run_memory(arguments):
    sizes = sorted({100_000, arguments.rows})
    print(f"\nPeak memory in MB (of which anonymous) by rows of the table\n")
    peaks = collections.defaultdict(dict)
    with Servers() as servers:
        for rows in sizes:
            servers.load(rows)
            sample = list(itertools.islice(servers.read_rows(), SAMPLE))
            for contestant in chosen(servers, arguments):
                if contestant.stdin:
                    continue
                usage = run_one(servers, contestant, rows, sample)
                peaks[contestant.name][rows] = usage
    lines = [[name] + [f"{by_rows[rows].rss:.1f} ({by_rows[rows].anon:.1f})" for rows in sizes]
             + [f"{by_rows[sizes[-1]].rss - by_rows[sizes[0]].rss:+.1f}"] for name, by_rows in peaks.items()]
    print_table([""] + [f"{rows:,}" for rows in sizes] + ["difference"], lines)
