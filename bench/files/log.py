"""An access log as nginx writes it, 216 bytes a line on average."""
import random

AGENTS = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "curl/8.5.0",
]
BLOCK = 100_000


def make_lines(count):
    """The same ones at every call."""
    chance = random.Random(4711)
    for number in range(count):
        yield (f"203.0.{chance.randrange(256)}.{chance.randrange(256)} - - "
               f"[25/Nov/2026:{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02} +0000] "
               f'"GET /products/{chance.randrange(100_000)}?page={chance.randrange(100)} HTTP/1.1" '
               f"{chance.choice((200, 200, 200, 304, 404))} {chance.randrange(100, 90_000)} "
               f'"https://shop.example.org/categories/{chance.randrange(1000)}" "{chance.choice(AGENTS)}"\n')


def write_log(path, size):
    """At least `size` bytes, of which the first BLOCK lines come again and again; returns (lines, bytes)."""
    block = "".join(make_lines(BLOCK)).encode()
    blocks = max(size // len(block), 1)
    with open(path, "wb") as file:
        for _ in range(blocks):
            file.write(block)
    return blocks * BLOCK, blocks * len(block)
