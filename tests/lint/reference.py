#!/usr/bin/env python3
"""docs/jobs/README.md is what the binary says about its options.  reference.py SOURCE_DIR SYNCD_BINARY"""
import difflib
import os
import subprocess
import sys

PAGE = 'docs/jobs/README.md'


def main(root, binary):
    said = subprocess.run([binary, '--reference'], check=True, capture_output=True, text=True).stdout
    path = os.path.join(root, PAGE)
    written = ''
    if os.path.exists(path):
        with open(path, encoding='utf-8') as file:
            written = file.read()
    if said == written:
        return 0
    sys.stdout.writelines(difflib.unified_diff(written.splitlines(True), said.splitlines(True), PAGE,
                                               'syncd --reference', n=1))
    print(f'\nThe page is out of date: syncd --reference > {PAGE}')
    return 1


sys.exit(main(*sys.argv[1:3]))
