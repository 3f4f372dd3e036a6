"""A private PostgreSQL and Redis in a temporary folder, and the table."""
import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time

from bench.measure import cpu_seconds

COLUMNS = ["id", "email", "name", "status", "score", "updated_at"]

# About 120 bytes of text a row; a cursor of distinct microseconds, in the past.
TABLE = """
SET client_min_messages = warning;
DROP TABLE IF EXISTS users;
CREATE TABLE users (
  id bigint NOT NULL, email text NOT NULL, name text NOT NULL, status text NOT NULL, score numeric NOT NULL,
  updated_at timestamptz NOT NULL);
INSERT INTO users
  SELECT n, 'ada.lovelace.' || n || '@customers.example.org', 'Ada King of Lovelace ' || n,
         CASE WHEN n % 20 = 0 THEN 'blocked' ELSE 'active' END, round((n % 100000) / 100.0, 2),
         '2024-01-01 00:00:00Z'::timestamptz + n * interval '1.234567 s'
    FROM generate_series(1, {rows}) n;
ALTER TABLE users ADD PRIMARY KEY (id);
CREATE INDEX users_cursor ON users (updated_at, id);
"""


class Redis:
    """A few replies of RESP2, enough for checking what a contestant left."""

    def __init__(self, port):
        self.stream = socket.create_connection(("127.0.0.1", port)).makefile("rwb")

    def call(self, *words):
        words = [str(word).encode() for word in words]
        self.stream.write(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
        self.stream.flush()
        return self._reply()

    def _reply(self):
        line = self.stream.readline()[:-2]
        kind, rest = line[:1], line[1:].decode()
        if kind == b"-":
            raise RuntimeError(f"Redis: {rest}")
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return self.stream.read(int(rest) + 2)[:-2].decode() if int(rest) >= 0 else None
        if kind == b"*":
            return [self._reply() for _ in range(int(rest))]
        return rest

    def cpu_seconds(self):
        fields = dict(line.split(":", 1) for line in self.call("INFO", "cpu").split("\r\n") if ":" in line)
        return float(fields["used_cpu_user"]) + float(fields["used_cpu_sys"])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, ready):
    deadline = time.monotonic() + 30
    while not ready():
        if time.monotonic() > deadline:
            raise SystemExit(f"bench: {what} does not start")
        time.sleep(0.05)


class Servers:
    """Started on entry, stopped on exit.  Everybody talks to them over loopback TCP."""

    def __init__(self, postgres=True):
        self.with_postgres = postgres

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="syncd-bench.")
        self.processes = []
        try:
            if self.with_postgres:
                self._start_postgres()
            self._start_redis()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, command, log, account=None):
        output = open(os.path.join(self.folder, log), "wb")
        process = subprocess.Popen(command, cwd="/", stdout=output, stderr=output, **account or {})
        self.processes.append(process)
        return process

    def _start_postgres(self):
        binaries = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))[-1]
        home = os.path.join(self.folder, "pg")
        os.mkdir(home)
        account = {}
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            postgres = pwd.getpwnam("postgres")
            os.chmod(self.folder, 0o755)
            os.chown(home, postgres.pw_uid, postgres.pw_gid)
            account = {"user": postgres.pw_uid, "group": postgres.pw_gid, "extra_groups": []}
        subprocess.run([f"{binaries}/initdb", "-D", f"{home}/data", "-A", "trust", "-U", "bench", "-E", "UTF8",
                        "--locale=C.UTF-8"], check=True, cwd="/", stdout=subprocess.DEVNULL, **account)
        self.postgres_port = free_port()
        settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "autovacuum=off",
                    "shared_buffers=1GB", "max_wal_size=8GB", "timezone=UTC"]
        self.postgres_process = self._start(
            [f"{binaries}/postgres", "-D", f"{home}/data", "-p", str(self.postgres_port)]
            + [word for setting in settings for word in ("-c", setting)], "postgres.log", account)
        self.postgres_uri = f"postgresql://bench@127.0.0.1:{self.postgres_port}/postgres"
        wait_for("PostgreSQL", lambda: subprocess.run(
            ["psql", "-X", self.postgres_uri, "-c", "SELECT 1"], capture_output=True).returncode == 0)

    def _start_redis(self):
        self.redis_port = free_port()
        self.redis_uri = f"redis://127.0.0.1:{self.redis_port}/0"
        self._start(["redis-server", "--bind", "127.0.0.1", "--port", str(self.redis_port), "--save", "",
                     "--appendonly", "no", "--dir", self.folder], "redis.log")

        def answers():
            try:
                self.redis = Redis(self.redis_port)
                return self.redis.call("PING") == "PONG"
            except OSError:
                return False
        wait_for("Redis", answers)

    def psql(self, sql, **options):
        return subprocess.run(["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", self.postgres_uri, "-c", sql],
                              check=True, **options)

    def load(self, rows):
        """The table anew, with that many rows; hint bits set, so that nobody pays for being the first."""
        self.psql(TABLE.format(rows=rows))
        for statement in ("VACUUM (ANALYZE) users", "CHECKPOINT"):
            self.psql(statement)

    def read_rows(self):
        """All rows as lists of text in the order of the cursor."""
        columns = ", ".join(COLUMNS)
        command = ["psql", "-X", "-q", self.postgres_uri, "-c",
                   f"COPY (SELECT {columns} FROM users ORDER BY updated_at, id) TO STDOUT"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                yield line.rstrip("\n").split("\t")
        if process.returncode:
            raise SystemExit("bench: reading the table failed")

    def postgres_cpu_seconds(self):
        """Of all backends that have ended."""
        idle = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        wait_for("the end of the contestant's connections",
                 lambda: self.psql(idle, capture_output=True, text=True).stdout.strip() == "0")
        return cpu_seconds(self.postgres_process.pid, with_children=True)
