"""Codebases: `python -m hybrid.evals.bench.code symbols|retrieval|names|speed`.

symbols    questions about names, asked of installed packages through `hybrid code ask`; the truth is computed with
           Python's own `ast`, which shares nothing with the tree-sitter index that answers
retrieval  SWE-QA: words of the reference answers found in what is retrieved, beside LlamaIndex's plain pipeline
names      questions that name a definition: whether words alone find it, with whole names indexed and without
speed      lines a second of the symbol index, and an update after one edit
"""

from __future__ import annotations

import click
from hybrid.evals.bench.code.names import names
from hybrid.evals.bench.code.retrieval import retrieval
from hybrid.evals.bench.code.speed import speed
from hybrid.evals.bench.code.symbols import symbols


@click.group()
def main() -> None:
    """Measure what is said about codebases."""


for command in (symbols, retrieval, names, speed):
    main.add_command(command)

if __name__ == "__main__":
    main()
