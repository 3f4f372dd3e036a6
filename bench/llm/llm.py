"""Tokens of a model, relayed to those who watch: one stream as fast as it goes, and 200 at the pace of models, of
200 jobs and of one."""
import os
import signal
import socket
import subprocess

from bench.daemon import Daemon
from bench.measure import cpu_seconds, median, read_peak
from bench.servers import free_port, wait_for
from bench.table import print_table

TOKENS = "build/release/bench/bench_tokens"
# (title, streams, tokens of each, tokens a second of each)
CASES = [("one stream, as fast as it goes", 1, 200_000, 0), ("200 streams at 50 tokens/s", 200, 1000, 50)]
HEAD = """[http]
listen = "127.0.0.1:{port}"
[connections.model]
type          = "anthropic"
base_url      = "http://127.0.0.1:{model}"
max_in_flight = 256
"""
JOB = """[jobs.{name}]
schedule = "manual"
[jobs.{name}.source]
type  = "files"
paths = ["{folder}/{name}.log"]
[[jobs.{name}.transforms]]
type       = "summarize"
connection = "model"
model      = "bench"
user       = "{{{{data}}}}"
max_tokens = 1000000
window     = {{ rows = 1 }}
in_flight  = {in_flight}
[jobs.{name}.sink]
type = "file"
path = "{folder}/{name}.jsonl"
"""


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Syncd:
    """A job a stream, each with its line in a log and its summary in a file."""
    together = False

    def __init__(self, streams, model):
        lines = [f"stream s{number}\n" for number in range(streams)]
        self.logs = {"s0": lines} if self.together else {f"s{number}": [line] for number, line in enumerate(lines)}
        self.port = free_port()
        jobs = "".join(JOB.format(name=name, folder="{folder}", in_flight=len(lines))
                       for name, lines in self.logs.items())
        self.daemon = Daemon(jobs, head=HEAD.format(port=self.port, model=model))
        for name, lines in self.logs.items():
            with open(f"{self.daemon.folder}/{name}.log", "w") as log:
                log.writelines(lines)
        self.pid = self.daemon.process.pid

    def ask(self):
        for name in self.logs:
            self.daemon.call("Run", job=name)

    def end(self):
        # An answer that is relayed and not delivered would be cheap.
        wait_for("the summaries", lambda: all(map(self.delivered, self.logs)))
        self.daemon.end()

    def delivered(self, name):
        path = f"{self.daemon.folder}/{name}.jsonl"
        if not os.path.exists(path):
            return False
        with open(path) as file:
            return sum(1 for _ in file) == len(self.logs[name])


class OneJob(Syncd):
    """Each stream is a window of one job, which one watches."""
    together = True


class Node:
    together = False

    def __init__(self, _, model):
        self.port = free_port()
        environment = dict(os.environ, NODE_ENV="production")
        self.process = subprocess.Popen(["node", "bench/llm/article.mjs", str(model), str(self.port)], env=environment)
        self.pid = self.process.pid
        wait_for("Node", lambda: listens(self.port))

    def ask(self):
        pass  # who watches asks

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


class Nobody:
    """The limit: the model answers those who watch."""
    together = False

    def __init__(self, _, model):
        self.port, self.pid = model, None

    def ask(self):
        pass

    def end(self):
        pass


CONTESTANTS = {"no relay": Nobody, "syncd": Syncd, "syncd, one job": OneJob, "Node": Node}


def measure(make, streams, tokens, rate):
    """Seconds; p50, p99 and maximum in ms; CPU seconds and peak MB of the relay."""
    driver = subprocess.Popen([TOKENS, str(streams), str(tokens), str(rate), *["together"] * make.together],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    relay = make(streams, int(driver.stdout.readline()))
    try:
        before = cpu_seconds(relay.pid) if relay.pid else 0
        driver.stdin.write(f"{relay.port}\n")
        driver.stdin.flush()
        if driver.stdout.readline() != "watching\n":
            raise SystemExit("bench: the watchers got no answer")
        relay.ask()
        said = driver.stdout.readline().split()
        if driver.wait() != 0 or len(said) != 4:
            raise SystemExit("bench: tokens were lost: this benchmark is void")
        cpu = cpu_seconds(relay.pid) - before if relay.pid else 0
        peak = read_peak(relay.pid)[0] if relay.pid else 0
    finally:
        relay.end()
    return [float(said[0]), *(int(word) / 1000 for word in said[1:]), cpu, peak]


def run(arguments):
    for title, streams, tokens, rate in CASES:
        contestants = {name: make for name, make in CONTESTANTS.items() if streams > 1 or not make.together}
        found = {name: [] for name in contestants}
        for number in range(arguments.rounds):
            for name in list(contestants)[:: 1 if number % 2 == 0 else -1]:
                found[name].append(measure(contestants[name], streams, tokens, rate))
        best = {name: [median(column) for column in zip(*runs)] for name, runs in found.items()}
        print(f"\nTokens, relayed: {title}\n")
        print_table(["", "tokens/s", "p50 ms", "p99 ms", "max ms", "own CPU s", "peak MB"],
                    [[name, f"{streams * tokens / seconds:,.0f}", f"{p50:.2f}", f"{p99:.2f}", f"{most:.1f}",
                      *([f"{cpu:.2f}", f"{peak:.1f}"] if peak else ["", ""])]
                     for name, (seconds, p50, p99, most, cpu, peak) in best.items()])
        print()
        for name in [name for name in contestants if name.startswith("syncd")]:
            pairs = list(zip(found[name], found["Node"], found["no relay"]))
            if rate == 0:
                print(f"{name}: throughput, of Node: {median(node[0] / ours[0] for ours, node, _ in pairs):.1f} times")
            else:
                print(f"{name}: p99 over no relay: {median(ours[2] - bare[2] for ours, _, bare in pairs):.2f} ms; "
                      f"CPU, of Node's: {median(ours[4] / node[4] for ours, node, _ in pairs):.2f}")
