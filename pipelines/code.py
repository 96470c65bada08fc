"""A codebase: questions answered with whole definitions, cited as path:line.

    python -m pipelines.code src/ "How are default values resolved?"
    python -m pipelines.code requests "Who raises ConnectTimeout?"       an installed package by name

The choices made over the defaults: whole definitions are read (the rung `sections`: passages under the same class or
function belong together) in the order of the files, tests and documentation are left out unless they are asked for,
and twelve instead of eight passages are looked at, because code answers in several places.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import click

from hybrid import Hybrid, Settings, load
from hybrid.cli.ask import show
from hybrid.cli.common import console, corpus_options, engine_options, print_json, progress_bars, settings_from
from hybrid.cli.main import guarded

TESTS = ("tests/", "test/", "test_*.py", "*_test.go", "*.spec.ts", "*.test.js", "docs/", "*.lock", "*.min.js", "*.svg")


def settings(base: Settings | None = None, *, with_tests: bool = False) -> Settings:
    """The settings of this pipeline over `base`."""
    base = base or load()
    corpus = base.corpus.model_copy(update={"exclude": base.corpus.exclude + (() if with_tests else TESTS)})
    retrieval = base.retrieval.model_copy(update={"k": max(12, base.retrieval.k)})
    routing = base.routing.model_copy(update={"ordering": "document"})
    return base.model_copy(update={"corpus": corpus, "retrieval": retrieval, "routing": routing})


def source(what: str) -> Path:
    """The folder of a codebase: a path, or an installed package by name."""
    path = Path(what)
    if path.exists() or not what.isidentifier():
        return path
    found = find_spec(what)
    if found is None or not found.submodule_search_locations:
        return path
    return Path(next(iter(found.submodule_search_locations)))


@click.command("code")
@click.argument("codebase")
@click.argument("questions", nargs=-1, required=True)
@click.option("--with-tests", is_flag=True, help="Read tests and documentation too.")
@click.option("--explain", is_flag=True, help="Show what every way of reading was expected to take.")
@engine_options
@corpus_options
def main(codebase: str, questions: tuple[str, ...], with_tests: bool, explain: bool, **options: object) -> None:
    """Ask QUESTIONS about CODEBASE: a folder, or an installed package by name."""
    chosen = settings(settings_from(options), with_tests=with_tests)
    with Hybrid(chosen) as hybrid, progress_bars(quiet=bool(options["quiet"])) as progress:
        answers = hybrid.answer_many(questions, source(codebase), rung="sections", progress=progress)
    if options["as_json"]:
        print_json([answer.model_dump() for answer in answers])
        return
    for answer in answers:
        show(console(), answer, explain=explain, with_question=len(answers) > 1)


if __name__ == "__main__":
    sys.exit(guarded(main))
