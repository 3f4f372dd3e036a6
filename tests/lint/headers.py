#!/usr/bin/env python3
"""Each header compiles on its own, and twice in a row.  headers.py SOURCE_DIR SYNCD_BINARY

What was found sound is remembered beside the binary until the header, or one of ours that it includes,
changes: the first run takes as long as the compiler needs, the next ones do not.
"""
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'lib'))
import tree


def compiler(build):
    """The compiler and the flags that say where headers are, from the build itself."""
    with open(os.path.join(build, 'compile_commands.json'), encoding='utf-8') as file:
        commands = [shlex.split(entry['command']) for entry in json.load(file)]
    flags = []
    for words in commands:
        for i, word in enumerate(words):
            if word in ('-isystem', '-I'):
                word += words[i + 1]
            elif not re.match(r'-(I|D|std=)', word):
                continue
            if word not in flags:
                flags.append(word)
    program = next(w for w in commands[0] if re.search(r'(\+\+|cc|clang)(-\d+)?$', w) and 'ccache' not in w)
    return [program, *flags, '-fsyntax-only', '-x', 'c++', '-']


def fingerprints(root, headers):
    """header -> a hash of its text and of all of ours that it includes."""
    texts = {}

    def text_of(path):
        if path not in texts:
            full = os.path.join(root, path)
            texts[path] = tree.read(root, path) if os.path.exists(full) else ''
        return texts[path]

    def reach(path, seen):
        if path not in seen:
            seen.add(path)
            for other in re.findall(r'^#include "([^"]+)"', text_of(path), re.M):
                reach(other, seen)
        return seen

    return {h: hashlib.sha256('\0'.join(f'{p}\0{text_of(p)}' for p in sorted(reach(h, set()))).encode()).hexdigest()
            for h in headers}


def main(root, binary):
    build = os.path.dirname(os.path.abspath(binary))
    command = compiler(build)
    memory = os.path.join(build, 'sound_headers.json')
    try:
        with open(memory, encoding='utf-8') as file:
            known = json.load(file)
    except (OSError, ValueError):
        known = {}
    sound = known.get('sound', {}) if known.get('command') == command else {}
    marks = fingerprints(root, tree.files(root, ['config', 'daemon', 'jobs'], '.hpp'))

    def complaint(header):
        done = subprocess.run(command, input=f'#include "{header}"\n' * 2, cwd=root, text=True, capture_output=True)
        return '' if done.returncode == 0 else '\n'.join(done.stderr.splitlines()[:6])

    due = [h for h, mark in marks.items() if sound.get(h) != mark]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        complaints = dict(zip(due, pool.map(complaint, due)))
    bad = {h for h, text in complaints.items() if text}
    with open(memory + '.new', 'w', encoding='utf-8') as file:
        json.dump({'command': command, 'sound': {h: m for h, m in marks.items() if h not in bad}}, file)
    os.replace(memory + '.new', memory)
    tree.finish([f'{h} does not compile on its own:\n{complaints[h]}' for h in sorted(bad)])


main(*sys.argv[1:3])
