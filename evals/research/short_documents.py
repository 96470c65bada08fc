"""Short documents that are made, with questions: half of what the default engine's weights are fitted on.

Each is of one theme of short_documents.txt and states some of its facts, as sections, as prose, as a list, as lines
"key: value" or as a table; the facts that are left out give questions without an answer. Wordings and values are the
project's own; none of them is taken from a benchmark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hybrid.corpus.readers.read import read_text
from hybrid.types import Piece

FORMS = ("sections", "prose", "lines", "bullets", "table")
_FIRST = (
    "Anna Bruno Clara David Elif Farid Greta Hugo Irene Jakob Karin Lars Mira Nils Olga Pavel Rosa Samir Tilda Victor"
)
_LAST = (
    "Abel Brandt Castell Demir Engel Fontana Grimm Hoffer Ivanov Jansen Keller Lopez Moreau Noack Olsson Petit Rossi"
)
_PLACES = "Aachen Bergen Cardiff Delft Esbjerg Ferrara Ghent Halle Innsbruck Jena Kassel Lund Metz Nantes Oslo Porto"
_MONTHS = "January February March April May June July August September October November December"

# theme: "# " and title; then a fact a line: key | sentences, "/" between two ways | questions
_THEMES = Path(__file__).with_suffix(".txt").read_text("utf-8")
_FILLERS = (
    "Further details are laid down in writing.", "All of them were told in good time.", "There was nothing to add.",
    "This has proved its worth.", "Changes need the consent of all.", "Please read this part with care.",
    "It was talked about at length.", "Nothing else is agreed.", "The list in the annex is part of it.",
)  # fmt: skip
_COLUMNS = {
    "department": (("Sales", "Legal", "Support", "Finance"), "Which department does {n} work in?"),
    "city": (tuple(_PLACES.split()), "In which city does {n} live?"),
    "salary": ((), "How much does {n} earn?"),
    "phone": ((), "What is {n}'s phone number?"),
    "start": ((), "When did {n} start?"),
    "room": ((), "Which room is {n} in?"),
    "manager": ((), "Who is {n}'s manager?"),
}


@dataclass(frozen=True)
class Made:
    """A document with a question."""

    text: str
    question: str
    golds: tuple[str, ...]  # empty: the document does not say
    half: int = 0  # themes are in one half each

    def pieces(self) -> list[Piece]:
        """As the engine gets it: the whole document."""
        return [Piece("document.md", self.text, 0)]


def made(count: int, seed: int = 0) -> Iterator[Made]:
    """Questions on `count` documents, about eight a document, a third of them without an answer."""
    themes: list[tuple[str, list[list[str]]]] = []
    for line in _THEMES.strip().splitlines():
        if line.startswith("# "):
            themes.append((line[2:], []))
        else:
            themes[-1][1].append([part.strip() for part in line.split("|")])
    for number in range(count):
        random = np.random.default_rng([seed, number])
        if number % 5 == 4:
            yield from (replace(one, half=number // 5 % 2) for one in _people(random))
        else:
            theme = number % len(themes)
            form = FORMS[int(random.integers(len(FORMS)))]
            yield from (replace(one, half=theme % 2) for one in _theme(random, *themes[theme], form))


def _theme(random: np.random.Generator, title: str, facts: list[list[str]], form: str) -> Iterator[Made]:
    order = random.permutation(len(facts))
    stated, left = order[: -len(facts) // 4], order[-len(facts) // 4 :]
    blocks, asked = [], []
    for i in stated:
        key, sentences, questions = facts[i]
        sentence, value = _filled(random, str(random.choice(sentences.split(" / "))))
        question = str(random.choice(questions.split(" ; ")))
        gold = value or sentence
        asked.append((question, gold))
        filler = str(random.choice(_FILLERS))
        blocks.append((key, sentence, gold, filler))
    heading, _ = _filled(random, title)
    text = _laid_out(random, heading, blocks, form)
    for question, gold in random.permutation(asked)[:6]:
        yield Made(text, str(question), (str(gold),))
    for i in left[:3]:
        yield Made(text, str(random.choice(facts[i][2].split(" ; "))), ())


def _laid_out(random: np.random.Generator, title: str, blocks: list[tuple[str, str, str, str]], form: str) -> str:
    if form == "sections":
        parts = [
            f"## {i}. {key}\n\n{s} {f if random.random() < 0.6 else ''}" for i, (key, s, _, f) in enumerate(blocks, 1)
        ]
    elif form == "prose":
        parts = [
            " ".join(f"{s} {f}" if random.random() < 0.3 else s for _, s, _, f in blocks[i : i + 3])
            for i in range(0, len(blocks), 3)
        ]
    elif form == "bullets":
        parts = ["\n".join(f"- {s}" for _, s, _, _ in blocks)]
    elif form == "lines":
        parts = ["\n".join(f"{key}: {gold}" if gold != s else f"{key}: {s}" for key, s, gold, _ in blocks)]
    else:
        rows = "\n".join(f"| {key} | {gold} |" for key, _, gold, _ in blocks)
        parts = [f"| Item | Value |\n|---|---|\n{rows}"]
    return read_text("document.md", f"# {title}\n\n" + "\n\n".join(part.strip() for part in parts) + "\n").text


def _filled(random: np.random.Generator, template: str) -> tuple[str, str]:
    """The template with values, and the last of the values."""
    value = ""
    for name, draw in _VALUES.items():
        if "{" + name + "}" in template:
            value = draw(random)
            template = template.replace("{" + name + "}", value)
    return template, value


def _name(random: np.random.Generator) -> str:
    return f"{random.choice(_FIRST.split())} {random.choice(_LAST.split())}"


_VALUES: dict[str, Callable[[np.random.Generator], str]] = {
    "place": lambda r: str(r.choice(_PLACES.split())),
    "date": lambda r: f"{r.integers(1, 29)} {r.choice(_MONTHS.split())} {r.integers(2015, 2031)}",
    "year": lambda r: str(r.integers(1850, 2020)),
    "time": lambda r: f"{r.integers(7, 20)}:{r.choice(['00', '30', '15'])}",
    "duration": lambda r: (
        f"{r.choice('two three four six 10 12 18 30'.split())} {r.choice('days weeks months years'.split())}"
    ),
    "count": lambda r: str(r.integers(3, 900)),
    "percent": lambda r: f"{r.integers(2, 30)} per cent",
    "money": lambda r: (
        (f"{r.integers(1, 9)},{r.integers(100, 999)}" if r.random() < 0.5 else f"{r.integers(10, 990)}") + " euros"
    ),
    "weight": lambda r: f"{r.integers(2, 30)}.{r.integers(1, 9)} kg",
    "length": lambda r: f"{r.integers(2, 12)} metres",
    "volume": lambda r: f"{r.integers(1, 6)}.{r.integers(1, 9)} litres",
    "grams": lambda r: f"{r.integers(2, 90)}0 g",
    "phone": lambda r: f"0{r.integers(100, 999)} {r.integers(10000, 99999)}",
    "person": _name,
}


def _people(random: np.random.Generator) -> Iterator[Made]:
    """A table of people as CSV, with questions on its cells, on a person it lacks and on a column it lacks."""
    names = list(dict.fromkeys(_name(random) for _ in range(12)))
    columns = [str(c) for c in random.permutation(list(_COLUMNS))[:4]]
    rows = []
    for _ in names:
        drawn = {
            "salary": str(random.integers(300, 900) * 100), "phone": str(random.integers(1000, 9999)),
            "start": f"20{random.integers(10, 25)}-0{random.integers(1, 9)}-{random.integers(10, 28)}",
            "room": f"{random.choice(list('ABC'))}{random.integers(100, 400)}", "manager": _name(random),
        }  # fmt: skip
        rows.append([drawn[c] if c in drawn else str(random.choice(_COLUMNS[c][0])) for c in columns])
    present, absent = names[:-2], names[-2:]
    lines = [",".join(["name", *columns]), *(",".join([n, *row]) for n, row in zip(present, rows, strict=False))]
    text = read_text("people.csv", "\n".join(lines) + "\n").text
    for _ in range(5):
        i, j = int(random.integers(len(present))), int(random.integers(len(columns)))
        about = present[i] if random.random() < 0.5 else present[i].split()[0]
        if sum(n.split()[0] == about for n in present) <= 1:
            yield Made(text, _COLUMNS[columns[j]][1].format(n=about), (f"{present[i]} ", present[i]))
    yield Made(text, _COLUMNS[columns[0]][1].format(n=absent[0]), ())
    lacking = next(c for c in _COLUMNS if c not in columns)
    yield Made(text, _COLUMNS[lacking][1].format(n=present[0]), ())
