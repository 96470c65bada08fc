"""Records made up from nothing, as prose, lists or tables, and questions on them; `records.toml` has what they say."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from random import Random

_STORED = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_PARTS: dict[str, str] = _STORED["parts"]
KINDS: dict[str, dict[str, list[str]]] = {
    name: {key: value for key, value in kind.items() if key not in ("name", "words")}
    for name, kind in _STORED["kinds"].items()
}
_HOLE = re.compile(r"\{(?:(\d+)-(\d+)(,?)|(\w+))\}")


def written(template: str, draw: Random) -> str:
    """One of the ways of a template, its holes filled."""

    def filled(hole: re.Match[str]) -> str:
        if hole[4]:
            return written(_PARTS[hole[4]], draw)
        number = draw.randint(int(hole[1]), int(hole[2]))
        return f"{number:,}" if hole[3] else str(number)

    return _HOLE.sub(filled, draw.choice(template.split("|")))


class Made:
    """A record: a name, what is said of it, and what is not.

    Args:
        keys: the facts that are said; None draws them.
    """

    def __init__(self, kind: str, draw: Random, keys: Sequence[str] | None = None) -> None:
        self.kind, self._draw, self._facts = kind, draw, KINDS[kind]
        self.name = written(_STORED["kinds"][kind]["name"], draw)
        self.who, pronouns = _STORED["kinds"][kind]["words"]
        self._pronoun = draw.choice(pronouns.split("|"))
        drawn = draw.sample(list(self._facts), draw.randint(3, len(self._facts) - 1))
        self.said = list(keys or drawn)
        self.unsaid = [key for key in self._facts if key not in self.said]
        self.values = {key: written(fact[1], draw) for key, fact in self._facts.items()}

    def label(self, key: str) -> str:
        """What a fact is called."""
        return self._facts[key][0]

    def question(self, key: str) -> str:
        """A question on a fact."""
        return self._draw.choice(self._facts[key][3].split("|")).replace("{n}", self.name)

    def reverse(self, key: str) -> str:
        """A question on the name."""
        return f"{self.who} has the {self.label(key).lower()} {self.values[key]}?"

    def compared(self, key: str, other: Made) -> tuple[str, Made] | None:
        """A question which of two it is, with the right one; None where they cannot be compared."""
        fact = self._facts[key]
        if len(fact) < 5 or key not in self.said or key not in other.said:
            return None
        one, two = (float(record.values[key].replace(",", "")) for record in (self, other))
        asked, sign = fact[4][:-1], fact[4][-1]
        if one == two:
            return None
        return asked.format(a=self.name, b=other.name), self if (one > two) == (sign == "+") else other

    def text(self) -> str:
        """It in sentences or as a list."""
        if self._draw.random() < 0.25:
            mark, between = self._draw.choice(("", "- ", "* ")), self._draw.choice((": ", " = ", " - "))
            return "\n".join(
                [_capital(self.name), *(f"{mark}{self.label(k)}{between}{self.values[k]}" for k in self.said)]
            )
        told = []
        for number, key in enumerate(self.said):
            way = self._draw.choice(self._facts[key][2].split("|"))
            subject = self.name if not number or self._draw.random() < 0.35 else self._pronoun
            filled = way.replace("{s}", subject).replace("{n}", self.name).replace("{v}", self.values[key])
            told.append(_capital(written(filled.replace("|", " "), self._draw)) + ".")
        return " ".join(told)


def tabled(records: Sequence[Made], draw: Random) -> str:
    """Records of one kind that say the same facts, as a table in one of the usual forms."""
    first = records[0]
    head = [draw.choice(("Name", "Item", first.kind.title())), *(first.label(key) for key in first.said)]
    lines = [[_capital(r.name), *(r.values[key] for key in first.said)] for r in records]
    form = draw.randrange(4)
    if form == 0:
        return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *lines])
    if form < 3:
        return "\n".join(("\t", ";")[form - 1].join(row) for row in [head, *lines])
    return "\n".join("; ".join(f"{h}: {v}" for h, v in zip(head, row, strict=True)) for row in lines)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
