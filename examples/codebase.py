"""A package: symbols answered exactly, the rest by reading definitions. Offline: python examples/codebase.py"""

from __future__ import annotations

from pathlib import Path

from hybrid.pipelines.code.map import as_text
from hybrid.pipelines.code.pipeline import Codebase

QUESTIONS = (
    "Where is ParamType defined?",
    "Who calls convert_type?",
    "What does Context.forward call?",
    "How is the width of the terminal determined?",
)

if __name__ == "__main__":
    with Codebase("click") as code:
        for question in QUESTIONS:
            answer = code.ask(question)
            print(f"\n{question}\n  {answer.text[:300]}")
            print("  cited:", ", ".join(Path(citation.where).name for citation in answer.citations[:3]))
        print("\nThe map begins:", *as_text(code.map()).splitlines()[:12], sep="\n  ")
