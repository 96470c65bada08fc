"""Leases that tests ask about, as texts and as documents of LlamaIndex."""

from __future__ import annotations

from llama_index.core import Document

LEASES = {
    "cairo.txt": "The lease of the warehouse in Cairo ends on 30 April 2029. Rent is due each month.",
    "lima.txt": "The lease of the office in Lima ends on 31 August 2031. It may be renewed twice.",
}
QUESTION = "When does the lease of the office in Lima end?"


def long_lease(city: str, rent: int) -> str:
    clauses = " ".join(
        f"Clause {i} of the lease in {city} is about matters of order number {i}, which the parties settle among "
        "themselves in good faith."
        for i in range(20)
    )
    return f"This is the lease of the office in {city}. {clauses} The monthly rent in {city} is {rent} dollars."


LONG = {f"{city}.txt": long_lease(city, 1_000 + 10 * i) for i, city in enumerate(("Lima", "Cairo", "Quito", "Oslo"))}
RENT = "What is the monthly rent in Quito?"


def documents(texts=LONG) -> list:
    return [Document(text=text, id_=name, metadata={"file_name": name}) for name, text in texts.items()]
