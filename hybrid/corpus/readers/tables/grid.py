"""A table as lines of text: every row carries the names of its columns, so that no figure is read under another one.

    Region: South | Quarter: Q2 | Staff: 81

One form for the tables of all kinds of files. A cell that is empty stays so in its own column, as in
`Monday: | Tuesday: 9-17`, one that spans several is told in each. A row too wide for a line goes on in further ones,
which begin with its key. Rows without names of columns are their cells alone, as in `Deposit | 800 EUR`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest
from typing import NamedTuple

from hybrid.text.sentences import CELLS

LINE = 400  # characters; a wider row is told in several lines
SAMPLE = 200  # rows looked at to tell a header from a row
_KEY = 120  # characters at most of what tells one row from the others
_SHORT = 60  # characters of a name or a title
_LONG = 80  # characters of a cell over several columns that is not told in each of them
_YEAR = re.compile(r"(?:FY ?)?(?:19|20)\d\d(?:[/-]\d\d(?:\d\d)?)?")
_DATE = re.compile(r"(?:19|20)\d\d-\d\d(?:-\d\d)?|\d\d?[./]\d\d?[./](?:19|20)\d\d|\d\d?[./](?:19|20)\d\d")
_BEFORE = frozenset("$ \u20ac \u00a3 \u00a5 US$ ($".split())  # signs that filings give a cell of their own
_BEHIND = frozenset(") % )% %)".split())
_DIGIT = re.compile(r"\d")
_LETTER = re.compile(r"[^\W\d_]")
_COLUMN = re.compile(  # what columns are called and rows are not
    r"(?:^|[\s_])(?:id|nr\.?|no\.?|number|code|key|label|name|names|title|role|position|city|town|country|region|"
    r"department|team|address|street|year|month|count|rate|score|size|"
    r"e-?mail|phone|date|time|day|status|state|type|kind|category|description|comment|comments|note|notes|remark|remarks|"
    r"amount|price|cost|fee|total|value|unit|quantity|item|product|service|question|answer|url|link|"
    r"stadt|ort|abteilung|stra\u00dfe|telefon|datum|preis|betrag|menge|wert|bezeichnung|beschreibung|bemerkung|"
    r"nom|ville|pays|prix|nombre|ciudad|precio|fecha)$|^[a-z]+(?:_[a-z]+)+$",
    re.IGNORECASE,
)
NOTHING = frozenset({"", "-", "\u2013", "\u2014", ".", "?", "n/a", "na", "nan", "null", "none", "k. a.", "k.a."})


class Part(NamedTuple):
    """One cell in a line with what stands before and behind it; no column where it is no cell of the row."""

    lead: str
    cell: str
    column: int | None
    tail: str = ""


class Line(NamedTuple):
    """A line of text and the row that it tells."""

    row: int
    parts: list[Part]

    @property
    def text(self) -> str:
        return _text(self.parts)


@dataclass(slots=True)
class Grid:
    """The cells of a table, each in its column; white space in them is single blanks."""

    rows: list[list[str]] = field(default_factory=list)
    heads: set[int] = field(default_factory=set)  # rows known to name columns
    whole: set[int] = field(default_factory=set)  # rows that are one cell over all the columns
    copies: set[tuple[int, int]] = field(default_factory=set)  # row and column of a cell that goes on from the left
    downs: set[tuple[int, int]] = field(default_factory=set)  # and of one that goes on from above
    marked: bool = False  # whether the file itself says which rows name columns, and if none then none

    def lines(self) -> Iterator[Line]:
        """The table as text, one row after the other; empty rows are left out."""
        heads, sure = self.heads, True
        dead = self._dead()
        if not heads and not self.marked:
            depth = self.depth()
            seen = [[cell for at, cell in enumerate(row) if at not in dead] for row in self.rows[: SAMPLE + depth]]
            count, sure = header_rows([*seen[:1], *seen[depth:]], pairs=True)
            if depth == 2 and not count:
                count = 2 * _is_upper(
                    [[cell for at, cell in enumerate(row) if at not in dead] for row in self._begun()]
                )
            heads = set(range(max(count, depth) if count else 0))
        names: list[str] = []
        title, told = "", False  # of the rows below, and whether any row has had it
        for number, cells in enumerate(self.rows):
            if not any(cells):
                continue
            if number in self.whole and len(cells) > 1:
                if title and not told:
                    yield _said(number - 1, title)
                title, told = cells[0], False
                if not _is_title(title):
                    yield Line(number, [Part("", title, 0)])
                    title = ""
                continue
            if number in heads:
                own = [column_name(cell) for cell in cells]
                if number - 1 in heads:
                    spanned = any((number - 1, at) in self.copies for at in range(len(names)))
                    own = _joined(names, own) if spanned else grouped_names(names, own)
                names = own
                if not sure or not self._has_rows(number, heads):
                    yield Line(number, _apart([Part("", cell, at) for at, cell in enumerate(cells) if cell]))
                continue
            told = True
            for parts in row_parts(names, self._told(number, names, dead), title):
                yield Line(number, parts)
        if title and not told:
            yield _said(len(self.rows) - 1, title)

    def depth(self) -> int:
        """How many of the first rows hang together by cells over several of them: names of columns, if the first is."""
        depth = 1
        while depth < min(4, len(self.rows) - 1) and (
            any((depth, at) in self.downs for at in range(len(self.rows[depth])))
            or any((depth - 1, at) in self.copies for at in range(len(self.rows[depth - 1])))
        ):
            if any(_is_figure(cell) and not _YEAR.fullmatch(cell) for cell in self.rows[depth]):
                break
            depth += 1
        return depth

    def _begun(self) -> list[list[str]]:
        """The first rows with every cell only where it begins."""
        gone = self.copies | self.downs
        return [
            ["" if (number, at) in gone else cell for at, cell in enumerate(row)]
            for number, row in enumerate(self.rows[: SAMPLE + 2])
        ]

    def _has_rows(self, number: int, heads: Collection[int]) -> bool:
        """Whether any row stands under the header in this one."""
        return any(
            any(cells) and row not in heads and row not in self.whole
            for row, cells in enumerate(self.rows[number + 1 :], number + 1)
        )

    def _dead(self) -> set[int]:
        """The columns that hold nothing: what keeps others apart, or goes on from the left in every row."""
        width = max(map(len, self.rows), default=0)
        return {
            at
            for at in range(width)
            if all(at >= len(row) or not row[at] or (n, at) in self.copies for n, row in enumerate(self.rows))
        }

    def _told(self, number: int, names: Sequence[str], dead: Collection[int]) -> list[str | None]:
        """A row's cells, None where one that spans several columns is not told again."""
        cells = self.rows[number]
        return [
            None if (number, at) in self.copies and (at >= len(names) or not names[at] or len(cell) > _LONG) else cell
            for at, cell in enumerate(cells)
        ]


