"""Questions about texts that are in memory, streamed, and many at once. Offline: python examples/texts.py"""

from __future__ import annotations

from hybrid import Answer, Hybrid

LEASES = {
    "lease A": "The lease of the warehouse in Cairo ends on 30 April 2029. Rent is due each month.",
    "lease B": "The lease of the office in Lima ends on 31 August 2031. It may be renewed twice for two years each.",
}

if __name__ == "__main__":
    with Hybrid() as hybrid:
        leases = hybrid.open(LEASES)
        for piece in hybrid.stream("When does the lease of the office in Lima end?", leases):
            if isinstance(piece, Answer):
                print(f"\n  {piece.route}: {piece.reason}\n  {[c.where for c in piece.citations]}")
            else:
                print(piece, end="", flush=True)
        for answer in hybrid.answer_many(["How often is rent due?", "Who is the landlord?"], leases):
            print(f"{answer.question} -> {answer.text}")
