"""A folder of contracts, each asked with its amendment shown first. Offline: python examples/legal_folder.py"""

from __future__ import annotations

from pathlib import Path

from hybrid.pipelines.legal.pipeline import Legal, settings

from hybrid import Hybrid

CONTRACTS = Path(__file__).parent / "contracts"
QUESTIONS = (
    "When does the agreement end?",
    "Which law governs the agreement?",
    "Is the liability of a party limited?",
    "Who insures the goods in transit?",
)

if __name__ == "__main__":
    with Hybrid(settings()) as hybrid:
        contracts = Legal(hybrid, CONTRACTS)
        for question in QUESTIONS:
            print(f"\n{question}")
            for finding in contracts.ask(question):
                print(f"  {finding.document}: {finding.text}")
                for statement in finding.statements:
                    print(f"      {statement.place}")
