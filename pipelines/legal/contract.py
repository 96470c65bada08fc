"""A contract: its clauses, found by their numbers wherever the numbering is regular enough to be trusted.

`Contract.of(document)` reads a document's marks and nests them. Numbers may stand in running text, restart in every
schedule, or be missing altogether; then headings and paragraphs are what there is. Every clause keeps its character
range in `Document.text`, and through `Document.locate` its place in the original.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from hybrid.pipelines.legal.clause import Clause, label_key
from hybrid.pipelines.legal.marks import marks
from hybrid.pipelines.legal.nesting import clauses

from hybrid.document import Document

_PARAGRAPH = re.compile(r"\n[ \t\r]*\n\s*")


@dataclass
class Contract:
    """One document as clauses."""

    document: Document
    clauses: tuple[Clause, ...]

    @staticmethod
    def of(document: Document) -> Contract:
        """The clauses of a document. A text without any mark is one preamble."""
        return Contract(document, tuple(clauses(document.text, marks(document))))

    def at(self, position: int) -> Clause | None:
        """The innermost clause that holds a character of `Document.text`; None for an empty document."""
        for i in range(bisect_right(self._starts, position) - 1, -1, -1):
            if self.clauses[i].end > position:
                return self.clauses[i]
        return None

    def _holding(self, position: int) -> list[Clause]:
        """The clauses that hold a character, from the innermost outwards."""
        clause = self.at(position)
        return [] if clause is None else [clause, *self.above(clause)]

    def above(self, clause: Clause) -> Iterator[Clause]:
        """The clauses around one, from the nearest outwards."""
        level = clause.level
        for other in reversed(self.clauses[: bisect_right(self._starts, clause.start)]):
            if other.level < level and other.start <= clause.start < other.end:
                level = other.level
                yield other

    def around(self, start: int, end: int, limit: int) -> tuple[int, int]:
        """What has to be read to understand the characters `start:end`: whole clauses, at most about `limit` long.

        The largest clause around the range that is no longer than `limit`. Where even the innermost is longer, the
        whole paragraphs next to the range; and always the range itself.
        """
        low, high = start, end
        for position in (start, max(start, end - 1)):
            holding = self._holding(position)
            fitting = [clause for clause in holding if clause.end - clause.start <= limit]
            if fitting:
                low, high = min(low, fitting[-1].start), max(high, fitting[-1].end)
            elif holding:
                low = min(low, self._paragraph(start, holding[0].start)[0])
                high = max(high, self._paragraph(end, low)[1])
        if high - low > 2 * limit:
            return start, end
        return low, high

    def labelled(self, label: str, near: int = 0) -> Clause | None:
        """The clause of that label; of several the one in the same schedule as `near`, else in the main text."""
        found = self._by_label.get(label_key(label), [])
        if not found:
            return None
        here = self.schedule(near)
        same = [clause for clause in found if self.schedule(clause.start) == here]
        main = [clause for clause in found if self.schedule(clause.start) is None]
        return (same or main or found)[0]

    def schedule(self, position: int) -> Clause | None:
        """The schedule or exhibit that holds a place, None in the main text."""
        return next((c for c in self._holding(position) if c.kind == "schedule" and c.start > 200), None)

    def over(self, start: int, end: int) -> list[Clause]:
        """The innermost clauses that a range of `Document.text` touches, in order."""
        first = self.at(start)
        inside = [clause for clause in self.clauses if start <= clause.start < end]
        return inside if first is None or first in inside else [first, *inside]

    def own(self, clause: Clause) -> str:
        """The text of a clause without that of the clauses below it."""
        i = bisect_right(self._starts, clause.start)
        stop = self._starts[i] if i < len(self._starts) else clause.end
        return self.document.text[clause.start : min(stop, clause.end)]

    def paragraph(self, position: int) -> tuple[int, int]:
        """The paragraph that holds a place, not beyond the innermost clause around it."""
        clause = self.at(position)
        floor, ceiling = (clause.start, clause.end) if clause is not None else (0, len(self.document.text))
        start, end = self._paragraph(position, floor)
        return start, min(end, max(ceiling, position))

    def _paragraph(self, position: int, floor: int) -> tuple[int, int]:
        text = self.document.text
        before = text.rfind("\n\n", floor, position)
        after = _PARAGRAPH.search(text, position)
        return (before + 2 if before >= 0 else floor), (after.start() if after else len(text))

    @cached_property
    def _starts(self) -> list[int]:
        return [clause.start for clause in self.clauses]

    @cached_property
    def _by_label(self) -> dict[str, list[Clause]]:
        found: dict[str, list[Clause]] = {}
        for clause in self.clauses:
            if clause.label:
                found.setdefault(label_key(clause.label), []).append(clause)
        return found
