"""Blocks of source code: definitions with their comments, docstrings, single statements, settings with their key."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybrid.text.code_nodes import ABOVE, CLOSES, COMMENT, MOST_LINES, QUOTES, SETTINGS, Line, Node, lines_of, nodes_of
from hybrid.text.kinds import kind_of

MOST_CHARACTERS = 2_000
MOST_HEAD = 1_000  # characters of the arguments between a name and its documentation
ENTRY_LINES = 12  # of an entry of a list in a file of settings, which stays whole

_PROSE = frozenset("latex bibtex po xml vue svelte".split())  # read as text: their lines are no statements

_HOLDS = re.compile(
    r"(?:(?!fn\b|def\b|func)[a-z]+(?:\(\w+\))?\s+)*"
    r"(?:class|interface|trait|impl|module|namespace|object|enum|struct|union|protocol|extension|contract|describe)\b"
    r"(?![.=\[]|\s*=|\s+\w+[\s*&]+\w+\s*\()"  # module.exports = ..., struct ring *make(...)
)
_PART = re.compile(r"[:@]\w+|[-*] |\w+:$|\.\. ")  # what begins a part of a documentation
_FIELD = re.compile(r"[:@]\w+ \S")  # what begins the description of a parameter
_ENTRY = re.compile(r"\[\[[^\]]+\]\]")
_SECTION = re.compile(r"\[+[^\[\]]+\]+\s*(?:[#;].*)?$")
_OPENING = tuple(prefix + marks for prefix in ("", "r", "R") for marks in QUOTES)  # what begins a docstring
_SCALAR = re.compile(r"[|>][-+\d]*\s*(?:#.*)?$")  # what YAML writes before a text of several lines


class Block(NamedTuple):
    """Whole lines of a text, and the number of the block that they stand under."""

    start: int  # characters
    end: int
    above: int  # -1: none


def source_language(name: str) -> str | None:
    """The language of a document of source code, by its name; None: it is prose or a table."""
    language = kind_of(name)[1]
    return None if language in _PROSE else language


def blocks(text: str, language: str) -> list[Block]:
    """The blocks of a text, in order, never overlapping; together they hold everything but blank lines."""
    lines = lines_of(text, language)
    found: list[Block] = []
    _Cutter(lines, language in SETTINGS, found).all(nodes_of(lines, 0, len(lines), language), -1)
    return found


class _Cutter:
    def __init__(self, lines: Sequence[Line], settings: bool, found: list[Block]) -> None:
        self._lines, self._settings, self._found = lines, settings, found

    def all(self, nodes: Sequence[Node], above: int) -> None:
        """Blocks of what stands side by side."""
        for node in self._entries(nodes):
            section = self._settings and _SECTION.match(self._header(node))
            number = self._one(node, -1 if section else above)  # a section of an INI or TOML file ends the one before
            above = number if section else above

    def _entries(self, nodes: Sequence[Node]) -> Iterator[Node]:
        """The same nodes, with each short entry of a TOML file's list of tables as one."""
        at = 0
        while at < len(nodes):
            node, end = nodes[at], at + 1
            if self._settings and _ENTRY.match(self._header(node)):
                while end < len(nodes) and not _SECTION.match(self._header(nodes[end])):
                    end += 1
                if end > at + 1 and nodes[end - 1].last - node.first < ENTRY_LINES:
                    yield Node(node.first, node.header, nodes[end - 1].last)
                    at = end
                    continue
            yield node
            at += 1

    def _one(self, node: Node, above: int) -> int:
        """Blocks of one node; returns the number of its first."""
        number = len(self._found)
        if self._holds(node):
            head, rest = self._head(node)
            self._add(node.first, head, above)
            self.all(rest, number)
            self._add_tail(node, head, rest, number)
        elif self._fits(node.first, node.last):
            self._add(node.first, node.last, above)
        else:
            self._parts(node, above)
        return number

    def _holds(self, node: Node) -> bool:
        """Whether a node is taken apart, as a class with methods, a key with keys under it and long things are."""
        header, inner = self._header(node), [kid for kid in node.kids if kid.kids]
        if self._settings and header.startswith("- ") and not inner:
            return node.last - node.first >= ENTRY_LINES  # a short entry of a list in a YAML file is one
        if self._settings:
            return bool(node.kids) and not header.endswith(("[", "(")) and _SCALAR.search(header) is None
        is_long, named = not self._fits(node.first, node.last), _HOLDS.match(header) is not None
        if named and (inner or (is_long and any(kid.first < kid.header for kid in node.kids))):
            return True
        return is_long and sum(kid.last - kid.first >= 2 for kid in inner) >= 2

    def _head(self, node: Node) -> tuple[int, list[Node]]:
        """The last line of a node's head (its header, a docstring, plain lines right below), and the nodes after it."""
        if self._settings:
            return max(node.header, node.kids[0].first - 1), node.kids
        last, kids = node.header, list(node.kids)
        while kids and not kids[0].kids and kids[0].first == kids[0].header and self._fits(node.first, kids[0].last):
            last = kids.pop(0).last
        return (last if last > node.header or not kids else kids[0].first - 1), kids

    def _add_tail(self, node: Node, head: int, rest: Sequence[Node], number: int) -> None:
        """Add what closes a node and is in none of its parts, unless it is a lone brace or `end`."""
        last = max([head, *(kid.last for kid in rest)])
        closing = (self._lines[i].text for i in range(last + 1, node.last + 1))
        if any(re.search(r"\w", line) and not CLOSES.match(line) for line in closing):
            self._add(last + 1, node.last, number)

    def _parts(self, node: Node, above: int) -> None:
        """Cut a long definition: its head with a docstring, then its body in parts of whole statements."""
        kids, number, last = node.kids, len(self._found), node.header
        if not kids:
            self._slices(node.first, node.last, above)
            return
        if self._header(kids[0]).lstrip("rRbBuUfF").startswith(QUOTES):
            last, kids = kids[0].last, kids[1:]
        elif kids[0].first > node.header + 1:
            last = kids[0].first - 1  # arguments on lines of their own, closed on another
        self._slices(node.first, last, above)
        if not kids:
            return
        begin = kids[0].first
        for before, kid in pairwise(kids):
            if not self._fits(begin, kid.last):
                self._slices(begin, before.last, number)
                begin = kid.first
        self._slices(begin, max(kids[-1].last, node.last), number)

    def _slices(self, first: int, last: int, above: int) -> None:
        """Cut lines into blocks that are not too long, where a paragraph begins, and before every parameter."""
        begin, cut = first, first  # where the block begins, and where the latest part of it does
        long = not self._fits(first, last)
        for i in range(first, last + 1):
            if long and i > begin and _FIELD.match(self._lines[i].text):
                self._add(begin, i - 1, above)
                begin = cut = i
            if i > begin and not self._fits(begin, i):
                stop = cut if cut > begin else i
                self._add(begin, stop - 1, above)
                begin = stop
            if i > begin and (not self._lines[i - 1].text or _PART.match(self._lines[i].text)):
                cut = i
        self._add(begin, last, above)

    def _fits(self, first: int, last: int) -> bool:
        return last - first < MOST_LINES and self._lines[last].end - self._lines[first].start <= MOST_CHARACTERS

    def _header(self, node: Node) -> str:
        return self._lines[node.header].text

    def _add(self, first: int, last: int, above: int) -> None:
        while last > first and not self._lines[last].text:
            last -= 1
        start = self._lines[first].start
        if self._lines[last].end > start:
            self._found.append(Block(start, self._lines[last].end, above))


