"""Who reads the log, into what, and the proof that every line arrived as it was."""
import dataclasses
import os
import shutil
import subprocess
import typing

from bench.files import peers

GROUPS = {"null": "lines to nowhere", "file": "lines to a file", "redis": "lines to Redis"}
LINES = "build/release/bench/bench_lines"

MAIN = """
[daemon]
state_dir = "{folder}/state"
[control]
socket = "{folder}/control.sock"
group  = ""
[connections.cache]
type = "redis"
uri  = "redis://127.0.0.1:{redis_port}/0"
"""
JOB = """
[jobs.{name}]
schedule = "{schedule}"
[jobs.{name}.source]
type  = "files"
paths = ["{log}"]
[jobs.{name}.sink]
type = "{sink}"
{options}
"""
# The peers do not wait for the disk either.
FILE_OPTIONS = 'path = "{out}"\nformat = "raw"\nfsync_every = "10s"'
REDIS_OPTIONS = 'connection = "cache"\nkey = "lines"'


@dataclasses.dataclass
class Contestant:
    name: str
    group: str
    command: list
    done: typing.Callable = None  # the last line has arrived; None: when it ends
    ends: bool = True
    env: dict = None
    out: str = ""


def write_config(folder, redis_port, jobs):
    """The path of a syncd.toml with these jobs, a list of (name, schedule, log, sink, options)."""
    os.makedirs(f"{folder}/jobs.d", exist_ok=True)
    with open(f"{folder}/syncd.toml", "w") as file:
        file.write(MAIN.format(folder=folder, redis_port=redis_port))
    with open(f"{folder}/jobs.d/lines.toml", "w") as file:
        for name, schedule, log, sink, options in jobs:
            file.write(JOB.format(name=name, schedule=schedule, log=log, sink=sink, options=options))
    return f"{folder}/syncd.toml"


def size_of(path):
    return os.stat(path).st_size if os.path.exists(path) else -1


def redis_holds(servers):
    count = {"list": "LLEN", "stream": "XLEN"}.get(servers.redis.call("TYPE", "lines"))
    return servers.redis.call(count, "lines") if count else 0


def make_contestants(servers, folder, logs):
    """`logs`: (path, lines) of each group."""
    state = f"{folder}/peers"
    out = f"{folder}/out.log"
    (null_log, _), (file_log, _), (redis_log, redis_lines) = logs["null"], logs["file"], logs["redis"]
    main = write_config(f"{folder}/syncd", servers.redis_port, [
        ("file", "manual", file_log, "file", FILE_OPTIONS.format(out=out)),
        ("redis", "manual", redis_log, "redis_stream", REDIS_OPTIONS)])
    syncd = ["build/release/syncd", "--config", main, "--once"]
    node = ["node", "bench/files/lines.mjs"]
    file_done = lambda: size_of(out) == size_of(file_log)
    redis_done = lambda: redis_holds(servers) == redis_lines
    env = peers.environment()
    return [
        Contestant("std::getline", "null", [LINES, "getline", null_log]),
        Contestant("memchr", "null", [LINES, "memchr", null_log]),
        Contestant("syncd", "null", [LINES, "null", null_log]),
        Contestant("Node", "null", [*node, null_log]),
        Contestant("read, split, write", "file", [LINES, "copy", file_log, out], out=out),
        Contestant("syncd", "file", [*syncd, "file"], file_done, out=out),
        Contestant("rsyslog", "file", peers.rsyslog(state, file_log, out), file_done, False, env, out),
        Contestant("syslog-ng", "file", peers.syslog_ng(state, file_log, out), file_done, False, env, out),
        Contestant("Node", "file", [*node, file_log, out], out=out),
        Contestant("syncd", "redis", [*syncd, "redis"], redis_done),
        Contestant("rsyslog", "redis", peers.rsyslog(f"{state}-redis", redis_log, redis_port=servers.redis_port),
                   redis_done, False, env),
        Contestant("syslog-ng", "redis",
                   peers.syslog_ng(f"{state}-redis", redis_log, redis_port=servers.redis_port), redis_done, False, env),
        Contestant("Node", "redis", [*node, redis_log, servers.redis_uri]),
    ]


def prepare(servers, folder, contestant):
    """Everybody begins with nothing."""
    servers.redis.call("FLUSHALL", "SYNC")
    for path in (f"{folder}/syncd/state", f"{folder}/peers/persist", f"{folder}/peers-redis/persist"):
        shutil.rmtree(path, ignore_errors=True) if os.path.isdir(path) else remove(path)
    for state in (f"{folder}/peers", f"{folder}/peers-redis"):
        for name in os.listdir(state):
            if name.startswith("imfile-state"):
                remove(f"{state}/{name}")
    remove(f"{folder}/out.log")
    remove(f"{folder}/out.log.syncd")


def remove(path):
    if os.path.exists(path):
        os.remove(path)


def verify(servers, contestant, said, log, lines):
    def fail(what):
        raise SystemExit(f"bench: {contestant.name}: {what}: this benchmark is void")

    if contestant.group == "null" and int(said.split()[0]) != lines:
        fail(f"counted {said} of {lines} lines")
    if contestant.group == "file" and subprocess.run(["cmp", log, contestant.out]).returncode:
        fail("the files differ")
    if contestant.group == "redis":
        if redis_holds(servers) != lines:
            fail(f"Redis holds {redis_holds(servers)} of {lines} lines")
        with open(log) as file:
            head = [file.readline().rstrip("\n") for _ in range(500)]
        if servers.redis.call("TYPE", "lines") == "list":
            found = servers.redis.call("LRANGE", "lines", -500, -1)[::-1]
        else:
            found = [fields[1] for _, fields in servers.redis.call("XRANGE", "lines", "-", "+", "COUNT", 500)]
        if found != head:
            fail("Redis holds other lines")
