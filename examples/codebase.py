"""A package: symbols answered exactly, the rest by reading definitions. Offline: python examples/codebase.py"""

from __future__ import annotations

from pipelines.code import Codebase

QUESTIONS = (
    "Where is ParamType defined?",
    "Who calls get_terminal_size?",
    "How is the width of the terminal determined?",
)

if __name__ == "__main__":
    with Codebase("click") as code:
        for question in QUESTIONS:
            answer = code.ask(question)
            print(f"\n{question}\n  {answer.text[:400]}")
            print("  cited:", ", ".join(citation.where for citation in answer.citations[:3]))
        print("\n" + "\n".join(str(line) for line in code.map().lines[:12]))
