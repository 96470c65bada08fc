"""Lines of source code: how far each is indented, which brackets it opens, and where these are closed."""

from __future__ import annotations

import re
from typing import NamedTuple

MOST_LINES = 30  # of a block; a longer definition is its head, and parts of its body

SETTINGS = frozenset("yaml toml ini properties".split())  # languages whose blocks are keys and values
STARRED = frozenset(  # languages with comments /* ... */
    """
    c cpp arduino cuda objc csharp java kotlin scala groovy javascript typescript tsx go rust swift dart php css scss
    sql proto thrift solidity glsl hlsl wgsl d odin haxe verilog terraform hcl bicep prisma
    """.split()
)
QUOTES = ('"""', "'''")
_TRIPLE = frozenset("python starlark toml java kotlin scala swift csharp groovy dart julia".split())
_BACKTICK = frozenset("javascript typescript tsx go".split())
_HEREDOC = re.compile(r"<<[-~]?\s?([\"']?)([A-Za-z_]\w*)\1")
_HEREDOCS = frozenset("bash ruby dockerfile perl php terraform hcl".split())
_DOLLARS = re.compile(r"(?:^|\b(?:as|do)\s+)(\$\w*\$)", re.IGNORECASE)  # around the body of a function in SQL
_LABEL = re.compile(r"(?:public|private|protected|signals)(?:\s+slots)?\s*:?$")  # says little
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


class Line(NamedTuple):
    """A line of a text."""

    start: int
    end: int  # without the line break and blanks before it
    indent: int
    text: str  # stripped
    inside: bool  # of a comment or text that began on a line before
    opened: int  # brackets that it opens, less those that it closes
    closed: int  # the line that closes what it opens; itself where it opens nothing, or nothing closes it


def lines_of(text: str, language: str) -> list[Line]:
    """The lines of a text."""
    found: list[Line] = []
    at, ends = 0, ""  # what ends the comment or text that is open
    for line in text.splitlines(keepends=True):
        stripped = line.strip()
        label = language in _LABELS and _LABEL.match(stripped)
        if not ends and (label or (language == "yaml" and stripped in ("---", "..."))):
            stripped = ""
        indent = len(line) - len(line.lstrip()) if stripped else 0
        if language == "yaml":  # the items of a list may stand right below its key
            indent = 2 * indent + stripped.startswith(("- ", "-\n"))
        opened = 0 if ends else _opened(stripped, language)
        found.append(Line(at, at + len(line.rstrip()), indent, stripped, bool(ends), opened, len(found)))
        ends = _open_after(stripped, ends, language)
        at += len(line)
    return _closed(found, language)


def _opened(line: str, language: str) -> int:
    """How many brackets a line leaves open, negative where it closes more."""
    if language in _WORDS:
        opens, closes = _WORDS[language]
        return (opens.match(line) is not None) - (closes.match(line) is not None)
    if language not in STARRED or language == "sql":
        return 0
    bare = (_SAID_SINGLY if language in _SINGLY else _SAID).sub("", line)
    return sum(map(bare.count, "([{")) - sum(map(bare.count, ")]}"))


def _closed(lines: list[Line], language: str) -> list[Line]:
    """The lines, each with the one that closes its brackets."""
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
    """The mark that ends the comment or text that is open after a line; empty where none is.

    Args:
        ends: that of the line before.
    """
    if ends.startswith("<<"):  # a line of its own
        return "" if line.rstrip(";") == ends[2:] else ends
    if ends:
        return "" if line.count(ends) % 2 or (ends == "*/" and ends in line) else ends
    marks = QUOTES if language in _TRIPLE else _DOLLARS.findall(line) if language == "sql" else ()
    if open_mark := next((mark for mark in marks if line.count(mark) % 2), None):
        return str(open_mark)
    if language in _BACKTICK and not line.startswith("//") and line.count("`") % 2:
        return "`"
    if language in _HEREDOCS and not line.startswith("#") and (heredoc := _HEREDOC.search(line)) is not None:
        return f"<<{heredoc[2]}"
    opened = line.rfind("/*") if language in STARRED else -1
    return "*/" if opened >= 0 and "*/" not in line[opened:] and not line.startswith("//") else ""
