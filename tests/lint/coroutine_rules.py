#!/usr/bin/env python3
"""Finds the statement shapes that GCC 12 miscompiles in coroutines, and habits that end in a use after free.
coroutine_rules.py SOURCE_DIR

Works on text, without a parser: it may object to a harmless line, which is then better written otherwise.
"""
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'lib'))
import tree

AWAIT = re.compile(r'\bco_(await|yield)\b')
CONDITION = re.compile(r'\b(if|while|switch)\s*(?:constexpr\s*)?\(')
DECLARATION = re.compile(r'^\s*(?:const\s+)?(?:auto|[A-Za-z_][\w:]*(?:<[^;]*>)?)\s*[&*]*\s+&?\w+\s*=[^=]')
BRACES = re.compile(r'(?:\b[A-Za-z_][\w:]*(?:<[^<>]*>)?|[(,]|\bco_yield\b|\breturn\b)\s*\{\s*[^}\s]'
                    r'|\b[A-Z]\w*\{\s*\}|\(\s*\{\s*\}')
LAMBDA = re.compile(r'\[([^\]\[]*)\]\s*(?:\(|\{|mutable)')
BINDING = re.compile(r'\bauto\s*&{0,2}\s*\[[^\]]*\]\s*=')
BLOCK = re.compile(r'(\)|\b(do|else|try|const|noexcept|override))\s*$|->[^;{}]*$')

# A lambda with captures that is itself a coroutine: the closure dies, the frame keeps a reference to it.
COROUTINE_LAMBDA = re.compile(r'\[\s*[^\]\s][^\]\[]*\]\s*\([^()]*(?:\([^()]*\)[^()]*)*\)\s*(?:mutable\s*)?'
                              r'->\s*[\w:]*\b(?:Task|AsyncGenerator|Batches)\b[^{;]*\{')
# Allowed in tests: a closure with a name, which outlives what it is awaited in.
NAMED = re.compile(r'\bauto\s+\w+\s*=\s*$')
# The head of a lambda up to its body, which is a function of its own.
LAMBDA_HEAD = re.compile(r'\[[^\]\[]*\]\s*(?:\([^()]*(?:\([^()]*\)[^()]*)*\)\s*)?(?:mutable\s*|noexcept\s*)*'
                         r'(?:->\s*[\w:<>&*,\s]+?)?\{')
# Text that the caller may have dropped when the coroutine runs on.
BORROWED = re.compile(r'\b(?:Task|AsyncGenerator)<[^;{}()]*>\s+[\w:]+\(([^;{}]*?const std::string&[^;{}]*?)\)')
SYMMETRIC = re.compile(r'coroutine_handle<[^<>;]*>\s+await_suspend\b')
RESUME = re.compile(r'\b(?:h|\w*handle\w*|\w*waiter\w*|\w*caller\w*)(?:\.|->)resume\(\)')


def closing(text, at, opens, closes):
    depth = 0
    for i in range(at, len(text)):
        depth += (text[i] == opens) - (text[i] == closes)
        if depth == 0:
            return i
    return len(text)


def statements(text):
    """(line, statement): cut at ';' outside parentheses and at the braces that open and close blocks."""
    start, depth, line, begin = 0, 0, 1, 1
    for i, c in enumerate(text):
        line += c == '\n'
        depth += (c in '([') - (c in ')]')
        opens = c == '{' and depth == 0 and BLOCK.search(text[start:i])
        closes = c == '}' and depth == 0 and text[start:i].count('{') <= text[start:i].count('}')
        if (c == ';' and depth == 0) or opens or closes:
            yield begin, text[start:i + 1]
            start, begin = i + 1, line
    yield begin, text[start:]


def without_lambda_bodies(statement):
    """The statement with each lambda's body emptied, and the bodies."""
    outer, bodies, at = '', [], 0
    while head := LAMBDA_HEAD.search(statement, at):
        end = closing(statement, head.end() - 1, '{', '}')
        bodies.append((head.end(), statement[head.end():end]))
        outer += statement[at:head.end()]
        at = end
    return outer + statement[at:], bodies


def in_statement(statement):
    for match in CONDITION.finditer(statement):
        condition = statement[match.end():closing(statement, match.end() - 1, '(', ')')]
        if re.search(r'\bco_await\b', condition) and not DECLARATION.search(condition.split(';')[0]):
            yield 'await in a condition: name the result first'
    if BRACES.search(statement):
        yield 'brace-made value next to co_await/co_yield: build it in its own statement'
    if re.search(r'\?(?!\?)', statement):
        yield '?: next to co_await: write an if'
    for match in LAMBDA.finditer(statement):
        captures = [c.strip() for c in match.group(1).split(',') if c.strip()]
        if any(not c.startswith('&') and c != 'this' for c in captures):
            yield 'lambda that owns captures next to co_await: pass the values as arguments'
    if BINDING.search(statement):
        yield 'structured binding of an awaited value: name it first, bind in the next statement'


