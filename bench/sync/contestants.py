"""Who runs, and the proof that nobody lost a row."""
import dataclasses
import json
import os
import shutil

from bench.servers import COLUMNS

SHAPES = ["hash", "json", "stream"]
PAGES = [500, 5000]

CONFIG = """
[daemon]
state_dir = "{folder}/state"
[control]
socket = "{folder}/control.sock"
group  = ""
[connections.app]
type = "postgres"
uri  = "{postgres}"
[connections.cache]
type = "redis"
uri  = "{redis}"
"""
JOB = """
[jobs.{shape}]
schedule = "manual"
[jobs.{shape}.source]
type       = "postgres_table"
connection = "app"
table      = "public.users"
columns    = ["id", "email", "name", "status", "score", "updated_at"]
cursor     = ["updated_at", "id"]
[jobs.{shape}.sink]
type       = "redis_{shape}"
connection = "cache"
key        = "{key}"
"""
KEYS = {"hash": "user:{id}", "json": "user:{id}", "stream": "users"}


@dataclasses.dataclass
class Contestant:
    name: str
    shape: str
    command: list
    stdin: str = ""
    state: str = ""  # a folder that every run finds empty


def make_contestants(servers):
    folder = os.path.join(servers.folder, "syncd")
    os.makedirs(os.path.join(folder, "jobs.d"), exist_ok=True)
    main = os.path.join(folder, "syncd.toml")
    with open(main, "w") as file:
        file.write(CONFIG.format(folder=folder, postgres=servers.postgres_uri, redis=servers.redis_uri))
    with open(os.path.join(folder, "jobs.d", "users.toml"), "w") as file:
        file.write("".join(JOB.format(shape=shape, key=KEYS[shape]) for shape in SHAPES))

    contestants = []
    for shape in SHAPES:
        contestants.append(Contestant(
            limit_of(shape), shape, ["redis-cli", "-h", "127.0.0.1", "-p", str(servers.redis_port), "--pipe"],
            stdin=rendered_file(servers, shape)))
        contestants.append(Contestant(
            f"syncd redis_{shape}", shape, ["build/release/syncd", "--config", main, "--once", shape],
            state=os.path.join(folder, "state")))
        if shape == "stream":
            continue
        for page in PAGES:
            contestants.append(Contestant(
                f"Node {shape}, pages of {page}", shape,
                ["node", "bench/sync/article.mjs", servers.postgres_uri, servers.redis_uri, shape, str(page)]))
    return contestants


def limit_of(shape):
    return f"pre-rendered {shape}"


def rendered_file(servers, shape):
    return os.path.join(servers.folder, f"{shape}.resp")


def render(servers):
    """What a sink would send at best: the commands alone, ready in a file."""
    def command(*words):
        return f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)

    files = {shape: open(rendered_file(servers, shape), "w", newline="") for shape in SHAPES}
    for row in servers.read_rows():
        fields = [word for pair in zip(COLUMNS, row) for word in pair]
        key = f"user:{row[0]}"
        files["hash"].write(command("HSET", key, *fields))
        files["json"].write(command("SET", key, as_json(row)))
        files["stream"].write(command("XADD", "users", "*", *fields))
    for file in files.values():
        file.close()


def as_json(row):
    """Numbers as the server wrote them."""
    values = (text if column in ("id", "score") else f'"{text}"' for column, text in zip(COLUMNS, row))
    return "{" + ",".join(f'"{column}":{value}' for column, value in zip(COLUMNS, values)) + "}"


def prepare(servers, contestant):
    servers.redis.call("FLUSHALL", "SYNC")
    shutil.rmtree(contestant.state or "/nonexistent", ignore_errors=True)


def pairs(words):
    return dict(zip(words[::2], words[1::2]))


def verify(servers, contestant, rows, sample):
    """Every row is there, and those of the sample are equal, field by field."""
    redis = servers.redis

    def fail(what):
        raise SystemExit(f"bench: {contestant.name}: {what}: this benchmark is void")

    if contestant.shape == "stream":
        found = redis.call("XLEN", "users")
    else:
        found = redis.call("DBSIZE") - count_keys(redis, "syncd:*")
    if found != rows:
        fail(f"Redis holds {found} rows of {rows}")
    if contestant.shape == "stream":
        first = redis.call("XRANGE", "users", "-", "+", "COUNT", len(sample))
        entries = [pairs(fields) for _, fields in first]
        if entries != [dict(zip(COLUMNS, row)) for row in sample]:
            fail("the stream begins with other rows than the table")
        return
    for row in sample:
        if contestant.shape == "hash":
            held = pairs(redis.call("HGETALL", f"user:{row[0]}"))
        else:
            held = json.loads(redis.call("GET", f"user:{row[0]}") or "{}", parse_int=str, parse_float=str)
        if held != dict(zip(COLUMNS, row)):
            fail(f"row {row} arrived as {held}")


def count_keys(redis, pattern):
    cursor, found = "0", 0
    while True:
        cursor, keys = redis.call("SCAN", cursor, "MATCH", pattern, "COUNT", 10000)
        found += len(keys)
        if cursor == "0":
            return found
