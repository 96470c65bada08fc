"""Contracts and filings: one question or a checklist, each answer a quotation with its clause.

    python -m pipelines.legal contracts/                       the checklist, for every document
    python -m pipelines.legal contracts/ "Who are the parties?"

The choices made over the defaults: a question is asked of each document on its own, because clauses of different
contracts look alike; whole clauses are read (the rung `sections`) in the order of the document, because what a clause
means depends on what stands before it; and what a document does not say is said.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import click

from hybrid import Answer, Hybrid, Settings, load
from hybrid.cli.common import console, corpus_options, engine_options, print_json, progress_bars, settings_from
from hybrid.cli.main import guarded
from hybrid.index.store import Progress

CHECKLIST = (
    "Who are the parties to the agreement?",
    "On what date does the agreement become effective?",
    "When does the agreement end, and how long is its initial term?",
    "How is the agreement renewed?",
    "Which law governs the agreement?",
    "How may the agreement be terminated for convenience?",
    "Is the liability of a party limited or capped?",
    "May the agreement be assigned without consent?",
)


def settings(base: Settings | None = None) -> Settings:
    """The settings of this pipeline over `base`."""
    base = base or load()
    routing = base.routing.model_copy(update={"ordering": "document"})
    return base.model_copy(update={"routing": routing})


def review(
    hybrid: Hybrid, paths: Sequence[str], questions: Sequence[str] = CHECKLIST, progress: Progress | None = None
) -> Iterator[tuple[str, Answer]]:
    """Every question asked of every document: pairs of a document's name and an answer."""
    store = hybrid.open(list(paths), progress)
    names = [entry.name for entry in store.entries()]
    for done, name in enumerate(names, 1):
        for answer in hybrid.answer_many(questions, store, rung="sections", documents=[name]):
            yield name, answer
        if progress is not None:
            progress("documents", done, len(names))


@click.command("legal")
@click.argument("path")
@click.argument("questions", nargs=-1)
@engine_options
@corpus_options
def main(path: str, questions: tuple[str, ...], **options: object) -> None:
    """Ask QUESTIONS, or a checklist, of every document under PATH."""
    with Hybrid(settings(settings_from(options))) as hybrid, progress_bars(quiet=bool(options["quiet"])) as progress:
        found = list(review(hybrid, [path], questions or CHECKLIST, progress))
    if options["as_json"]:
        print_json([{"document": name, **answer.model_dump()} for name, answer in found])
        return
    from rich.table import Table

    table = Table("document", "question", "answer", "line", show_lines=True)
    for name, answer in found:
        lines = ", ".join(str(c.line if c.page is None else f"p. {c.page}") for c in answer.citations)
        table.add_row(name, answer.question, answer.text.replace("[", "\\["), lines)
    console().print(table)


if __name__ == "__main__":
    sys.exit(guarded(main))
