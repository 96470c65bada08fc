"""Questions over many contracts, counted and compared: `python -m hybrid.evals.bench.each [--data DIR] [--url URL]`.

own        the fourteen agreements of `clauses/`, seven at a time, with the questions of each.toml: the developer's on
           the agreements that were looked at, the others, written before there was a rule, on those that were not
contracts  ten contracts of 46,000 to 266,000 characters (L-Eval, from CUAD), with --data: which of them have a clause
           of a category. A contract has it where the data give an answer, and has not where it has none of the words
           in legal.toml, a list that is wide on purpose; others do not count. The odd ones were not looked at

`each` is what a user gets who asks plainly: the table where the question is understood, else the ordinary way. `rag`
and `long` are the same engine over passages and over whole documents; the documents that their answers cite are taken
for their list, and the number of these, or one that the answer gives, for their count.

right       the count, or what was computed, is right; for a list, all of it (of a list with a cell that can be read in
            two ways, the rest). Intervals over questions, which share their documents
precision   of the documents listed, those that belong there; recall: the reverse. Intervals clustered by document
understood  questions for which there was a table; right, with a table: of these
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from hybrid.evals.bench.clauses import HALVES, corpora
from hybrid.evals.bench.legal import contracts, silent
from hybrid.evals.bench.tables import Row, row, show
from hybrid.evals.cli.common import FOLDER

from hybrid import Answer, Hybrid, Settings, load
from hybrid.corpus.corpus import CorpusLike
from hybrid.errors import InputError
from hybrid.text.values import Measure, values

WAYS = ("each", "rag", "long")
ASKED: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))["question"]
SPLITS = dict(zip(("developer", "unseen"), HALVES, strict=True))
_NEAR = 0.005  # of a figure: rounding


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of a question."""

    yes: frozenset[str]  # documents
    open: frozenset[str] = frozenset()  # that can be read in two ways, or are not known
    values: Mapping[str, float] = field(default_factory=dict)  # by unit
    one: bool = False  # the documents are the answer, and not counted


@dataclass(frozen=True, slots=True)
class Case:
    """A question over a corpus."""

    question: str
    corpus: CorpusLike
    names: tuple[str, ...]
    truth: Truth
    data: str


def own(split: str) -> list[Case]:
    """The questions of a split on its own agreements."""
    half = SPLITS[split]
    documents: dict[str, str] = {}
    gold: dict[str, dict[str, str]] = {}
    for texts, cells in corpora(half):
        documents |= texts
        gold[next(iter(texts))] = cells
    named = {name.removeprefix(f"{half}-").removesuffix(".txt"): name for name in gold}
    cases = []
    for asked in ASKED:
        if asked["split"] == split:
            truth = _truth(asked, gold, named)
            cases.append(Case(asked["ask"], documents, tuple(gold), truth, f"own, {split}"))
    return cases


def _truth(asked: dict[str, Any], gold: Mapping[str, Mapping[str, str]], named: Mapping[str, str]) -> Truth:
    if "category" not in asked:
        which = frozenset(named[name] for name in asked.get("which", ()))
        return Truth(which, values=asked.get("values", {}), one=True)
    cells = {name: own_.get(asked["category"], "") for name, own_ in gold.items()}
    unclear = frozenset(name for name, cell in cells.items() if cell == "?")
    has = {name for name, cell in cells.items() if cell and not cell.startswith("denied") and name not in unclear}
    return Truth(frozenset(cells) - unclear - has if asked.get("not") else frozenset(has), unclear)


def from_cuad(data: Path) -> list[Case]:
    """Which of the contracts of L-Eval have a clause, for the categories that a question asks for."""
    texts: dict[str, str] = {}
    has: dict[str, set[str]] = {}
    hasnt: dict[str, set[str]] = {}
    for name, text, asked in contracts(data):
        texts[name] = text
        for one in asked:
            has.setdefault(one.category.lower(), set()).add(name)
        for one in silent(text):
            hasnt.setdefault(one.category.lower(), set()).add(name)
    cases = []
    for asked_ in ASKED:
        category = asked_.get("category", "").lower()
        if category in has and not asked_.get("not"):
            known = has[category] | hasnt.get(category, set())
            truth = Truth(frozenset(has[category]), frozenset(texts) - known)
            cases.append(Case(asked_["ask"], texts, tuple(texts), truth, "contracts"))
    return cases


def listed(answer: Answer, names: Sequence[str]) -> set[str]:
    """The documents that an answer names: those taken from its table, else those it cites."""
    if answer.table is not None:
        return set(answer.table.taken)
    return {citation.document for citation in answer.citations} & set(names)


