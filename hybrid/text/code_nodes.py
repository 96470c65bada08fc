"""Nodes of source code: lines that belong together, with what is indented under them.

Indentation, brackets and the marks of comments tell them, so that a language needs no grammar and a piece of a file
that begins in the middle of a function is cut as well as a whole one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
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
    """The mark that ends the comment or text that is open after a line; `ends` is that of the line before."""
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


COMMENT = re.compile(r"(?:#(?!include|define|if|endif|else|\[)|//|/\*|\*|--|;|%|<!--|'''|\"\"\"|\(\*|\{-)")
ABOVE = re.compile(r"@\w|#\[|\[\w[\w.]*(?:\(.*\))?\]\s*$|template\s*<")  # decorators, attributes
CLOSES = re.compile(
    r"[})\]]|\*/|(?:end|fi|done|esac|else|elif|elsif|except|finally|catch|rescue|ensure|then|do|in)\b(?!\s*[:=(]\s*\S+\s*$)"
)
_OPENS = re.compile(r"\{\s*$")  # a brace alone on the line below what it belongs to
_GOES_ON = re.compile(r"\\$|&&$|\|\|$|(?<![-=<>*/+])[-+*/=]$|\bas$", re.IGNORECASE)  # a line that the next one ends
_ENDED = re.compile(r";$|^(?:go|/|delimiter .*)$|\bend\s*(?:\$\$|//)$|^$")  # a statement in SQL, in lower case
_TYPED = frozenset("c cpp objc cuda arduino".split())
_TYPE = re.compile(r"(?!(?:else|do|return|goto|typedef|using)\b)[A-Za-z_][\w\s*&:<>,]*$")  # alone above a name
_NAME = re.compile(r"[\w:~*&]+\s*\(")
_DIRECTIVE = re.compile(r"#\s*(?:if|el|endif|pragma|define|undef)|\w+:$")  # at the margin, wherever it stands
_ONLY_CLOSES = re.compile(r"[})\]]+[;,]*\s*(?://.*|/\*.*|#.*)?$")


@dataclass(slots=True)
class Node:
    """Lines that belong together, by number, and what is indented under them."""

    first: int  # with comments and decorators above
    header: int  # the line that they belong to
    last: int
    kids: list[Node] = field(default_factory=list)


def nodes_of(lines: Sequence[Line], begin: int, stop: int, language: str) -> list[Node]:
    """Lines `begin` to `stop` as nodes, each with the comments above it, what is indented more, and what closes it."""
    found: list[Node] = []
    first: int | None = None  # of comments and decorators that wait for what they belong to
    i = begin
    while i < stop:
        if not lines[i].text or (first is None and _ONLY_CLOSES.match(lines[i].text)):
            if first is not None:  # a comment that stands alone
                found.append(Node(first, first, i - 1))
                first = None
            i += 1
            continue
        last = _last(lines, i, stop, language)
        if _waits(lines[i].text, language) and last + 1 < stop and lines[last + 1].indent == lines[i].indent:
            first = i if first is None else first
            i = last + 1
            continue
        found.append(Node(i if first is None else first, i, last, _inner(lines, i, last, language)))
        first, i = None, last + 1
    if first is not None:
        found.append(Node(first, first, stop - 1))
    return found


def _waits(line: str, language: str) -> bool:
    if line.startswith(("#!", *QUOTES)):
        return False
    return COMMENT.match(line) is not None or (language not in SETTINGS and ABOVE.match(line) is not None)


def _last(lines: Sequence[Line], first: int, stop: int, language: str) -> int:
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


def _reach(lines: Sequence[Line], opener: int, stop: int) -> int:
    """The line that closes what a line opens, where indented lines stand between them; else the line itself.

    Directives, labels and texts at the margin may stand among them. A namespace, whose lines are not indented, is not
    kept whole.
    """
    closed = lines[opener].closed
    if not opener < closed < stop:
        return opener
    if lines[opener].opened > 0 and not lines[opener].text.endswith(("{", "(", "[")):
        return closed
    inner = (line for line in lines[opener + 1 : closed + 1] if line.text and not _DIRECTIVE.match(line.text))
    body = next(inner, None)
    return closed if body is None or body.indent > lines[opener].indent or CLOSES.match(body.text) else opener


def _goes_on(lines: Sequence[Line], first: int, last: int, line: str, language: str, adjacent: bool) -> bool:
    """Whether a line indented as a node's first one belongs to the node; `last` is the node's last line so far."""
    before = lines[last].text
    if language == "sql":
        line, before = line.lower(), re.sub(r"\s*--.*", "", before.lower())
        apart = _ENDED.search(before) is not None or line.startswith("delimiter ")
        return not apart or CLOSES.match(line) is not None
    if CLOSES.match(line):
        return not (line[0] in "})]" and _is_closed(lines, first, last))
    if not adjacent or language in SETTINGS:
        return False
    if _OPENS.match(line) or _GOES_ON.search(before) or (language == "rust" and line == "where"):
        return True
    return language in _TYPED and last == first and _TYPE.match(before) is not None and _NAME.match(line) is not None


def _is_closed(lines: Sequence[Line], first: int, last: int) -> bool:
    """Whether a node has no bracket left that a further line could close."""
    alike = lines[last].indent == lines[first].indent and (last == first or CLOSES.match(lines[last].text) is not None)
    return alike and sum(line.opened for line in lines[first : last + 1]) <= 0


def _inner(lines: Sequence[Line], header: int, last: int, language: str) -> list[Node]:
    """What is indented under a header, without closing lines."""
    margin = lines[header].indent
    brace = (i for i in range(header + 1, last) if lines[i].indent == margin and _OPENS.fullmatch(lines[i].text))
    begin = next(brace, header) + 1 if language in STARRED else header + 1
    while begin <= last and (lines[begin].inside or lines[begin].indent <= margin):
        begin += 1
    end = last
    while end >= begin and lines[end].text and not lines[end].inside and lines[end].indent <= margin:
        end -= 1
    return nodes_of(lines, begin, end + 1, language) if begin <= end else []
