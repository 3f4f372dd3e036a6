"""A log that grows: how long each line takes until it stands in the output, at two rates."""
import os
import shutil
import signal
import subprocess
import tempfile

from bench.files import contestants as field
from bench.files import peers
from bench.measure import cpu_seconds, read_peak
from bench.servers import wait_for
from bench.table import print_table

RATES = [1000, 50_000]
SECONDS = 5
LATENCY = "build/release/bench/bench_latency"


def followers(folder, log, out):
    """(name, command, env); each follows `log` into `out`."""
    main = field.write_config(f"{folder}/syncd", 1, [
        ("follow", "continuous", log, "file", field.FILE_OPTIONS.format(out=out))])
    env = peers.environment()
    return [
        ("tail -F", ["sh", "-c", f"exec tail -n +1 -F '{log}' >'{out}'"], None),
        ("syncd", ["build/release/syncd", "--config", main], None),
        ("rsyslog", peers.rsyslog(f"{folder}/peers", log, out), env),
        ("syslog-ng", peers.syslog_ng(f"{folder}/peers", log, out, follow=0.001, flush=1), env),
    ]


def measure(folder, name, command, env, rate):
    log, out = f"{folder}/grows.log", f"{folder}/out.log"
    with open(log, "w") as file:
        file.write("the first line\n")
    with open(f"{folder}/contestant.log", "wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=env)
    try:
        wait_for(name, lambda: field.size_of(out) == field.size_of(log))
        before = cpu_seconds(process.pid)
        said = subprocess.run([LATENCY, str(rate), str(SECONDS), log, out], check=True, capture_output=True,
                              text=True).stdout
        cpu = cpu_seconds(process.pid) - before
        peak, _ = read_peak(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
    sent, lost, doubled, *times = (int(word) for word in said.split())
    if lost or doubled:
        raise SystemExit(f"bench: {name}: {lost} of {sent} lines lost, {doubled} doubled: this benchmark is void")
    return [time / 1000 for time in times] + [cpu, peak]


def run(arguments):
    peers.unpack()
    folder = tempfile.mkdtemp(prefix="follow.", dir=os.path.abspath("build"))
    print(f"\nA log that grows for {SECONDS} s: ms from append to delivery\n")
    lines, found = [], {}
    try:
        for rate in RATES:
            for name, *_ in followers(folder, "", ""):
                runs = []
                for number in range(arguments.rounds):
                    # A folder each: nobody knows the log from before.
                    place = f"{folder}/{rate}-{name}-{number}"
                    os.makedirs(place)
                    command, env = {who: (what, with_env) for who, what, with_env in followers(
                        place, f"{place}/grows.log", f"{place}/out.log")}[name]
                    runs.append(measure(place, name, command, env, rate))
                best = [sorted(column)[len(column) // 2] for column in zip(*runs)]
                found[name, rate] = best
                p50, p99, most, cpu, peak = best
                lines.append([f"{name}, {rate:,} lines/s", f"{p50:.2f}", f"{p99:.2f}", f"{most:.1f}",
                              f"{cpu:.2f}", f"{peak:.1f}"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print_table(["", "p50 ms", "p99 ms", "max ms", "own CPU s", "peak MB"], lines)
    print()
    for rate in RATES:
        ours, theirs = found["syncd", rate][1], found["rsyslog", rate][1]
        print(f"p99 at {rate:,} lines/s: {ours:.2f} ms, rsyslog's {theirs:.2f} ms"
              + ("" if ours <= theirs else ": missed"))