def right(case: Case, answer: Answer) -> bool:
    """Whether an answer has the right count, documents or figures."""
    truth, found = case.truth, listed(answer, case.names)
    if truth.values:
        if answer.table is not None:
            got = answer.table.figures
            return got.keys() == truth.values.keys() and all(_close(got[u], v) for u, v in truth.values.items())
        kinds: tuple[Measure, ...] = ("amount", "duration")
        told = [value.number for kind in kinds for value in values(answer.text, kind)]
        return all(any(_close(number, value) for number in told) for value in truth.values.values())
    if truth.one or answer.table is not None or not re.match(r"(?i)(how many|count|in how many)", case.question):
        return found - truth.open == truth.yes
    said = {int(value.number) for value in values(answer.text, "number")} if not truth.open else set()
    return len(found - truth.open) == len(truth.yes) or len(truth.yes) in said


def _close(one: float, other: float) -> bool:
    return abs(one - other) <= _NEAR * abs(other)


def rows(cases: Sequence[Case], answers: Mapping[str, Sequence[Answer]], odd: bool = False) -> Iterator[Row]:
    """The figures of every way.

    Args:
        odd: only the documents with an odd number count.
    """
    data = cases[0].data + (", not looked at" if odd else "")
    for way, found in answers.items():
        if not odd and cases[0].data != "contracts":
            judged = [(float(right(*pair)), pair[1].table is not None) for pair in zip(cases, found, strict=True)]
            yield row(data, way, "right", [good for good, _ in judged])
            if way == "each":
                yield row(data, way, "right, with a table", [good for good, tabulated in judged if tabulated])
        cells: dict[bool, tuple[list[float], list[str]]] = {True: ([], []), False: ([], [])}
        for case, answer in zip(cases, found, strict=True):
            if case.truth.values:
                continue
            got = listed(answer, case.names)
            for name in case.names:
                if name in case.truth.open or (odd and not int(re.sub(r"\D", "", name)) % 2):
                    continue
                for of, where, inside in ((True, got, case.truth.yes), (False, case.truth.yes, got)):
                    if name in where:
                        cells[of][0].append(float(name in inside))
                        cells[of][1].append(name)
        yield row(data, way, "precision", *cells[True])
        yield row(data, way, "recall", *cells[False])
        if way == "each":
            yield row(data, way, "understood", [float(answer.table is not None) for answer in found])


def answered(hybrid: Hybrid, cases: Sequence[Case], ways: Sequence[str]) -> dict[str, list[Answer]]:
    """The answers by each way, the corpus opened once."""
    store = hybrid.open(cases[0].corpus)
    found: dict[str, list[Answer]] = {way: [] for way in ways}
    for number, case in enumerate(cases, 1):
        for way in ways:
            forced: Any = {} if way == "each" else {"route": way}
            found[way].append(hybrid.answer(case.question, store, **forced))
        click.echo(f"{case.data}: {number} of {len(cases)}", err=True)
    return found


def _settings(url: str | None, model: str | None) -> Settings:
    return load(overrides={"engine": {"kind": "server", "url": url, "model": model}} if url else {}, environ={})


@click.command()
@click.option("--data", type=FOLDER, help="Folder of the data sets; none: the own agreements alone.")
@click.option("--url", help="A server whose model is asked, in the place of the quoting engine.")
@click.option("--model", help="Its model.")
@click.option("--set", "sets", type=click.Choice([*SPLITS, "contracts"]), multiple=True, help="Default: all there are.")
@click.option("--way", "ways", type=click.Choice(WAYS), multiple=True, help="Default: all.")
@click.option("--questions", type=click.IntRange(1), help="The first so many of each split.")
@click.option("--show", "shows", is_flag=True, help="Show every answer of the rung each that is not right.")
@click.option("--json", "as_json", is_flag=True)
def main(
    data: Path | None,
    url: str | None,
    model: str | None,
    sets: tuple[str, ...],
    ways: tuple[str, ...],
    questions: int | None,
    shows: bool,
    as_json: bool,
) -> None:
    """Measure counting and comparing over many contracts."""
    found: list[Row] = []
    with Hybrid(_settings(url, model)) as hybrid:
        for name in sets or (*SPLITS, *(["contracts"] if data is not None else [])):
            if name == "contracts" and data is None:
                raise InputError("The set contracts is in the folder of the data sets: name it with --data.")
            cases = (own(name) if name in SPLITS else from_cuad(data))[:questions]  # type: ignore[arg-type]
            big = cases[0].data == "contracts"
            answers = answered(hybrid, cases, [way for way in ways or WAYS if not (big and way == "long")])
            found += rows(cases, answers)
            if big:
                found += rows(cases, answers, odd=True)
            if shows and "each" in answers:
                _show(cases, answers["each"])
    show(found, as_json)


def _show(cases: Sequence[Case], answers: Sequence[Answer]) -> None:
    for case, answer in zip(cases, answers, strict=True):
        if case.data == "contracts" or not right(case, answer):
            want = sorted(case.truth.yes) or dict(case.truth.values)
            table = "" if answer.table is not None else "NO TABLE "
            click.echo(
                f"\n{case.question}\n  want {want}, open {sorted(case.truth.open)}\n  {table}{answer.text}", err=True
            )


if __name__ == "__main__":
    main()
