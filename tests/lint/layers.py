#!/usr/bin/env python3
"""Code may depend only downwards.  layers.py SOURCE_DIR

The rooms and their arrows are those of CMakeLists.txt (syncd_room); every arrow goes down the layers of
docs/architecture.md, every include follows an arrow, and a foreign library is named in its own rooms only.
"""
import fnmatch
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'lib'))
import tree

# From the ground up.  Rooms of one layer do not know each other.
LAYERS = [
    {'config', 'base'},
    {'coro'},
    {'loop', 'policy', 'schedule', 'status'},
    {'postgres', 'redis', 'http', 'store', 'protocol', 'service'},
    {'control', 'llm'},
    {'component'},
    {'sources', 'transforms', 'sinks'},
    {'jobs'},
    {'app', 'ctl'},
]

# Who may name what: include -> rooms.
LIBRARIES = {
    r'uv\.h': {'loop'},
    r'openssl/': {'loop', 'transforms'},
    r'simdjson\.h': {'llm', 'transforms'},
    r'pqxx/|libpq-fe\.h': {'postgres'},
    r'hiredis/': {'redis'},
    r'curl/': {'http'},
    r'kainjow/': {'transforms'},
    r'sqlite3\.h': {'store'},
    r'toml\+\+/': {'config'},
    r'pcre2\.h': {'component'},
    r'spdlog/': {'base'},
    r'systemd/sd-journal': {'base'},
    r'systemd/sd-daemon': {'service'},
    r'CLI/': {'app', 'ctl'},
}

# Files that are not where their name puts them.
ELSEWHERE = {
    'daemon/main.cpp': 'app',
    'jobs/catalogue.hpp': 'component',  # announces every component and knows none
}


def rooms_of(cmake):
    """name -> (globs, names it depends on), as CMakeLists.txt says."""
    rooms = {}
    for match in re.finditer(r'^syncd_room\((\w+)\s([^)]*)\)', cmake, re.M):
        words = match.group(2).replace('${job_files}', 'jobs/*.cpp').split()
        at = words.index('DEPENDS')
        rooms[match.group(1)] = ([w for w in words[:at] if w != 'FILES'],
                                 [w[len('syncd_'):] for w in words[at:] if w.startswith('syncd_')])
    return rooms


def room_of(path, rooms):
    """The room of a file; a header belongs where its .cpp does or would."""
    if path in ELSEWHERE:
        return ELSEWHERE[path]
    source = re.sub(r'\.hpp$', '.cpp', path)
    for name, (globs, _) in rooms.items():
        if any(fnmatch.fnmatchcase(source, g) and source.count('/') == g.count('/') for g in globs):
            return name
    return None


def closure(name, rooms):
    reached = set()
    pending = [name]
    while pending:
        room = pending.pop()
        if room not in reached:
            reached.add(room)
            pending += rooms[room][1]
    return reached


def check(root):
    rooms = rooms_of(tree.read(root, 'CMakeLists.txt'))
    level = {room: i for i, layer in enumerate(LAYERS) for room in layer}
    for name, (_, depends) in rooms.items():
        if name not in level:
            yield f'CMakeLists.txt: room {name} has no layer (LAYERS in tests/lint/layers.py)'
            continue
        for other in depends:
            if level[other] >= level[name]:
                yield f'CMakeLists.txt: room {name} depends on {other}, which is not below it'
    for path in tree.files(root, ['config', 'daemon', 'jobs'], '.cpp', '.hpp'):
        room = room_of(path, rooms)
        if room is None:
            yield f'{path}: belongs to no room of CMakeLists.txt'
            continue
        allowed = closure(room, rooms)
        for number, line in enumerate(tree.read(root, path).splitlines(), 1):
            include = re.match(r'\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', line)
            if not include:
                continue
            ours, foreign = include.groups()
            if ours and ours != 'daemon/base/version.hpp':
                target = room_of(ours, rooms)
                if not os.path.exists(os.path.join(root, ours)):
                    yield f'{path}:{number}: "{ours}" is not a path from the root'
                elif target not in allowed:
                    yield f'{path}:{number}: {room} may not include {ours} ({target})'
            for pattern, owners in LIBRARIES.items():
                if foreign and re.match(pattern, foreign) and room not in owners:
                    yield f'{path}:{number}: <{foreign}> is for {", ".join(sorted(owners))} only'


tree.finish(list(check(sys.argv[1])), 'The layers: docs/architecture.md')
