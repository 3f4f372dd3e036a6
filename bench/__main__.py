"""The command line behind bench/run."""
import argparse
import signal
import sys

from bench.control import strangers
from bench.core import core
from bench.files import files, follow, many
from bench.idle import idle
from bench.llm import llm
from bench.sync import sync

PARTS = {"core": core.run, "sync": sync.run, "memory": sync.run_memory, "files": files.run,
         "follow": follow.run, "many": many.run, "llm": llm.run, "idle": idle.run, "strangers": strangers.run}


def main():
    parser = argparse.ArgumentParser(prog="bench/run")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--bytes", type=int, default=2_000_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", metavar="REGEX")
    arguments = parser.parse_args()
    unknown = [part for part in arguments.parts if part not in PARTS]
    if unknown:
        parser.error(f"unknown part {unknown[0]} (known: {', '.join(PARTS)})")
    # An ended run stops the servers that it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for part in arguments.parts or ["core", "sync"]:
        PARTS[part](arguments)


if __name__ == "__main__":
    main()
