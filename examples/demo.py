"""`make demo`: questions over a real filing and a real codebase, answered offline with no model to download.

Every answer shows its route and the reason, quotations that can be opened, and what each way of reading was expected
to cost on a GPU.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from hybrid import Hybrid, Settings, UserError
from hybrid.cli.ask import show
from hybrid.cli.common import console
from hybrid.cli.progress import progress_bars

FILING = Path(__file__).parent / "filing" / "genprex-10-q-2024-q1.txt"
ON_FILING = (
    "What was the net loss for the three months ended March 31, 2024?",
    "Where is the company's principal office leased?",
    "What is the company's strategy for reducing its carbon footprint?",
)
ON_CODE = (
    "Which class parses command line arguments into options and arguments?",
    "How is the width of the terminal determined?",
)


def main() -> int:
    """Ask, and show what came of it."""
    out = console()
    package = find_spec("click")
    if package is None or not package.submodule_search_locations:
        out.print("The package click is not installed; install this project first: make demo")
        return 2
    try:
        # the settings are the defaults, whatever the folder or the environment says: a demo should look the same
        with Hybrid(Settings()) as hybrid:
            for corpus, questions in (
                (FILING, ON_FILING),
                (Path(package.submodule_search_locations[0]), ON_CODE),
            ):
                with progress_bars(quiet=False) as progress:
                    store = hybrid.open(corpus, progress)
                tokens = sum(entry.tokens for entry in store.entries())
                out.rule(f"{corpus.name}: {len(store.entries())} documents, {tokens:,} tokens, {len(store):,} passages")
                for question in questions:
                    show(out, hybrid.answer(question, store), explain=True, with_question=True)
    except UserError as error:
        out.print(f"Error: {error}", markup=False)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
