"""What is made to grow: documents, bodies, heads and pictures of which a little more would take a
careless server much longer. Each is as large as the limits let it come to where it is judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import orjson
from PIL import Image

from tests.media import files

_names = count(1)


@dataclass(frozen=True, slots=True)
class Sent:
    """One request: its body, headers and path, and a part of its answer that tells that it was
    carried out, where it is to be."""

    body: bytes
    headers: dict[str, str]
    path: str = "/graphql"
    done: bytes = b""

    @property
    def signed_in(self) -> bool:
        """Whether only somebody with an account may send it."""
        return self.path == "/media"


def chain(length: int, type_: str = "Product", last: str = "title") -> str:
    """Fragments of which each spreads the next one twice: written out they double with each."""
    links = (
        f"fragment F{n} on {type_} {{ ...F{n + 1} ... on {type_} {{ ...F{n + 1} }} }}"
        for n in range(length)
    )
    return f"{' '.join(links)} fragment F{length} on {type_} {{ {last} }}"


def listing(selected: str) -> str:
    """A document about products, of which there is no other with the same text."""
    return f"query Q{next(_names)} {{ products(first: 100) {{ nodes {{ {selected} }} }} }} "


def comb(count_: int) -> str:
    """So many fragments in one place, all of one field."""
    spread = " ".join(f"...F{n}" for n in range(count_))
    return listing(spread) + " ".join(f"fragment F{n} on Product {{ id }}" for n in range(count_))


def ring(length: int) -> str:
    """A cycle of fragments."""
    links = (f"fragment F{n} on Product {{ ...F{(n + 1) % length} }}" for n in range(length))
    return listing("...F0") + " ".join(links)


def tree(count_: int) -> str:
    """Fragments of which each spreads two others."""
    links = (
        f"fragment F{n} on Product {{ id ...F{2 * n + 1} ...F{2 * n + 2} }}" for n in range(count_)
    )
    leaves = (f"fragment F{n} on Product {{ id }}" for n in range(count_, 2 * count_ + 1))
    return listing("...F0") + " ".join([*links, *leaves])


_BESIDE = "query Asked { __typename } "

DOCUMENTS: dict[str, Callable[[int], str]] = {
    "a chain of fragments": lambda n: listing("...F0") + chain(n),
    "fragments in one place": comb,
    "a tree of fragments": tree,
    "a cycle of fragments": ring,
    "the same field": lambda n: listing("title " * n),
    "the same object": lambda n: listing("seller { id } " * n),
    "the same field in another operation": lambda n: _BESIDE + listing("seller { id } " * n),
    "unused fragments of the same fields": lambda n: (
        listing("id") + f"fragment F on Product {{ {'seller { id } ' * n} }}"
    ),
    "operations": lambda n: _BESIDE + " ".join(f"query O{i} {{ __typename }}" for i in range(n)),
    "variables": lambda n: (
        f"query Q{next(_names)}({' '.join(f'$v{i}: Int' for i in range(n))}) {{ __typename }}"
    ),
    "directives": lambda n: listing("id " + "@include(if: true) " * n),
    "nested fragments": lambda n: listing("... { " * n + "id" + " }" * n),
    "an input object": lambda n: (
        f"query Q{next(_names)} {{ products(filter: {{ {'kind: A ' * n} }}) {{ nodes {{ id }} }} }}"
    ),
    "unknown fields": lambda n: listing(" ".join(f"titel{i}" for i in range(n))),
    "unknown types": lambda n: listing(" ".join(f"... on Produkt{i} {{ id }}" for i in range(n))),
    "comments": lambda n: listing("id") + "#\n" * n,
    "lines": lambda n: listing("titel" + "\n" * n + "titel2"),
    "spaces where a number belongs": lambda n: (
        f'query Q{next(_names)} {{ products(first: "{" " * n}") {{ nodes {{ id }} }} }}'
    ),
    "digits": lambda n: (
        f"query Q{next(_names)} {{ products(first: 1{'0' * n}) {{ nodes {{ id }} }} }}"
    ),
    "a block of lines": lambda n: (
        f'query Q{next(_names)} {{ products(after: """{chr(10) * n}""") {{ nodes {{ id }} }} }}'
    ),
    "escapes": lambda n: (
        f'query Q{next(_names)} {{ products(before: "{chr(92)}u0041{chr(92)}n" '
        f'after: "{f"{chr(92)}t" * n}") {{ nodes {{ id }} }} }}'
    ),
    "a name": lambda n: listing("x" * n),
}
"""Documents by what there is more of, each of a number."""

LARGEST: dict[str, int] = {
    **dict.fromkeys(DOCUMENTS, 190),
    "a chain of fragments": 130,
    "a tree of fragments": 60,
    "the same field": 1_900,
    "the same object": 480,
    "the same field in another operation": 480,
    "unused fragments of the same fields": 480,
    "operations": 390,
    "variables": 480,
    "directives": 270,
    "an input object": 640,
    "unknown fields": 1_900,
    "comments": 1_900,
    **dict.fromkeys(("lines", "a block of lines"), 3_900),
    **dict.fromkeys(("spaces where a number belongs", "digits", "a name"), 60_000),
    "escapes": 30_000,
}
"""Numbers with which these documents are as large as the limits allow."""


def dear() -> Iterator[tuple[str, str]]:
    """Documents that are let through: the most that one operation may ask for, and what fails in
    each of hundreds of places."""
    bids = "... on AuctionProduct { bids(first: 11) { nodes { id amount { amount } placedAt } } }"
    yield (
        "a page as dear as may be",
        listing(f"id title description seller {{ id fullname }} media {{ id url }} {bids}"),
    )
    plain = "... on AuctionProduct { id title description startsAt endsAt status bidCount } "
    aliased = (f"s{n}: seller {{ id fullname memberSince avatarUrl }}" for n in range(27))
    yield "many places", listing(plain + " ".join(aliased))
    below = "product { ... on AuctionProduct { bids(first: -1) { totalCount } } }"
    fails = listing(f"{plain} media {{ a: {below} b: {below} }}").replace("100", "80")
    yield "errors in hundreds of places", fails
    yield "errors behind thousands of lines", "\n" * 3_900 + fails


def _of_graphql(query: str, done: bytes = b"", **more: Any) -> Sent:
    body = orjson.dumps({"query": query, **more})
    return Sent(body, _JSON, done=done)


def documents() -> Iterator[tuple[str, Sent]]:
    """All documents as requests."""
    for kind, made in DOCUMENTS.items():
        text = made(LARGEST[kind])
        name = "Asked" if text.startswith(_BESIDE) else None
        yield f"document: {kind}", _of_graphql(text, operationName=name)
    for kind, text in dear():
        yield f"document: {kind}", _of_graphql(text, b'"data":')


_JSON = {"Content-Type": "application/json"}
_MEBIBYTE = (1 << 20) - 1_000
_FILTERED = (
    "query ($f: ProductFilter, $s: String) { products(filter: $f, after: $s) { nodes { id } } }"
)
_ACCOUNT = "{ email: $s fullname: $s username: $s password: $s }"
_REGISTER = " ".join(f"r{n}: registerUser(input: {_ACCOUNT}) {{ __typename }}" for n in range(10))


def _body(variables: bytes, query: str = _FILTERED) -> Sent:
    asked = orjson.dumps(query)
    return Sent(b'{"query":%b,"variables":%b}' % (asked, variables), _JSON)


def _keys(number: int) -> bytes:
    return b",".join(b'"k%d":1' % n for n in range(number))


BODIES: dict[str, tuple[Callable[[int], Sent], int]] = {
    "lists in lists": (
        lambda n: _body(b'{"f":[' + (b"[" + b"[]," * 99 + b"[]],") * (n // 100) + b"[]]}"),
        _MEBIBYTE // 3,
    ),
    "empty lists": (lambda n: _body(b'{"f":[' + b"[]," * n + b"[]]}"), _MEBIBYTE // 3),
    "numbers": (lambda n: _body(b'{"f":[' + b"1," * n + b"1]}"), _MEBIBYTE // 2),
    "unknown fields": (lambda n: _body(b'{"f":{' + _keys(n) + b"}}"), _MEBIBYTE // 12),
    "unused variables": (lambda n: _body(b"{" + _keys(n) + b"}"), _MEBIBYTE // 12),
    "a text": (lambda n: _body(b'{"s":"' + b"a" * n + b'"}'), _MEBIBYTE),
    "a value of another type": (
        lambda n: _body(b'{"f":{"kind":"' + b"a" * n + b'"}}'),
        _MEBIBYTE,
    ),
    "nothing but brackets": (lambda n: Sent(b"[" * n, _JSON), _MEBIBYTE),
    "a document": (lambda n: _of_graphql("{ a " * n), _MEBIBYTE // 4),
    "one text in many places": (
        lambda n: _body(b'{"s":"' + b"a." * n + b'"}', f"mutation ($s: String!) {{ {_REGISTER} }}"),
        32_000,
    ),
}
"""Bodies by what there is more of, each of a number, and the number with which it is a mebibyte, or
as much as is looked at."""


def bodies() -> Iterator[tuple[str, Sent]]:
    """All bodies as requests."""
    for kind, (made, largest) in BODIES.items():
        yield f"body: {kind}", made(largest)


def heads() -> Iterator[tuple[str, Sent]]:
    """Heads of almost 64 KiB."""
    asked, json = orjson.dumps({"query": "{ __typename }"}), "application/json"
    values = {
        "Cookie": ('a="' + "\\" * 60_000 + '"', "a=b;" * 15_000),
        "Content-Type": (
            'application/json; a="' + ";" * 60_000,
            "application/json" + ";a=b" * 15_000,
        ),
        "Accept": ("a/b," * 15_000 + "application/json", "application/json" + ";q=0.1" * 8_000),
        "Authorization": ("Bearer " + "a." * 30_000, "Bearer sk_souk_" + "a" * 60_000),
        "Origin": ("http://[" + ":" * 60_000, "https://" + "a." * 30_000),
        "If-None-Match": ("," * 60_000, 'W/"a",' * 10_000),
    }
    for name, found in values.items():
        for value in found:
            headers = {"Content-Type": json, name: value}
            yield f"head: {name}", Sent(asked, headers)


def pictures() -> Iterator[tuple[str, Sent]]:
    """Files of up to 10 MiB that are made to take long to read or to decode."""
    large, frame = (7_000, 7_000), files.gif_frame(1, 1)
    taken = {
        "a run of fill bytes": files.jpeg_with_data(b"\xff" * 10_000_000),
        "escaped data": files.jpeg_with_data(b"\xff\0" * 5_000_000),
        "fill bytes that end in nothing": files.jpeg_with_data(b"\xff\xff\0" * 3_300_000),
        "as many scans as may be": files.jpeg_of_scans(20, large),
        "a large JPEG": files.encoded(Image.new("CMYK", large, (90, 1, 1, 9)), "JPEG"),
        "a large PNG": files.encoded(Image.new("LA", large, (7, 7)), "PNG"),
        "a large WebP": files.encoded(
            Image.new("RGBA", (5_000, 5_000), (3, 200, 1, 9)), "WEBP", lossless=True, method=0
        ),
        "frames of a PNG": files.animated_png(25, 2_000),
        "frames of a WebP": files.animated_webp(25, 2_000),
        "parts of a GIF": files.gif_with_blocks(b"\x21\xfe" + b"\1\1" * 5_000_000 + b"\0"),
    }
    refused = {
        "130 scans": files.jpeg_of_scans(130, large),
        "segments": files.jpeg_with_segments(b"\xff\xfe\0\x02" * 2_500_000),
        "chunks of a PNG": files.png_with_chunks(850_000),
        "chunks of a WebP": files.webp_with_chunks(1_200_000),
        "frames of a GIF": files.gif_with_blocks(frame * 500_000),
        "frames that outgrow a GIF": files.gif_with_blocks(files.gif_frame(13_000, 13_000) * 300),
    }
    headers = {"Content-Type": "application/octet-stream"}
    for done, found in ((b'"id"', taken), (b'"errors"', refused)):
        for kind, content in found.items():
            yield f"picture: {kind}", Sent(content, headers, "/media", done)
    line = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    yield "picture: a form", Sent(line + b"\r\n--" * 2_500_000 + b"\r\n--x--\r\n", form, "/media")


def everything() -> Iterator[tuple[str, Sent]]:
    """All of them, by what they are."""
    for made in (documents, bodies, heads, pictures):
        yield from made()