_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def spelled(text: str) -> str:
    """Source code with the words of its names apart: maxUpload as max Upload, HTTPServer as HTTP Server."""
    return _HUMP.sub(" ", text)


def spelled_at(text: str, starts: NDArray[np.intp]) -> tuple[str, NDArray[np.intp]]:
    """Source code with the words of its names apart, and where some of its characters stand in that."""
    humps = np.array([match.start() for match in _HUMP.finditer(text)], np.intp)
    return spelled(text), starts + np.searchsorted(humps, starts, side="right").astype(np.intp)


def headline(block: str) -> str:
    """The line of a block that names it, without what opens its body."""
    lines = [line.strip() for line in block.splitlines() if line.strip()]
    plain = [line for line in lines if not COMMENT.match(line) and not ABOVE.match(line)]
    return (plain or lines or [""])[0].rstrip("{(: ")


def as_shown(document: str, quote: str) -> str:
    """A quotation as people read it: prose on one line, source code as it stands, as far to the left as it goes."""
    if source_language(document) is None or "\n" not in quote:
        return " ".join(quote.split())
    lines = quote.expandtabs(4).strip("\n").splitlines()
    depth = len(lines[0]) - len(lines[0].lstrip())
    return "\n".join(line[min(depth, len(line) - len(line.lstrip())) :].rstrip() for line in lines).strip()


def joined(quotes: Sequence[str]) -> str:
    """Quotations after each other, one with several lines apart from the others."""
    return ("\n\n" if any("\n" in quote for quote in quotes) else " ").join(quotes)


def around(text: str, language: str, start: int, end: int) -> tuple[int, int]:
    """The range of the blocks that hold a range of the text, a documentation with what it documents; the range itself
    where none does."""
    found = blocks(text, language)
    touched = [block for block in found if block.start < end and start < block.end]
    if not touched:
        return start, end
    head = found[touched[0].above] if touched[0].above >= 0 else touched[0]
    if text.startswith((*_OPENING, ")"), _first(text, touched[0])) and touched[0].start - head.end <= MOST_HEAD:
        touched.insert(0, head)
    return min(start, touched[0].start), max(end, touched[-1].end)


def _first(text: str, block: Block) -> int:
    """Where the first word of a block stands."""
    return block.end - len(text[block.start : block.end].lstrip())
