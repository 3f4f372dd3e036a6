#!/usr/bin/env python3
"""Each component's file is in the catalogue, under its own name, and each entry has its file.
catalogue.py SOURCE_DIR

A file of jobs/sources, transforms or sinks that announces nothing is a helper of those that do.
"""
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'lib'))
import tree


def check(root):
    header = tree.code(tree.read(root, 'jobs/catalogue.hpp'))
    listing = tree.code(tree.read(root, 'jobs/catalogue.cpp'))
    for kind in ('Source', 'Transform', 'Sink'):
        folder = f'jobs/{kind.lower()}s'
        announced = {}
        for path in tree.files(root, [folder], '.cpp'):
            for name in re.findall(rf'^const {kind}Kind& (\w+)\(\)\s*\{{', tree.code(tree.read(root, path)), re.M):
                announced[name] = path
                stem = os.path.basename(path)[:-len('.cpp')]
                # C++ has other uses for some words: then the function says what it announces.
                if name not in (stem, f'{stem}_{kind.lower()}'):
                    yield f'{path}: announces {name}(); file, function and TOML type are the same word'
                if not re.search(rf'"{stem}"', tree.read(root, path)):
                    yield f'{path}: its TOML type is not "{stem}"'
        declared = set(re.findall(rf'const {kind}Kind& (\w+)\(\);', header))
        body = re.search(rf'span<const {kind}Kind\* const> \w+\(\)\s*\{{(.*?)^\}}', listing, re.S | re.M)
        listed = set(re.findall(r'&(\w+)\(\)', body.group(1))) if body else set()
        for name in sorted(announced.keys() - declared):
            yield f'jobs/catalogue.hpp: {name}() of {announced[name]} is missing'
        for name in sorted(announced.keys() - listed):
            yield f'jobs/catalogue.cpp: {name}() of {announced[name]} is missing'
        for name in sorted((declared | listed) - announced.keys()):
            yield f'jobs/catalogue: {name}() has no {folder}/{name}.cpp that announces it'


tree.finish(list(check(sys.argv[1])), 'How to add a component: CONTRIBUTING.md')
