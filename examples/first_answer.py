"""The shortest way: one call over a folder, and what comes with the answer. Offline: python examples/first_answer.py"""

from __future__ import annotations

from pathlib import Path

from hybrid import answer

FILINGS = Path(__file__).parent / "filing"

if __name__ == "__main__":
    found = answer("What was the net loss for the three months ended March 31, 2024?", FILINGS)
    print(found.text)
    print("route:    ", found.route, "because", found.reason)
    for citation in found.citations:
        print("citation: ", Path(citation.where).name, "-", citation.quote[:60])
    print("read:     ", found.usage.prompt_tokens, "tokens in", found.usage.calls, "call")
    for other in found.decision.predictions:
        print(f"{other.rung + ':':<11}", f"{other.prompt_tokens:,} tokens expected, ${other.cost.dollars:.2g} on a GPU")
