"""Blocks of source code: whole definitions with their comments, docstrings, single statements, settings with their key.

They are found by indentation and by the marks of comments, so that a language needs no grammar, and a piece of a file
that begins in the middle of a function is cut as well as a whole one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybrid.text.kinds import kind_of

MOST_LINES = 30  # of a block; a longer definition is its head, and parts of its body
MOST_CHARACTERS = 2_000
ENTRY_LINES = 12  # of an entry of a list in a file of settings, which stays whole

SETTINGS = frozenset("yaml toml ini properties".split())  # languages whose blocks are keys and values
_PROSE = frozenset("latex bibtex po xml vue svelte".split())  # read as text: their lines are no statements

_COMMENT = re.compile(r"(?:#(?!include|define|if|endif|else|\[)|//|/\*|\*|--|;|%|<!--|'''|\"\"\"|\(\*|\{-)")
_ABOVE = re.compile(r"@\w|#\[|\[\w[\w.]*(?:\(.*\))?\]\s*$|template\s*<")  # decorators, attributes
_STARRED = frozenset(  # languages with comments /* ... */
    """
    c cpp arduino cuda objc csharp java kotlin scala groovy javascript typescript tsx go rust swift dart php css scss
    sql proto thrift solidity glsl hlsl wgsl d odin haxe verilog terraform hcl bicep prisma
    """.split()
)
_CLOSES = re.compile(
    r"[})\]]|\*/|(?:end|fi|done|esac|else|elif|elsif|except|finally|catch|rescue|ensure|then|do|in)\b(?!\s*[:=(]\s*\S+\s*$)"
)
_OPENS = re.compile(r"\{\s*$")  # a brace alone on the line below what it belongs to
_GOES_ON = re.compile(r"\\$|&&$|\|\|$|(?<![-=<>*/+])[-+*/=]$|\bas$", re.IGNORECASE)  # a line that the next one ends
_HOLDS = re.compile(
    r"(?:(?!fn\b|def\b|func)[a-z]+(?:\(\w+\))?\s+)*"
    r"(?:class|interface|trait|impl|module|namespace|object|enum|struct|union|protocol|extension|contract|describe)\b"
    r"(?![.=\[]|\s*=|\s+\w+[\s*&]+\w+\s*\()"  # module.exports = ..., struct ring *make(...)
)
_PART = re.compile(r"[:@]\w+|[-*] |\w+:$|\.\. ")  # what begins a part of a documentation
_ENTRY = re.compile(r"\[\[[^\]]+\]\]")
_SECTION = re.compile(r"\[+[^\[\]]+\]+\s*(?:[#;].*)?$")
_SCALAR = re.compile(r"[|>][-+\d]*\s*(?:#.*)?$")  # what YAML writes before a text of several lines
_QUOTES = ('"""', "'''")
_TRIPLE = frozenset("python starlark toml java kotlin scala swift csharp groovy dart julia".split())
_BACKTICK = frozenset("javascript typescript tsx go".split())
_HEREDOC = re.compile(r"<<[-~]?\s?([\"']?)([A-Za-z_]\w*)\1")
_HEREDOCS = frozenset("bash ruby dockerfile perl php terraform hcl".split())
_DOLLARS = re.compile(r"(?:^|\b(?:as|do)\s+)(\$\w*\$)", re.IGNORECASE)  # around the body of a function in SQL
_ENDED = re.compile(r";$|^(?:go|/|delimiter .*)$|\bend\s*(?:\$\$|//)$|^$")  # a statement in SQL, in lower case
_TYPED = frozenset("c cpp objc cuda arduino".split())
_TYPE = re.compile(
    r"(?!(?:else|do|return|goto|typedef|using)\b)[A-Za-z_][\w\s*&:<>,]*$"
)  # alone on the line above a name
_NAME = re.compile(r"[\w:~*&]+\s*\(")
_LABEL = re.compile(r"(?:public|private|protected|signals)(?:\s+slots)?\s*:?$")  # holds nothing and says little
_LABELS = frozenset("cpp arduino cuda objc ruby".split())
_SAID = re.compile(  # strings and comments on one line, in which brackets close nothing
    r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])'|`[^`]*(?:`|$)|//.*|/\*.*?(?:\*/|$)"
)
_SAID_SINGLY = re.compile(rf"{_SAID.pattern}|'(?:\\.|[^'\\])*'")
_SINGLY = frozenset("javascript typescript tsx php dart groovy css scss".split())
_WORDS = {  # what opens and closes lines that are not indented
    "bash": (re.compile(r"case\b.*\bin$"), re.compile(r"esac\b")),
    "make": (re.compile(r"(?:define|ifn?eq|ifn?def)\b"), re.compile(r"end(?:ef|if)\b")),
}
_DIRECTIVE = re.compile(r"#\s*(?:if|el|endif|pragma|define|undef)|\w+:$")  # at the margin, wherever it stands
_ONLY_CLOSES = re.compile(r"[})\]]+[;,]*\s*(?://.*|/\*.*|#.*)?$")


