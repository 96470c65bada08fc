"""One clause of a contract, to be put beside the same clause of others: found by its title, else by what it says."""

from __future__ import annotations

from hybrid.pipelines.legal.clause import Clause
from hybrid.pipelines.legal.contract import Contract
from hybrid.pipelines.legal.question import cuad

from hybrid.index.fusion import Mode
from hybrid.index.protocol import Store
from hybrid.text.words import STOP, stems
from hybrid.types import Record

_LONG_CLAUSE = 12_000  # characters; a longer clause is an article, and only its first paragraph is compared
_NEAR = 0.35  # cosine from which a passage is taken to be about a clause whose words it does not have


class Compared(Record):
    """The clause of one document in a comparison; without text where the document has none."""

    document: str
    clause: str = ""  # the path of clauses
    text: str = ""
    by: str = ""  # found by its title or by its text
    page: int | None = None
    line: int = 0
    end_line: int = 0
    start: int = 0  # characters in the original
    end: int = 0


def compared(contract: Contract, wanted: str, store: Store, mode: Mode) -> Compared:
    """The clause of a contract that is called, or is about, what is wanted.

    Args:
        store: where the contract's passages are searched if no title fits.
        mode: how they are searched.
    """
    name = contract.document.name
    found, by = _titled(contract, wanted), "title"
    if found is None:
        found, by = _near(contract, wanted, store, mode), "text"
    if found is None:
        return Compared(document=name)
    start, end = found.start, found.end
    if end - start > _LONG_CLAUSE:
        start, end = contract.paragraph(start)
    text = contract.document.text[start:end].rstrip()
    place = contract.document.locate(start, start + len(text))
    return Compared(document=name, clause=found.path, text=text, by=by, **place._asdict())


def _titled(contract: Contract, wanted: str) -> Clause | None:
    """The clause whose title has all the words and the fewest others; the main text before schedules."""
    words = set(stems(wanted, STOP))
    found = []
    for number, clause in enumerate(contract.clauses):
        title = set(stems(clause.title, STOP))
        if words and words <= title and clause.end - clause.start > len(clause.name) + 20:
            in_schedule = contract.schedule(clause.start) is not None
            found.append((len(title - words), in_schedule, number))
    return contract.clauses[min(found)[2]] if found else None


def _near(contract: Contract, wanted: str, store: Store, mode: Mode) -> Clause | None:
    """The clause of the best passage that is about the subject; None where no passage is."""
    known = next((q for q in cuad() if q.name.lower() == wanted.strip().lower()), None)
    asked = wanted if known is None else known.ask
    passages = [(c.dense, c.passage) for c in store.search(asked, 8, mode, [contract.document.name])]
    if known is not None:
        over = [clause for _, passage in passages for clause in contract.over(passage.start, passage.end)]
        best = max(over, key=lambda clause: known.fits(contract.own(clause)), default=None)
        return best if best is not None and known.fits(contract.own(best)) else None
    words = set(stems(wanted, STOP))
    for dense, passage in passages:
        if dense is not None and dense >= _NEAR and words <= set(stems(passage.text)):
            over = contract.over(passage.start, passage.end)
            return max(over, key=lambda clause: len(words & set(stems(contract.own(clause)))), default=None)
    return None
