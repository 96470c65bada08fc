"""`make demo`: six questions over a real filing and a real codebase, answered offline with no model to download.

Each shows its answer, the place, which way was taken and why, and what was read against always reading the whole.
With --explain each shows in addition what every way was expected to cost on a GPU.
"""

from __future__ import annotations

import os
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from hybrid import Answer, Hybrid, Settings, UserError
from hybrid.cli.ask import show
from hybrid.cli.common import console, labelled
from hybrid.cli.progress import progress_bars
from hybrid.text.blocks import as_shown, source_language
from hybrid.text.words import stems

if TYPE_CHECKING:
    from rich.console import Console

FILING = Path(__file__).parent / "filing" / "genprex-10-q-2024-q1.txt"
ON_FILING = (
    "How much cash did the company have as of March 31, 2024?",
    "How do research and development expenses compare between the first quarters of 2024 and 2023?",
    "What is the company's strategy for reducing its carbon footprint?",
)
ON_CODE = (
    "What exception is raised when a required parameter is missing?",
    "How are passwords hidden when prompting?",
    "Which function waits until the user presses any key?",
)


def main() -> int:
    """Ask, show what came of it, and sum it up."""
    out, explain, began = console(), "--explain" in sys.argv[1:], perf_counter()
    package = find_spec("click")
    if package is None or not package.submodule_search_locations:
        out.print("The package click is not installed; install this project first: make demo")
        return 2
    code = Path(package.submodule_search_locations[0])
    read = whole = silent = 0
    try:
        # the settings are the defaults, whatever the folder or the environment says: a demo should look the same
        with Hybrid(Settings()) as hybrid:
            for corpus, named, questions in (
                (FILING, "a quarterly report", ON_FILING),
                (code, "click's code", ON_CODE),
            ):
                with progress_bars(quiet=False) as progress:
                    store = hybrid.open(corpus, progress)
                entries = store.entries()
                tokens = sum(entry.tokens for entry in entries)
                files = f"{len(entries)} files" if len(entries) > 1 else "1 file"
                out.rule(f"[bold]{named}[/]: {files}, {tokens:,} tokens")
                for question in questions:
                    answer = hybrid.answer(question, store)
                    if explain:
                        show(out, answer, explain=True, with_question=True)
                    else:
                        tell(out, answer, tokens)
                    read, whole = read + answer.usage.prompt_tokens, whole + tokens
                    silent += answer.abstained
    except UserError as error:
        out.print(f"Error: {error}", markup=False)
        return error.exit_code
    asked, seconds = len(ON_FILING) + len(ON_CODE), perf_counter() - began
    out.rule()
    out.print(f"{asked} questions: {asked - silent} answered with the place, {silent} not in the documents.")
    out.print(
        f"[bold]{read:,} tokens read instead of {whole:,}: {read / whole:.0%}[/], in {seconds:.0f} s, without a GPU."
    )
    program = os.path.relpath(Path(sys.executable).with_name("hybrid"))
    out.print(f'Your own files: {program} ask "..." FOLDER', markup=False, highlight=False)
    out.print(f"This engine quotes. With a model behind it, it writes: {program} init", markup=False, highlight=False)
    return 0


MOST_LINES = 6  # of a definition that is shown in whole
FEW = 4  # of each part of a longer one


def in_few_lines(answer: Answer) -> str:
    """The answer; of a long definition only its signature and what its docstring says, marked where it goes on."""
    if not any(source_language(citation.document) for citation in answer.citations):
        return answer.text
    quotes = [as_shown(citation.document, citation.quote) for citation in answer.citations]
    return "\n".join(f"{outlined(quote, answer.question)} [{number}]" for number, quote in enumerate(quotes, 1))


def outlined(definition: str, question: str) -> str:
    """A definition on a few lines: its signature, what it says of itself first, and what it says on the question."""
    lines = definition.splitlines()
    if len(lines) <= MOST_LINES:
        return definition
    closes = next((i for i, line in enumerate(lines) if line.startswith(")")), 0) if lines[0].endswith("(") else 0
    head = [f"{lines[0]}…{lines[closes]}" if closes else lines[0]]
    parts = [part.strip("\n") for part in re.split(r"\n\s*\n|\n(?=\s*:\w+)", "\n".join(lines[closes + 1 :]))]
    asked = set(stems(question))
    best = max(parts, key=lambda part: len(asked & set(stems(part))))  # the first of equals
    shown = [part.splitlines()[:FEW] for part in dict.fromkeys((parts[0], best))]
    left = len(lines) - closes - 1 - sum(map(len, shown))
    return "\n".join([*head, *"\n    …\n".join(map("\n".join, shown)).splitlines(), f"    … {left} more lines"])


def tell(out: Console, answer: Answer, tokens: int) -> None:
    """Print an answer, its places, the way and what was read.

    Args:
        tokens: of the whole corpus.
    """
    out.print(f"\n[bold]{answer.question}[/]", highlight=False)
    out.print(in_few_lines(answer), markup=False, highlight=False)
    for number, citation in enumerate(answer.citations, 1):
        place = os.path.relpath(citation.path or citation.document) + f":{citation.line}"
        labelled(out, f"  [cyan]\\[{number}][/]  ", place)
    passages = answer.attempts[0].usage.prompt_tokens
    if len(answer.attempts) == 1:
        way = f"passages ({passages:,} tokens): they hold an answer, so the rest was not read"
    elif answer.abstained:
        way = f"passages ({passages:,} tokens), then the whole: neither holds an answer, so none is made up"
    else:
        way = f"passages ({passages:,} tokens), then the whole, since they held no answer"
    labelled(out, "  [dim]way[/]  ", way)
    share = answer.usage.prompt_tokens / tokens
    labelled(
        out,
        "  [dim]cost[/] ",
        f"{answer.usage.prompt_tokens:,} tokens read; always reading the whole: {tokens:,} ({share:.0%})",
    )


if __name__ == "__main__":
    sys.exit(main())