def row_parts(names: Sequence[str], cells: Sequence[str | None], title: str = "") -> list[list[Part]]:
    """A row as lines of parts, one line or more.

    Args:
        names: of the columns; empty ones name nothing, and without any the cells stand alone.
        cells: None for one that is left out.
        title: of the part of the table that the row stands in.
    """
    named = any(names)
    filled = {name for name, cell in zip(names, cells, strict=False) if cell}  # under a name over several columns
    told = [
        Part(f"{name}: " if name and cell else f"{name}:" if name else "", cell, at)
        for at, (name, cell) in enumerate(zip_longest(names, cells, fillvalue=""))
        if cell is not None and (cell or not named or (name and name not in filled))
    ]
    while told and not (told[-1].lead or told[-1].cell):  # without names a gap at the ends of a row tells nothing
        told.pop()
    while told and not (told[0].lead or told[0].cell):
        del told[0]
    told = _signed(told)
    if title:
        told.insert(0, Part(title, "", None))
    if not named:
        return [_apart(told)]
    first = _key_cells(cells) + bool(title)
    key = _short(_text(_apart(told[:first])))
    begins = _begins([len(part.lead) + len(part.cell) + len(CELLS) for part in told], first, len(key))
    lines = [told[begin:end] for begin, end in pairwise([*begins, len(told)])]
    return [_apart([Part(key, "", None), *line] if at else line) for at, line in enumerate(lines)]


def row_lines(names: Sequence[str], cells: Sequence[str]) -> list[str]:
    """A row as text, in one line or more: `row_parts` for tables of plain cells, which may have millions of them."""
    if not any(names):
        return [" ".join(CELLS.join(cells).strip(" |").split())]
    told = [f"{name}: {cell}" if cell else f"{name}:" for name, cell in zip(names, cells, strict=False)]
    if not all(names):
        told = [part if name else cell for part, name, cell in zip(told, names, cells, strict=False)]
    told += cells[len(names) :]
    if sum(map(len, told)) + len(CELLS) * len(told) <= LINE:
        return [CELLS.join(filter(None, told))]
    first = _key_cells(cells)
    key = _short(CELLS.join(filter(None, told[:first])))
    begins = _begins([len(part) + len(CELLS) for part in told], first, len(key))
    lines = [CELLS.join(filter(None, told[begin:end])) for begin, end in pairwise([*begins, len(told)])]
    return [f"{key}{CELLS}{line}" if at else line for at, line in enumerate(lines)]


def _begins(lengths: Sequence[int], first: int, key: int) -> list[int]:
    """Where the lines of a row begin that is told in several, each but the first after the row's key.

    Args:
        lengths: of the parts, in characters with what stands between them.
        first: how many parts are the key.
        key: its length in characters.
    """
    begins, size = [0], key
    for at in range(first, len(lengths)):
        if at > max(begins[-1], first) and size + lengths[at] > LINE:
            begins.append(at)
            size = key
        size += lengths[at]
    return begins