class Block(NamedTuple):
    """Whole lines of a text, and the number of the block that they stand under."""

    start: int  # characters
    end: int
    above: int  # -1: none


class _Line(NamedTuple):
    start: int
    end: int  # without the line break and blanks before it
    indent: int
    text: str  # stripped
    inside: bool  # of a comment or text that began on a line before
    opened: int  # brackets that it opens, less those that it closes
    closed: int  # the line that closes what it opens; itself where it opens nothing, or nothing closes it


@dataclass(slots=True)
class _Node:
    """Lines that belong together, by number, and what is indented under them."""

    first: int  # with comments and decorators above
    header: int  # the line that they belong to
    last: int
    kids: list[_Node] = field(default_factory=list)


def source_language(name: str) -> str | None:
    """The language of a document that consists of such blocks, by its name; None: it is prose or a table."""
    language = kind_of(name)[1]
    return None if language in _PROSE else language


def blocks(text: str, language: str) -> list[Block]:
    """The blocks of a text, in order, never overlapping; together they hold everything but blank lines."""
    lines = _lines(text, language)
    found: list[Block] = []
    _Cutter(lines, language in SETTINGS, found).all(_nodes(lines, 0, len(lines), language), -1)
    return found


class _Cutter:
    """Makes blocks of nodes."""

    def __init__(self, lines: Sequence[_Line], settings: bool, found: list[Block]) -> None:
        self._lines, self._settings, self._found = lines, settings, found

    def all(self, nodes: Sequence[_Node], above: int) -> None:
        """Blocks of what stands side by side."""
        for node in self._entries(nodes):
            if self._settings and _SECTION.match(self._lines[node.header].text):
                above = -1  # a section of an INI or TOML file ends the one before
            number = self._one(node, above)
            if self._settings and _SECTION.match(self._lines[node.header].text):
                above = number

    def _entries(self, nodes: Sequence[_Node]) -> Iterator[_Node]:
        """The same, the keys of each short entry of a TOML file's list of tables as one node."""
        at = 0
        while at < len(nodes):
            node, end = nodes[at], at + 1
            if self._settings and _ENTRY.match(self._lines[node.header].text):
                while end < len(nodes) and not _SECTION.match(self._lines[nodes[end].header].text):
                    end += 1
                if end > at + 1 and nodes[end - 1].last - node.first < ENTRY_LINES:
                    yield _Node(node.first, node.header, nodes[end - 1].last)
                    at = end
                    continue
            yield node
            at += 1

    def _one(self, node: _Node, above: int) -> int:
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

    def _holds(self, node: _Node) -> bool:
        """Whether a node is taken apart: a class with methods, a key with keys under it, what is long and has parts."""
        inner = [kid for kid in node.kids if kid.kids]
        if self._settings and self._lines[node.header].text.startswith("- ") and not inner:
            return node.last - node.first >= ENTRY_LINES  # a short entry of a list in a YAML file is one
        if self._settings:
            header = self._lines[node.header].text
            return bool(node.kids) and not header.endswith(("[", "(")) and _SCALAR.search(header) is None
        named = _HOLDS.match(self._lines[node.header].text) is not None
        commented = any(kid.first < kid.header for kid in node.kids)
        if named and (inner or (commented and not self._fits(node.first, node.last))):
            return True
        return not self._fits(node.first, node.last) and sum(_is_definition(kid) for kid in inner) >= 2

    def _head(self, node: _Node) -> tuple[int, list[_Node]]:
        """The last line of what names a node (its header, a docstring, plain lines right below), and what follows."""
        if self._settings:
            return max(node.header, node.kids[0].first - 1), node.kids
        last, kids = node.header, list(node.kids)
        while kids and not kids[0].kids and kids[0].first == kids[0].header and self._fits(node.first, kids[0].last):
            last = kids.pop(0).last
        return (last if last > node.header or not kids else kids[0].first - 1), kids

    def _add_tail(self, node: _Node, head: int, rest: Sequence[_Node], number: int) -> None:
        """What closes a node and is in none of its parts; a lone brace or `end` is nothing."""
        last = max([head, *(kid.last for kid in rest)])
        closing = (self._lines[i].text for i in range(last + 1, node.last + 1))
        if any(re.search(r"\w", line) and not _CLOSES.match(line) for line in closing):
            self._add(last + 1, node.last, number)

    def _parts(self, node: _Node, above: int) -> None:
        """A long definition: its head with a docstring, then its body in parts of whole statements."""
        kids, number = node.kids, len(self._found)
        last = node.header
        if not kids:
            self._slices(node.first, node.last, above)
            return
        if self._is_text(kids[0]):
            last, kids = kids[0].last, kids[1:]
        elif kids[0].first > node.header + 1:
            last = kids[0].first - 1  # arguments on lines of their own, closed on another
        self._slices(node.first, last, above)
        begin = end = None
        for kid in kids:
            if begin is not None and end is not None and not self._fits(begin, kid.last):
                self._slices(begin, end, number)
                begin = None
            begin, end = kid.first if begin is None else begin, kid.last
        if begin is not None and end is not None:
            self._slices(begin, max(end, node.last), number)

    def _slices(self, first: int, last: int, above: int) -> None:
        """Lines in blocks that are not too long, cut where a paragraph or the description of a parameter begins."""
        begin, cut = first, first  # where the block begins, and where the latest part of it does
        for i in range(first, last + 1):
            if i > begin and not self._fits(begin, i):
                stop = cut if cut > begin else i
                self._add(begin, stop - 1, above)
                begin = stop
            if i > begin and (not self._lines[i - 1].text or _PART.match(self._lines[i].text)):
                cut = i
        self._add(begin, last, above)

    def _fits(self, first: int, last: int) -> bool:
        return last - first < MOST_LINES and self._lines[last].end - self._lines[first].start <= MOST_CHARACTERS

    def _is_text(self, node: _Node) -> bool:
        return self._lines[node.header].text.lstrip("rRbBuUfF").startswith(_QUOTES)

    def _add(self, first: int, last: int, above: int) -> None:
        while last > first and not self._lines[last].text:
            last -= 1
        start = self._lines[first].start
        if self._lines[last].end > start:
            self._found.append(Block(start, self._lines[last].end, above))


