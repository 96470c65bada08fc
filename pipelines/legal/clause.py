"""A clause of a contract, the form in which labels of clauses are compared, and the numbers they are counted with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from hybrid.corpus.readers.list_numbers import FORMS

WORDS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen".split()
_ROMAN = {FORMS["lowerRoman"](number): number for number in range(1, 400)}


def roman(written: str) -> int:
    """The value of a Roman numeral below 400, in either case; 0 for anything else."""
    return _ROMAN.get(written.lower(), 0)


def count(written: str) -> int:
    """A number in figures, Roman numerals or words; 0 for anything else."""
    if written.isdigit():
        return int(written)
    lower = written.lower()
    return WORDS.index(lower) + 1 if lower in WORDS else roman(written)


Kind = Literal["preamble", "article", "clause", "schedule", "heading", "signatures"]


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause with everything under it."""

    kind: Kind
    label: str  # as references name it: "4.1(a)", "Article IV", "Schedule 1"; empty for headings
    title: str  # empty where it has none
    start: int  # character range in Document.text, the clauses below it included
    end: int
    level: int  # 1 is the outermost
    path: str  # labels and titles from the outermost down: "Article IV Term > 4.1 Renewal > (a)"

    @property
    def name(self) -> str:
        """Label and title."""
        return f"{self.label} {self.title}".strip()


def label_key(label: str) -> str:
    """A label in the form in which labels are compared: "Section 2.0" and "2" are the same."""
    bare = label.replace("\u00a0", " ").strip().rstrip(".").lower()
    bare = re.sub(r"^(?:sections?|sec\.|clauses?|paragraphs?|\u00a7+)\s*", "", bare)
    bare = re.sub(r"\s+", " ", bare)
    bare = re.sub(r"(?<![\d.])(\d+)\.0(?![\d.])", r"\1", bare)
    head = re.match(r"(article|part)s? (\w+)$", bare)
    if head:
        value = count(head[2])
        return f"{head[1]} {value}" if value else bare
    return bare.replace(" (", "(")