def _short(key: str) -> str:
    return key if len(key) <= _KEY else key[:_KEY].rsplit(" ", 1)[0] + " \u2026"


def header_rows(rows: Sequence[Sequence[str]], *, pairs: bool = False) -> tuple[int, bool]:
    """How many of the first rows name the columns, and whether that is sure.

    A name has no digits where its column has some, or is a year or one of several dates over a column of figures.
    Where a table is all words the first row counts as one of names, unless one of them comes again below it.

    Args:
        pairs: whether a table of two columns whose first row is not surely one of names is one of keys and values.
    """
    if len(rows) < 2 or not any(rows[0]):
        return 0, True
    head, body = rows[0], [row for row in rows[1 : SAMPLE + 1] if row != rows[0]]
    if not body:
        return 0, True
    width = max(len(row) for row in body)
    told = [cell for cell in head if cell]
    if len(told) < min(2, width) or 2 * len(told) < width or max(map(len, told)) > 200:
        return (2, True) if _is_upper(rows) else (0, True)
    if width == 2 and 2 * sum(bool(row) and _is_key(row[0]) for row in body) > len(body):
        return 0, True  # keys and values
    score = _names(head, body)
    if score <= 0 and _is_upper(rows):
        return 2, True
    called = sum(bool(_COLUMN.search(cell)) for cell in told)
    if score < 0 and 2 * called < len(told):
        return 0, True
    if pairs and width == 2 and not (score > 0 and _alike([row[1] for row in body if len(row) > 1 and row[1]])):
        return 0, True
    if score > 0:
        return (2 if _is_upper(rows) else 1), True
    if called:
        return 1, True
    words = (
        not any(_DIGIT.search(cell) or cell.endswith(("?", "!")) for cell in told)
        and max(map(len, told)) <= _SHORT
        and len(set(told)) == len(told)
    )
    return int(words), False


def _is_key(cell: str) -> bool:
    return cell.endswith(":") or bool(_COLUMN.search(cell))


def _is_upper(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row stands above names, or has units below: names of groups, or an empty first cell in one."""
    if len(rows) < 3 or not rows[0] or not rows[1]:
        return False
    over, two, body = rows[0][1:], rows[1], rows[2 : SAMPLE + 2]
    figures = [cell for cell in two if _is_figure(cell)]
    named = all(one or other for one, other in zip_longest(rows[0], two, fillvalue=""))
    if sum(map(bool, two)) < 2 or (figures and not (named and all(map(_is_time, figures)))):
        return False
    if _are_groups(rows[0], two, body):
        return True
    if (rows[0][0] and two[0]) or (
        not rows[0][0] and two[0] and all(over) and all(one != other for one, other in pairwise(over))
    ):
        return False  # names over a table, whose first column may have none
    return _names(two, body) > 1


def _are_groups(upper: Sequence[str], lower: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Whether each name of the first row stands over the first of its columns, of which the second has the names.

    A first row of data below a header that lacks names is nothing like it: its cells come again below, or are not the
    same under several groups, over figures, nor what columns are called.
    """
    pairs = list(zip_longest(upper, lower, fillvalue=""))
    starts = [at for at, (one, other) in enumerate(pairs) if one and other]
    gaps = [at for at, (one, other) in enumerate(pairs) if other and not one and starts and at > starts[0]]
    names = [name for name in lower if name]
    columns = [[row[at] for row in body if at < len(row)] for at in range(len(lower))]
    if len(starts) < 2 or not gaps or not all(one or other for one, other in pairs) or max(map(len, names)) > _SHORT:
        return False
    if any(name and (name.lower() in NOTHING or name in column) for name, column in zip(lower, columns, strict=True)):
        return False
    if len(set(names)) < len(names):
        return all(_are_figures(columns[at]) for at in gaps)
    return not upper[0] and 2 * sum(bool(_COLUMN.search(name)) for name in names) >= len(names)


def _are_figures(column: Sequence[str]) -> bool:
    told = [cell for cell in column if cell.lower() not in NOTHING]
    return bool(told) and sum(bool(_DIGIT.search(cell)) for cell in told) >= 0.8 * len(told)


def _is_time(cell: str) -> bool:
    return bool(_YEAR.fullmatch(cell) or _DATE.fullmatch(cell))


def _names(head: Sequence[str], body: Sequence[Sequence[str]]) -> int:
    """In how many columns the first row looks like a name rather than like the cells below it, less those where not."""
    score, dated = 0, sum(bool(_DATE.fullmatch(name)) for name in head) > 1  # one alone is a date of its row
    for at, name in enumerate(head):
        column = [row[at] for row in body if at < len(row) and row[at].lower() not in NOTHING]
        if not name or not column:
            continue
        figures = sum(bool(_DIGIT.search(cell)) for cell in column) / len(column)
        if not _DIGIT.search(name):
            case = _case(name)
            alike = len(case) > 1 and sum(_case(cell) == case for cell in column) >= 0.8 * len(column)
            score += 1 if figures >= 0.8 else -1 if name in column or alike else 0
        elif _YEAR.fullmatch(name) or (dated and _DATE.fullmatch(name)):
            kind = _YEAR if _YEAR.fullmatch(name) else _DATE
            years = sum(bool(kind.fullmatch(cell)) for cell in column) / len(column)
            score += -1 if years >= 0.5 else 1 if figures >= 0.8 else 0
        elif _LETTER.match(name):
            bare = sum(not _LETTER.search(cell) for cell in column) / len(column)
            score += 1 if bare >= 0.8 else -1 if _shape(name) in map(_shape, column) else 0
        elif figures >= 0.5:
            score -= 1
    return score


def _alike(column: Sequence[str]) -> bool:
    """Whether the cells are figures of one kind: amounts of one currency, not a date below an amount."""
    shapes = Counter(re.sub(r"[^\w%]+", " ", re.sub(r"\d[\d.,' ]*", "0", cell)).strip() for cell in column)
    return len(column) > 1 and all(map(_DIGIT.search, column)) and max(shapes.values()) >= 0.6 * len(column)


def _case(cell: str) -> str:
    """Which of the words begin with a capital: "Anna Roth" is of one kind with "Max Ott", "First name" is not."""
    return "".join("A" if word[0].isupper() else "a" for word in cell.split())


def _shape(cell: str) -> str:
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "0", cell))