def in_code(text, first_line):
    for line, statement in statements(text):
        line += first_line - 1
        if not AWAIT.search(statement):
            continue
        outer, bodies = without_lambda_bodies(statement)
        for at, body in bodies:
            yield from in_code(body, line + statement.count('\n', 0, at))
        if AWAIT.search(outer):
            begin = line + statement.count('\n', 0, len(statement) - len(statement.lstrip()))
            for why in in_statement(outer):
                yield begin, why


def check(text, path=''):
    """(line, finding) pairs."""
    text = tree.code(text)
    yield from in_code(text, 1)
    for match in COROUTINE_LAMBDA.finditer(text):
        body = text[match.end() - 1:closing(text, match.end() - 1, '{', '}')]
        named = path.startswith('tests/') and NAMED.search(text[:match.start()])
        if re.search(r'\bco_(await|yield|return)\b', body) and not named:
            yield tree.line_of(text, match.start()), 'a coroutine is no capturing lambda: pass what it needs'
    for match in BORROWED.finditer(text):
        yield tree.line_of(text, match.start()), 'const std::string& parameter of a coroutine: take it by value'
    for match in [] if path.startswith('bench/') else SYMMETRIC.finditer(text):
        yield tree.line_of(text, match.start()), 'await_suspend returns a handle: use coro::transfer_to'
    if path != 'daemon/coro/resume.hpp':
        for match in RESUME.finditer(text):
            yield tree.line_of(text, match.start()), 'a bare resume(): use coro::resume'


BROKEN = [
    'if (co_await f()) g();', 'while (co_await f()) g();', 'switch (co_await f()) {}', 'do { g(); } while (co_await f());',
    'co_await f(Opts{a, b});', 'co_await f({.a = x});', 'co_await f({});', 'co_await f(std::array{1, 2});',
    'co_await f(std::make_unique<Opts>(Opts{a}));', 'co_yield Opts{a};', 'co_yield {a, b};',
    'co_await off([s]{ return s; });', 'co_await [k]() -> Task<> { co_return; }();', 'co_await Local{}.method();',
    'co_await Awaiter{"text", 1};', 'Opts o{name, co_await f()};', 'v.push_back(Opts{x, co_await f()});',
    'throw Opts{x, co_await f()};', 'co_return Opts{x, co_await f()};', 'auto v = c ? co_await f() : Noisy();',
    'auto [a, b] = co_await f();', 'auto t = [&](int x) -> Task<> { co_await g(x); };',
    'Task<> f(const std::string& s);', 'coroutine_handle<> await_suspend(coroutine_handle<> h);',
    'waiter_.resume();', 'scope.spawn([](int x) -> Task<> { if (co_await g(x)) h(); }(1));',
    'co_await f(c ? Noisy(1) : Noisy(2));',
]
SOUND = [
    'if (const auto r = co_await f(); r) g();', 'while (auto v = co_await g.next()) h(*v);', 'co_await f(Noisy(1));',
    'co_await f(std::move(o));', 'co_await off([&] { return s; });', 'co_return Opts{a, b};', 'co_yield std::move(b);',
    'auto both = co_await f(); auto& [a, b] = both;', 'auto t = [](int x) -> Task<> { co_await g(x); };',
    'auto t = [&](int x) -> Task<> { return g(x); };', 'Task<> f(std::string s);', 'coro::resume(waiter_);',
    'auto v = co_await off([&](S& s) { R r{1}; return s ? r : R{2}; });',
    'for (int i = 0; i < 3; ++i) { co_await f(); }', 'Task<> f() { co_await g(); }', '// if (co_await f())',
]


def main(root):
    findings = [f'tests/lint/coroutine_rules.py: does not find: {s}' for s in BROKEN if not list(check(s))]
    findings += [f'tests/lint/coroutine_rules.py: objects to: {s}' for s in SOUND if list(check(s))]
    for path in tree.files(root, ['config', 'daemon', 'jobs', 'tests', 'bench'], '.cpp', '.hpp'):
        findings += [f'{path}:{line}: {why}' for line, why in check(tree.read(root, path), path)]
    tree.finish(findings, 'Why: CONTRIBUTING.md, Coroutines')


main(sys.argv[1])
