"""The header of a table: which of its first rows name the columns, and the names that they give."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise, zip_longest

SAMPLE = 200  # rows looked at to tell a header from a row
SHORT = 60  # characters of a name or a title
YEAR = re.compile(r"(?:FY ?)?(?:19|20)\d\d(?:[/-]\d\d(?:\d\d)?)?")
_DATE = re.compile(r"(?:19|20)\d\d-\d\d(?:-\d\d)?|\d\d?[./]\d\d?[./](?:19|20)\d\d|\d\d?[./](?:19|20)\d\d")
_DIGIT = re.compile(r"\d")
_LETTER = re.compile(r"[^\W\d_]")
_COLUMN = re.compile(  # words for columns but not for rows
    r"(?:^|[\s_])(?:id|nr\.?|no\.?|number|code|key|label|name|names|title|role|position|city|town|country|region|"
    r"department|team|address|street|year|month|count|rate|score|size|"
    r"e-?mail|phone|date|time|day|status|state|type|kind|category|description|comment|comments|note|notes|remark|remarks|"
    r"amount|price|cost|fee|total|value|unit|quantity|item|product|service|question|answer|url|link|"
    r"stadt|ort|abteilung|stra\u00dfe|telefon|datum|preis|betrag|menge|wert|bezeichnung|beschreibung|bemerkung|"
    r"nom|ville|pays|prix|nombre|ciudad|precio|fecha)$|^[a-z]+(?:_[a-z]+)+$",
    re.IGNORECASE,
)
NOTHING = frozenset({"", "-", "\u2013", "\u2014", ".", "?", "n/a", "na", "nan", "null", "none", "k. a.", "k.a."})


def header_rows(rows: Sequence[Sequence[str]], *, pairs: bool = False) -> tuple[int, bool]:
    """How many of the first rows name the columns, and whether that is sure.

    A name has no digits where its column has some, or is a year or one of several dates over a column of figures. In a
    table of words the first row is a header unless one of its cells comes again below.

    Args:
        pairs: whether a table of two columns without a sure header is one of keys and values.
    """
    if len(rows) < 2 or not any(rows[0]):
        return 0, True
    head, body = rows[0], [row for row in rows[1 : SAMPLE + 1] if row != rows[0]]
    if not body:
        return 0, True
    width = max(len(row) for row in body)
    told = [cell for cell in head if cell]
    if len(told) < min(2, width) or 2 * len(told) < width or max(map(len, told)) > 200:
        return (2, True) if is_upper(rows) else (0, True)
    keys = sum(bool(row) and (row[0].endswith(":") or bool(_COLUMN.search(row[0]))) for row in body)
    if width == 2 and 2 * keys > len(body):
        return 0, True  # keys and values
    score = _names(head, body)
    if score <= 0 and is_upper(rows):
        return 2, True
    called = sum(bool(_COLUMN.search(cell)) for cell in told)
    if score < 0 and 2 * called < len(told):
        return 0, True
    if pairs and width == 2 and not (score > 0 and _alike([row[1] for row in body if len(row) > 1 and row[1]])):
        return 0, True
    if score > 0:
        return (2 if is_upper(rows) else 1), True
    if called:
        return 1, True
    words = (
        not any(_DIGIT.search(cell) or cell.endswith(("?", "!")) for cell in told)
        and max(map(len, told)) <= SHORT
        and len(set(told)) == len(told)
    )
    return int(words), False


def is_upper(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first two rows are names: groups over names, or names over units."""
    if len(rows) < 3 or not rows[0] or not rows[1]:
        return False
    over, two, body = rows[0][1:], rows[1], rows[2 : SAMPLE + 2]
    figures = [cell for cell in two if is_figure(cell)]
    named = all(one or other for one, other in zip_longest(rows[0], two, fillvalue=""))
    if sum(map(bool, two)) < 2 or (
        figures and not (named and all(YEAR.fullmatch(cell) or _DATE.fullmatch(cell) for cell in figures))
    ):
        return False
    if _are_groups(rows[0], two, body):
        return True
    if (rows[0][0] and two[0]) or (
        not rows[0][0] and two[0] and all(over) and all(one != other for one, other in pairwise(over))
    ):
        return False  # a plain header, which may lack the name of the first column
    return _names(two, body) > 1


def _are_groups(upper: Sequence[str], lower: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Whether each name of the first row stands over the first of its columns, with their names in the second row.

    A row of data below a header that lacks names differs: its cells come again below, or they neither repeat under
    several groups over figures nor are words for columns.
    """
    pairs = list(zip_longest(upper, lower, fillvalue=""))
    starts = [at for at, (one, other) in enumerate(pairs) if one and other]
    gaps = [at for at, (one, other) in enumerate(pairs) if other and not one and starts and at > starts[0]]
    names = [name for name in lower if name]
    columns = [[row[at] for row in body if at < len(row)] for at in range(len(lower))]
    if len(starts) < 2 or not gaps or not all(one or other for one, other in pairs) or max(map(len, names)) > SHORT:
        return False
    if any(name and (name.lower() in NOTHING or name in column) for name, column in zip(lower, columns, strict=True)):
        return False
    if len(set(names)) < len(names):
        return all(_are_figures(columns[at]) for at in gaps)
    return not upper[0] and 2 * sum(bool(_COLUMN.search(name)) for name in names) >= len(names)


def _are_figures(column: Sequence[str]) -> bool:
    told = [cell for cell in column if cell.lower() not in NOTHING]
    return bool(told) and sum(bool(_DIGIT.search(cell)) for cell in told) >= 0.8 * len(told)


def _names(head: Sequence[str], body: Sequence[Sequence[str]]) -> int:
    """The number of columns whose first cell looks like a name, less those where it looks like the cells below."""
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
        elif YEAR.fullmatch(name) or (dated and _DATE.fullmatch(name)):
            kind = YEAR if YEAR.fullmatch(name) else _DATE
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
    """The capitals of the words: "Anna Roth" is of one kind with "Max Ott", "First name" is not."""
    return "".join("A" if word[0].isupper() else "a" for word in cell.split())


def _shape(cell: str) -> str:
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "0", cell))


def is_figure(cell: str) -> bool:
    return bool(_DIGIT.match(cell)) and not _LETTER.search(cell)


def column_name(cell: str) -> str:
    """The name that a cell gives its column."""
    return cell.rstrip(" :") or cell


def joined_names(upper: Sequence[str], lower: Sequence[str]) -> list[str]:
    """The names of columns from two rows of them: "2024" over "Q1" is "2024 Q1"."""
    pairs = zip_longest(upper, lower, fillvalue="")
    return [one if one == other else f"{one} {other}".strip() for one, other in pairs]


def grouped_names(upper: Sequence[str], lower: Sequence[str]) -> list[str]:
    """The names of columns in two rows; a name in the first row is told with each of the several columns below it.

    A name with none below it names its own column. Columns that only the last group has, where all others are alike,
    are not part of it, such as remarks behind "Q1, Q2" of every year.
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