def _is_figure(cell: str) -> bool:
    return bool(_DIGIT.match(cell)) and not _LETTER.search(cell)


def _is_title(cell: str) -> bool:
    """Whether a cell over all the columns names the rows below it rather than saying something."""
    return len(cell) <= _SHORT and not cell.endswith((".", "!", "?", ";"))


def column_name(cell: str) -> str:
    """The name that a cell gives its column."""
    return cell.rstrip(" :") or cell


def _joined(upper: Sequence[str], lower: Sequence[str]) -> list[str]:
    """The names of columns from two rows of them: "2024" over "Q1" is "2024 Q1"."""
    pairs = zip_longest(upper, lower, fillvalue="")
    return [one if one == other else f"{one} {other}".strip() for one, other in pairs]


def grouped_names(upper: Sequence[str], lower: Sequence[str]) -> list[str]:
    """The names of columns where each of the first row stands over the first of several: it is told with all of them.

    A name with none below it is that of its own column. What the last group has more than all the others, which are
    alike, is not part of it, as a column of remarks behind "Q1, Q2" of every year.
    """
    over, names, groups = "", list[str](), list[list[int]]()
    for at, (one, other) in enumerate(zip_longest(upper, lower, fillvalue="")):
        over = one or (over if other else "")
        if one:
            groups.append([])
        if over and other:
            groups[-1].append(at)
        names.append(over if over == other else f"{over} {other}".strip())
        over = over if other else ""
    held = [[lower[at] for at in group] for group in groups if group]
    sizes = {len(group) for group in held[:-1]}
    if len(sizes) == 1 and (len(held) > 2 or held[-1][: len(held[0])] == held[0]):
        for at in [group for group in groups if group][-1][len(held[0]) :]:
            names[at] = lower[at]
    return names


def _key_cells(cells: Sequence[str | None]) -> int:
    """How many of the first cells tell a row from the others: up to the first of three that has letters."""
    for count, cell in enumerate(cells[:3], 1):
        if cell and _LETTER.search(cell):
            return count
    return 1


def _signed(told: Sequence[Part]) -> list[Part]:
    """The parts, with signs of currency or percent that have cells of their own beside the figures they belong to."""
    found: list[Part] = []
    for part in told:
        before = found[-1] if found else None
        if before is not None and before.cell in _BEFORE and part.cell:
            found[-1] = part._replace(lead=(part.lead or before.lead) + before.cell)
        elif before is not None and before.cell and part.cell in _BEHIND:
            found[-1] = before._replace(tail=before.tail + part.cell)
        else:
            found.append(part)
    return found


def _apart(parts: Sequence[Part]) -> list[Part]:
    """The parts of a line with what stands between them."""
    return [
        part if not at else part._replace(lead=(CELLS if part.lead or part.cell else CELLS.rstrip()) + part.lead)
        for at, part in enumerate(parts)
    ]


def _text(parts: Iterable[Part]) -> str:
    return "".join(part.lead + part.cell + part.tail for part in parts)


def _said(row: int, text: str) -> Line:
    return Line(row, [Part(text, "", None)])