def _is_definition(node: _Node) -> bool:
    return node.last - node.first >= 2


def _lines(text: str, language: str) -> list[_Line]:
    """The lines, those inside of a comment or text of several lines marked."""
    found: list[_Line] = []
    at, ends = 0, ""  # what ends the comment or text that is open
    for line in text.splitlines(keepends=True):
        stripped = line.strip()
        if not ends and (_is_label(stripped, language) or (language == "yaml" and stripped in ("---", "..."))):
            stripped = ""
        indent = len(line) - len(line.lstrip()) if stripped else 0
        if language == "yaml":  # the items of a list may stand right below its key
            indent = 2 * indent + stripped.startswith(("- ", "-\n"))
        opened = 0 if ends else _opened(stripped, language)
        found.append(_Line(at, at + len(line.rstrip()), indent, stripped, bool(ends), opened, len(found)))
        ends = _open_after(stripped, ends, language)
        at += len(line)
    return _closed(found, language)


def _is_label(line: str, language: str) -> bool:
    return language in _LABELS and _LABEL.match(line) is not None


def _opened(line: str, language: str) -> int:
    """How many brackets a line leaves open, negative where it closes more."""
    if language in _WORDS:
        opens, closes = _WORDS[language]
        return (opens.match(line) is not None) - (closes.match(line) is not None)
    if language not in _STARRED or language == "sql":
        return 0
    bare = (_SAID_SINGLY if language in _SINGLY else _SAID).sub("", line)
    return sum(map(bare.count, "([{")) - sum(map(bare.count, ")]}"))


