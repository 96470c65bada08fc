"""JSON and JSON lines: one line for each value, after the path of its property."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import NamedTuple

from hybrid.corpus.readers.encoding import decode, without_surrogates
from hybrid.corpus.readers.extract import Extract
from hybrid.corpus.readers.rendering import Rendering

DEPTH = 200  # deeper nesting has paths nobody can read

# of valid JSON
_TOKEN = re.compile(r'(?P<string>"[^"\\]*(?:\\.[^"\\]*)*")(?P<colon>[ \t\n\r]*:)?|[{}\[\],]|[^ \t\n\r{}\[\],:"]+')
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)")


class Leaf(NamedTuple):
    """A scalar (or an empty container) in a JSON text."""

    path: str  # of the property; elements of one array share their array's
    record: int  # which element of an outermost array it is in, 0 without one
    at: int  # where its key begins, or itself where it has none
    start: int
    end: int


@dataclass(slots=True)
class _Open:
    """A container whose end is not reached yet."""

    is_array: bool
    path: str
    at: int  # where its key begins, or itself where it has none
    key: str = ""  # of the current member
    index: int = 0  # of the current element

    def inner_path(self) -> str:
        if self.is_array:
            return f"{self.path}[{self.index}]"
        return f"{self.path}.{self.key}" if self.path else self.key


def read_json(data: bytes) -> Extract:
    source = decode(data)
    out = Rendering(source)
    try:
        leaves = leaves_of(source, 0, len(source))
    except ValueError:
        return Extract(source)
    _put(leaves, out)
    return out.extract()


def read_jsonl(data: bytes) -> Extract:
    source = decode(data)
    out = Rendering(source)
    for line in re.finditer(r"[^\n]*[^\s][^\n]*", source):
        if out.length:
            out.fill("\n\n")
        try:
            leaves = leaves_of(source, line.start(), line.end())
        except ValueError:
            out.put(line[0].rstrip("\r"), line.start())
        else:
            _put([leaf._replace(record=0) for leaf in leaves], out)
    return out.extract()


def leaves_of(source: str, start: int, end: int) -> list[Leaf]:
    """The scalars of one JSON text in order. Raises ValueError where it is not JSON or nested too deeply."""
    _check(source[start:end])
    leaves: list[Leaf] = []
    stack = [_Open(is_array=False, path="", at=start)]  # around them all, one without a path
    empty = False  # whether the innermost container has just been opened
    key_at: int | None = None  # where the key just read begins
    for token in _TOKEN.finditer(source, start, end):
        mark, at, inner = token[0], token.start(), stack[-1]
        record = stack[1].index if len(stack) > 1 and stack[1].is_array else 0
        place = at if key_at is None else key_at
        if token["colon"]:
            inner.key = json.loads(token["string"])
        elif mark == ",":
            inner.index += 1
        elif mark in "{[":
            if len(stack) > DEPTH:
                raise ValueError("nested too deeply")
            stack.append(_Open(mark == "[", inner.inner_path(), place))
        elif mark in "}]":
            stack.pop()
            if empty:
                leaves.append(Leaf(inner.path, record, inner.at, at, token.end()))
        else:
            path = inner.path if inner.is_array else inner.inner_path()
            leaves.append(Leaf(path, record, place, at, token.end()))
        empty = mark in "{["
        key_at = at if token["colon"] else None
    return leaves


def _check(text: str) -> None:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    try:
        json.loads(text, parse_int=str, parse_float=str, parse_constant=refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _put(leaves: list[Leaf], out: Rendering) -> None:
    """Writes `path: value` lines; the elements of an array of scalars share one line."""
    source = out.source
    previous: Leaf | None = None
    for leaf in leaves:
        if previous is not None and previous.path == leaf.path and leaf.at == leaf.start:
            out.fill(", ")
        else:
            if previous is not None:
                out.fill("\n" if previous.record == leaf.record else "\n\n")
            out.put(f"{leaf.path}: " if leaf.path else "", leaf.at)
        if source[leaf.start] == '"':
            put_string(leaf.start + 1, leaf.end - 1, out)
        elif source[leaf.start] in "}]":
            out.put("{}" if source[leaf.start] == "}" else "[]", leaf.start)
        else:
            out.put(source[leaf.start : leaf.end], leaf.start)
        previous = leaf


def put_string(start: int, end: int, out: Rendering) -> None:
    """Writes the string between two quotation marks of the source, its escapes resolved."""
    source = out.source
    for escape in _ESCAPE.finditer(source, start, end):
        if escape.start() > start:
            out.put(source[start : escape.start()], start)
        out.put(without_surrogates(json.loads(f'"{escape[0]}"')), escape.start())
        start = escape.end()
    out.put(source[start:end], start)
