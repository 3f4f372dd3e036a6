"""rsyslog and syslog-ng from Debian: unpacked into a folder, because their packages refuse each other, and
because nobody wants a benchmark to install a second logger.  Fluent Bit is in no Debian release."""
import glob
import os
import subprocess

PACKAGES = [["rsyslog", "rsyslog-hiredis"], ["syslog-ng-core", "syslog-ng-mod-redis"]]
FOLDER = os.path.abspath("build/bench-peers")

RSYSLOG = """
global(workDirectory="{folder}" maxMessageSize="64k")
module(load="imfile" mode="inotify")
{module}
template(name="raw" type="string" string="%msg%{end}")
input(type="imfile" file="{log}" tag="bench" ruleset="out" addMetadata="off")
ruleset(name="out" queue.type="LinkedList" queue.size="50000" queue.dequeueBatchSize="4096") {{
  action({action})
}}
"""
RSYSLOG_FILE = 'type="omfile" file="{out}" template="raw" ioBufferSize="64k"'
# Its stream mode is newer than Debian's; the list costs Redis less.
RSYSLOG_REDIS = 'type="omhiredis" server="127.0.0.1" serverport="{port}" mode="queue" key="lines" template="raw"'

SYSLOG_NG = """@version: {version}
options {{ stats-freq(0); mark-freq(0); }};
source s {{ file("{log}" flags(no-parse) follow-freq({follow}) log-iw-size(100000) log-fetch-limit(10000)); }};
destination d {{ {destination} }};
log {{ source(s); destination(d); flags(flow-control); }};
"""
SYSLOG_NG_FILE = 'file("{out}" template("$MSG\\n") flush-lines({flush}) log-fifo-size(200000));'
SYSLOG_NG_REDIS = ('redis(host("127.0.0.1") port({port}) command("XADD" "lines" "*" "line" "$MSG") '
                   'batch-lines(1000) batch-timeout(100) log-fifo-size(200000));')


def unpack():
    """Downloads what of them is not on this machine."""
    if os.path.exists(f"{FOLDER}/done"):
        return
    os.makedirs(FOLDER, exist_ok=True)
    for packages in PACKAGES:
        plan = subprocess.run(["apt-get", "install", "-s", "-qq", "--no-install-recommends", *packages],
                              check=True, capture_output=True, text=True).stdout
        wanted = {line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")} | set(packages)
        subprocess.run(["apt-get", "download", "-qq", *wanted], check=True, cwd=FOLDER)
    for package in glob.glob(f"{FOLDER}/*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, f"{FOLDER}/unpacked"], check=True)
    open(f"{FOLDER}/done", "w").close()


def environment():
    libraries = [*glob.glob(f"{FOLDER}/unpacked/usr/lib/*-linux-gnu"), f"{FOLDER}/unpacked/usr/lib/syslog-ng"]
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(libraries)}


def _write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def rsyslog(folder, log, out="", redis_port=0):
    """The command that follows `log`, into the file `out` or the list `lines` of a Redis."""
    modules = glob.glob(f"{FOLDER}/unpacked/usr/lib/*/rsyslog")[0]
    action = RSYSLOG_REDIS.format(port=redis_port) if redis_port else RSYSLOG_FILE.format(out=out)
    _write(f"{folder}/rsyslog.conf", RSYSLOG.format(
        folder=folder, log=log, action=action, end="" if redis_port else "\\n",
        module='module(load="omhiredis")' if redis_port else ""))
    return [f"{FOLDER}/unpacked/usr/sbin/rsyslogd", "-n", "-f", f"{folder}/rsyslog.conf", "-i", f"{folder}/pid",
            "-M", modules]


def syslog_ng(folder, log, out="", redis_port=0, follow=0.01, flush=1000):
    """The same, into a stream; `follow`: how often it looks, in seconds."""
    modules = glob.glob(f"{FOLDER}/unpacked/usr/lib/syslog-ng/[0-9]*")[0]
    destination = (SYSLOG_NG_REDIS.format(port=redis_port) if redis_port
                   else SYSLOG_NG_FILE.format(out=out, flush=flush))
    _write(f"{folder}/syslog-ng.conf", SYSLOG_NG.format(
        version=os.path.basename(modules), log=log, follow=follow, destination=destination))
    return [f"{FOLDER}/unpacked/usr/sbin/syslog-ng", "-F", "--no-caps", "-f", f"{folder}/syslog-ng.conf",
            "--module-path", modules, "--persist-file", f"{folder}/persist", "--pidfile", f"{folder}/pid",
            "--control", f"{folder}/control"]
