"""ns per element: ours, the bare ones and Node's, in one run."""
import collections
import json
import statistics
import subprocess

from bench.table import print_table

ROWS = {
    "one_stage": "generator, 1 stage",
    "three_stages": "generator, 3 stages",
    "one_stage_batches": "1 stage, batches of 500",
    "three_stages_batches": "3 stages, batches of 500",
    "task_await": "await of a task",
}


def measure_cpp(rounds):
    """{(contender, pipeline): median ns per element}"""
    command = ["build/release/bench/bench_core", "--benchmark_format=json", "--benchmark_min_time=0.1",
               f"--benchmark_repetitions={rounds}", "--benchmark_enable_random_interleaving=true"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    times = collections.defaultdict(list)
    for entry in json.loads(output)["benchmarks"]:
        if entry.get("error_occurred"):
            raise SystemExit(f"bench: {entry['name']}: {entry['error_message']}")
        if entry["run_type"] == "iteration":
            times[tuple(entry["name"].split("/")[:2])].append(1e9 / entry["items_per_second"])
    return {name: statistics.median(values) for name, values in times.items()}


def run(arguments):
    print("\nGenerator core, ns per element (median)\n")
    rounds = max(arguments.rounds, 5)
    cpp = measure_cpp(rounds)
    output = subprocess.run(["node", "bench/core/core.mjs", str(rounds)], check=True, capture_output=True,
                            text=True).stdout
    node = json.loads(output)
    rows = []
    for name, label in ROWS.items():
        ours, bare = cpp["ours", name], cpp["bare", name]
        rows.append([label, f"{ours:.1f}", f"{bare:.1f}", f"{node[name]:.1f}", f"{ours / bare:.2f}",
                     f"{node[name] / ours:.1f}"])
    print_table(["", "ours", "bare", "Node", "ours / bare", "Node / ours"], rows)
