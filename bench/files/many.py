"""Ten thousand files in one glob, a hundred of which grow: memory, and processor time at rest and at work."""
import os
import shutil
import signal
import subprocess
import tempfile
import time

from bench.files import contestants as field
from bench.measure import cpu_seconds, read_memory
from bench.servers import wait_for

FILES, ACTIVE, SECONDS = 10_000, 100, 10


def lines_in(path):
    with open(path, "rb") as file:
        return sum(1 for _ in file)


def run(arguments):
    folder = tempfile.mkdtemp(prefix="many.", dir=os.path.abspath("build"))
    process = None
    try:
        os.makedirs(f"{folder}/logs")
        for number in range(FILES):
            with open(f"{folder}/logs/{number:05}.log", "w") as file:
                file.write(f"the first line of {number}\n" * 20)
        out = f"{folder}/out.log"
        main = field.write_config(f"{folder}/syncd", 1, [
            ("many", "continuous", f"{folder}/logs/*.log", "file", field.FILE_OPTIONS.format(out=out))])
        with open(f"{folder}/said", "wb") as said:
            process = subprocess.Popen(["build/release/syncd", "--config", main], stdout=said, stderr=said)
        measure(folder, process, out)
    finally:
        if process:
            process.send_signal(signal.SIGTERM)
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def measure(folder, process, out):
    began = time.monotonic()
    wait_for("the first lines", lambda: os.path.exists(out) and lines_in(out) == 20 * FILES)
    print(f"\n{FILES:,} files of 20 lines were read in {time.monotonic() - began:.1f} s")
    time.sleep(3)  # what the start leaves behind is no part of it
    before = cpu_seconds(process.pid)
    time.sleep(SECONDS)
    idle = (cpu_seconds(process.pid) - before) / SECONDS
    resident, anonymous = read_memory(process.pid)
    print(f"at rest: {idle:.2%} of a core (wanted: under 2 %), {resident:.1f} MB resident, {anonymous:.1f} MB "
          "of it anonymous")
    before = cpu_seconds(process.pid)
    for second in range(SECONDS):
        for number in range(ACTIVE):
            with open(f"{folder}/logs/{number:05}.log", "a") as file:
                file.write(f"line {second}\n")
            time.sleep(1 / ACTIVE)
    busy = (cpu_seconds(process.pid) - before) / SECONDS
    wait_for("the lines", lambda: lines_in(out) == 20 * FILES + SECONDS * ACTIVE)
    resident, anonymous = read_memory(process.pid)
    print(f"{ACTIVE} lines/s over {ACTIVE} of them: {busy:.2%} of a core, {resident:.1f} MB resident, "
          f"{anonymous:.1f} MB of it anonymous")