def _closed(lines: list[_Line], language: str) -> list[_Line]:
    """The lines with those that close what they open."""
    waiting: list[tuple[int, int]] = []  # the brackets that are open before a line, and the line
    before = 0
    for i, line in enumerate(lines):
        after = before + line.opened
        while waiting and after <= waiting[-1][0]:
            _, first = waiting.pop()
            if language not in _WORDS or i - first < MOST_LINES:
                lines[first] = lines[first]._replace(closed=i)
        if line.opened > 0:
            waiting.append((before, i))
        before = after
    return lines


def _open_after(line: str, ends: str, language: str) -> str:
    """What ends the comment or text that is open after a line; empty: none is."""
    if ends.startswith("<<"):  # a line of its own
        return "" if line.rstrip(";") == ends[2:] else ends
    if ends:
        return "" if line.count(ends) % 2 or (ends == "*/" and ends in line) else ends
    if language in _TRIPLE:
        for mark in _QUOTES:
            if line.count(mark) % 2:
                return mark
    if language in _BACKTICK and not line.startswith("//") and line.count("`") % 2:
        return "`"
    if language in _HEREDOCS and not line.startswith("#") and (heredoc := _HEREDOC.search(line)) is not None:
        return f"<<{heredoc[2]}"
    if language == "sql":
        for mark in dict.fromkeys(_DOLLARS.findall(line)):
            if line.count(mark) % 2:
                return str(mark)
    opened = line.rfind("/*") if language in _STARRED else -1
    return "*/" if opened >= 0 and "*/" not in line[opened:] and not line.startswith("//") else ""


def _nodes(lines: Sequence[_Line], begin: int, stop: int, language: str) -> list[_Node]:
    """Lines `begin` to `stop` as nodes: each with what is indented more, what closes it, and what is right above."""
    found: list[_Node] = []
    first: int | None = None  # of comments and decorators that wait for what they belong to
    i = begin
    while i < stop:
        if not lines[i].text or (first is None and _ONLY_CLOSES.match(lines[i].text)):
            if first is not None:  # a comment that stands alone
                found.append(_Node(first, first, i - 1))
                first = None
            i += 1
            continue
        last = _last(lines, i, stop, language)
        if _waits(lines[i].text, language) and last + 1 < stop and lines[last + 1].indent == lines[i].indent:
            first = i if first is None else first
            i = last + 1
            continue
        found.append(_Node(i if first is None else first, i, last, _inner(lines, i, last, language)))
        first, i = None, last + 1
    if first is not None:
        found.append(_Node(first, first, stop - 1))
    return found


def _waits(line: str, language: str) -> bool:
    """Whether a line belongs to the one below."""
    if line.startswith(("#!", *_QUOTES)):
        return False
    return _COMMENT.match(line) is not None or (language not in SETTINGS and _ABOVE.match(line) is not None)


def _last(lines: Sequence[_Line], first: int, stop: int, language: str) -> int:
    """The last line of the node that begins at a line."""
    last = _reach(lines, first, stop)
    i = last + 1
    while i < stop:
        line = lines[i]
        adjacent = i == last + 1
        goes_on = line.indent == lines[first].indent and _goes_on(lines, first, last, line.text, language, adjacent)
        if line.inside or (line.text and (line.indent > lines[first].indent or goes_on)):
            last = i = min(_reach(lines, i, stop), stop - 1)
        elif line.text:
            break
        i += 1
    return last


