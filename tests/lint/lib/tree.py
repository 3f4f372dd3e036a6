"""What the lints share: the files of the tree, their code without comments and text, and how findings end."""
import os
import re
import sys

_TOKEN = re.compile(
    r'R"(?P<delimiter>[^()\s\\]{0,16})\(.*?\)(?P=delimiter)"'  # raw string
    r'|"(?:\\.|[^"\\\n])*"'                                    # string
    r"|(?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])+'"                   # character, but no 1'000
    r'|//[^\n]*|/\*.*?\*/',                                    # comment
    re.S)


def files(root, folders, *endings):
    """Paths under the folders, relative to root, in order."""
    found = []
    for folder in folders:
        for path, inner, names in os.walk(os.path.join(root, folder)):
            inner[:] = sorted(n for n in inner if n not in ('node_modules', '__pycache__'))
            found += [os.path.relpath(os.path.join(path, n), root) for n in sorted(names) if n.endswith(endings)]
    return found


def read(root, path):
    with open(os.path.join(root, path), encoding='utf-8') as file:
        return file.read()


def code(text):
    """The text with comments blanked and strings emptied, line by line where it was."""
    def blank(match):
        token = match.group()
        if token.startswith('/'):
            return re.sub(r'[^\n]', ' ', token)
        return '""' + '\n' * token.count('\n') if '"' in token else "'_'"
    return _TOKEN.sub(blank, text)


def line_of(text, position):
    return text.count('\n', 0, position) + 1


def finish(findings, hint=''):
    """Prints and exits: 1 where there are findings."""
    for finding in findings:
        print(finding)
    if findings and hint:
        print(hint)
    sys.exit(1 if findings else 0)
