#!/usr/bin/env python3
"""Small habits of the house.  house.py SOURCE_DIR

No open ends, no code in comments, no file that outgrew its screen, no path of somebody's machine; a header
says what it is for.
"""
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'lib'))
import tree

LONGEST = 400
LONGER = {
    # path: why it may be longer
}

FOLDERS = ['config', 'daemon', 'jobs', 'tests', 'bench', 'packaging', 'docs', '.ci']
TEXT = ('.cpp', '.hpp', '.hpp.in', '.py', '.md', '.txt', '.toml', '.sh', '.mjs', '.js', '.json', '.sql', '.lua', '.supp',
        'run', 'demo', 'dependencies', 'install-dependencies')
CODE = ('.cpp', '.hpp')

OPEN_END = re.compile(r'\b(' + '|'.join(['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK']) + r')\b')
MACHINE = re.compile(r'(?<![\w.~])/(?:ho' + r'me|wo' + r'rk|ro' + r'ot)/\w')
# `// foo(bar);`, `// if (x) {`, `// }`, `// return x;`, `// #include <x>`: a sentence does not end like that.
DEAD = re.compile(r'^\s*//\s*(?:#\s*(?:include|if|endif|define)\b|[{}];?$|(?:return|if|for|while|else|auto|const|co_\w+)\b.*[;{]$'
                  r'|[\w:.>&*<-]+(?:\(.*\)|\s*=\s*.+);$)')


def in_code(path, lines):
    example = False
    for number, line in enumerate(lines, 1):
        # An indented block in a comment is an example of use.
        example = bool(re.match(r'^\s*//\s{3,}\S', line))
        if DEAD.match(line) and not example:
            yield f'{path}:{number}: code in a comment; the history keeps it'
    if path.endswith('.hpp'):
        if not lines or not lines[0].startswith('// '):
            yield f'{path}:1: begin with what this is for'
        if '#pragma once' not in lines:
            yield f'{path}:1: #pragma once is missing'


def check(root):
    paths = tree.files(root, FOLDERS, *TEXT)
    paths += [p for p in sorted(os.listdir(root)) if p.endswith(('.md', '.txt', '.json'))]
    for path in paths:
        lines = tree.read(root, path).splitlines()
        if len(lines) > LONGEST and path not in LONGER and path.endswith((*CODE, '.py')):
            yield f'{path}: {len(lines)} lines; split it, or say in tests/lint/house.py why not'
        for number, line in enumerate(lines, 1):
            if OPEN_END.search(line):
                yield f'{path}:{number}: an open end; do it or open an issue'
            if MACHINE.search(line):
                yield f"{path}:{number}: a path of somebody's machine"
        if path.endswith(CODE):
            yield from in_code(path, lines)
    for path in LONGER:
        if not os.path.exists(os.path.join(root, path)):
            yield f'tests/lint/house.py: {path} is gone'


tree.finish(list(check(sys.argv[1])))