def _reach(lines: Sequence[_Line], opener: int, stop: int) -> int:
    """The line that closes what a line opens, where that holds lines that are indented; else the line itself.

    What stands at the margin among them (a directive, a label, a text) belongs to them. A namespace, whose lines are
    not indented, is no definition to be kept whole.
    """
    closed = lines[opener].closed
    if not opener < closed < stop:
        return opener
    if lines[opener].opened > 0 and not lines[opener].text.endswith(("{", "(", "[")):
        return closed
    inner = (line for line in lines[opener + 1 : closed + 1] if line.text and not _DIRECTIVE.match(line.text))
    body = next(inner, None)
    return closed if body is None or body.indent > lines[opener].indent or _CLOSES.match(body.text) else opener


def _goes_on(lines: Sequence[_Line], first: int, last: int, line: str, language: str, adjacent: bool) -> bool:
    """Whether a line that is indented as the node's first one belongs to the node."""
    before = lines[last].text
    if language == "sql":
        line, before = line.lower(), re.sub(r"\s*--.*", "", before.lower())
        apart = _ENDED.search(before) is not None or line.startswith("delimiter ")
        return not apart or _CLOSES.match(line) is not None
    if _CLOSES.match(line):
        return not (line[0] in "})]" and _is_closed(lines, first, last))
    if not adjacent or language in SETTINGS:
        return False
    if _OPENS.match(line) or _GOES_ON.search(before) or (language == "rust" and line == "where"):
        return True
    return language in _TYPED and last == first and _TYPE.match(before) is not None and _NAME.match(line) is not None


def _is_closed(lines: Sequence[_Line], first: int, last: int) -> bool:
    """Whether a node has no bracket left that a further line could close."""
    alike = lines[last].indent == lines[first].indent and (last == first or _CLOSES.match(lines[last].text) is not None)
    return alike and sum(line.opened for line in lines[first : last + 1]) <= 0


def _inner(lines: Sequence[_Line], header: int, last: int, language: str) -> list[_Node]:
    """What is indented under a header, closing lines left out."""
    margin = lines[header].indent
    brace = (i for i in range(header + 1, last) if lines[i].indent == margin and _OPENS.fullmatch(lines[i].text))
    begin = next(brace, header) + 1 if language in _STARRED else header + 1
    while begin <= last and (lines[begin].inside or lines[begin].indent <= margin):
        begin += 1
    end = last
    while end >= begin and lines[end].text and not lines[end].inside and lines[end].indent <= margin:
        end -= 1
    return _nodes(lines, begin, end + 1, language) if begin <= end else []


_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def spelled(text: str) -> str:
    """Source code with the words of its names apart: maxUpload as max Upload, HTTPServer as HTTP Server."""
    return _HUMP.sub(" ", text)


def spelled_at(text: str, starts: NDArray[np.intp]) -> tuple[str, NDArray[np.intp]]:
    """The same, and where some of its characters stand in that."""
    humps = np.array([match.start() for match in _HUMP.finditer(text)], np.intp)
    return spelled(text), starts + np.searchsorted(humps, starts, side="right").astype(np.intp)


def headline(block: str) -> str:
    """The line of a block that names it, without what opens its body."""
    lines = [line.strip() for line in block.splitlines() if line.strip()]
    plain = [line for line in lines if not _COMMENT.match(line) and not _ABOVE.match(line)]
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


def around(found: Sequence[Block], start: int, end: int) -> tuple[int, int]:
    """The range of the blocks that hold a range of the text; the range itself where none does."""
    touched: Iterator[Block] = (block for block in found if block.start < end and start < block.end)
    ranges = list(touched)
    return (min(start, ranges[0].start), max(end, ranges[-1].end)) if ranges else (start, end)
