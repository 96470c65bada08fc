"""The answer of a table, computed: rows are filtered, counted, added up, compared or grouped, and told in words.

Only what has the same unit is added up or compared. A cell that is too doubtful is not computed with, and is named.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import date

from hybrid.each.plan import Condition, Plan
from hybrid.each.written import short
from hybrid.text.values import measure_of, values
from hybrid.types import Cell, Citation, Column, Row, Table

_LISTED = 20  # rows that a text names
_CITED = 20  # citations of a text
_NAMES: dict[tuple[str, str], str] = {
    ("max", "duration"): "Longest", ("min", "duration"): "Shortest",
    ("max", "date"): "Latest", ("min", "date"): "Earliest",
}  # fmt: skip


@dataclass(slots=True)
class Computed:
    """The answer in words, with its citations."""

    text: str = ""
    citations: list[Citation] = field(default_factory=list)
    matching: tuple[str, ...] = ()  # titles of the rows that fulfil the conditions
    figures: dict[str, float] = field(default_factory=dict)  # what was computed, by unit


def computed(plan: Plan, table: Table) -> Computed:
    """What a plan computes from a table."""
    return _Computation(plan, table).run()


class _Computation:
    """One computation over the rows that could be asked."""

    def __init__(self, plan: Plan, table: Table) -> None:
        self.plan = plan
        self.columns = {column.name: (i, column) for i, column in enumerate(table.columns)}
        self.asked = [row for row in table.rows if not row.failed]
        self.failed = [row for row in table.rows if row.failed]
        self.what = "sections" if any(row.section for row in table.rows) else "documents"
        self.done = Computed()

    def run(self) -> Computed:
        judged = [(row, self._holds(row)) for row in self.asked]
        rows = [row for row, holds in judged if holds]
        unsure = [row for row, holds in judged if holds is None]
        self.done.matching = tuple(row.title for row in rows)
        if self.plan.compute in ("count", "list"):
            said = [self._listed(rows, len(unsure))]
        elif self.plan.compute == "group":
            said = [self._grouped(rows)]
        else:
            self.done.matching = ()
            said = [self._of(rows, name) for name in self.plan.of]
        taken = {id(row) for row in (*rows, *unsure)}
        left = [row for row in self.asked if id(row) not in taken and any(cell.doubt for cell in row.cells)]
        if left and self.plan.compute in ("count", "list"):
            said.append(f"Of the others {len(left)} may be judged wrongly: see the table.")
        if unsure:
            shown = self._names(unsure, self._why)
            said.append(f"Too doubtful to be {'counted' if self.plan.compute == 'count' else 'taken'}: {shown}.")
        if self.failed:
            said.append(f"Not read: {_cut([row.title for row in self.failed])}.")
        if any("(?)" in part for part in said):
            said.append("(?) marks what is doubtful.")
        self.done.text = " ".join(said)
        return self.done

    # -- which rows ----------------------------------------------------------------------------------------------

    def _holds(self, row: Row) -> bool | None:
        """Whether all conditions hold; None where that is too doubtful to tell."""
        found = [self._one(condition, row) for condition in self.plan.where]
        if any(holds is False for holds in found):
            return False
        return None if any(holds is None for holds in found) else True

    def _one(self, condition: Condition, row: Row) -> bool | None:
        cell, column = self._cell(row, condition.column), self.columns[condition.column][1]
        says = cell.value is not None and cell.value is not False
        if not cell.counts:
            return None
        if condition.test in ("said", "silent"):
            return says == (condition.test == "said")
        if not says:
            return False
        if condition.test in ("is", "contains"):
            wanted = condition.value.strip().lower()
            if column.kind == "yesno":
                return wanted in ("yes", "true")
            told = (str(cell.value).lower(), cell.shown.lower())
            return wanted in told if condition.test == "is" else any(wanted in text for text in told)
        compared = _compared(cell, column, condition.value, over=condition.test == "over")
        return None if compared is None else (compared > 0 if condition.test == "over" else compared < 0)

    def _cell(self, row: Row, name: str) -> Cell:
        return row.cells[self.columns[name][0]]

    # -- what is told --------------------------------------------------------------------------------------------

    def _listed(self, rows: Sequence[Row], unsure: int) -> str:
        total = self._many(len(self.asked))
        self.done.figures[""] = float(len(rows))
        if not rows and unsure:
            return f"None of {total}{' could be judged' if unsure == len(self.asked) else ', for certain'}."
        if not rows:
            return f"None of {total}."
        shown = self._names(rows, self._told)
        return f"{len(rows):,} of {total}: {shown}."

    def _many(self, count: int) -> str:
        return f"{count:,} {self.what if count != 1 else self.what[:-1]}"

    def _of(self, rows: Sequence[Row], name: str) -> str:
        """The sum, mean, largest or smallest of a column, by unit."""
        column = self.columns[name][1]
        with_value = [(row, cell) for row in rows if (cell := self._cell(row, name)).value is not None and cell.counts]
        known: dict[str, list[tuple[float, Row, Cell]]] = {}
        for row, cell in with_value:
            if (number := _number(cell, column)) is not None:
                known.setdefault(cell.unit, []).append((number, row, cell))
        tell = self._best if self.plan.compute in ("max", "min") else self._total
        told = [tell(column, unit, found) for unit, found in sorted(known.items())]
        left = [row for row in rows if all(row is not one for found in known.values() for _, one, _ in found)]
        text = " ".join(told) or f"No {column.title} is given that can be computed with."
        if len(told) > 1:
            text += " What differs in its unit was not put together."
        return text + (f" Without such a value: {self._names(left, self._why)}." if left else "")

    def _best(self, column: Column, unit: str, found: Sequence[tuple[float, Row, Cell]]) -> str:
        pick: Callable[[list[float]], float] = max if self.plan.compute == "max" else min
        best = pick([number for number, _, _ in found])
        winners = [(row, cell) for number, row, cell in found if number == best]
        self._put_down(column, unit, best, [row for row, _ in winners])
        word = _NAMES.get((self.plan.compute, column.kind), "Highest" if self.plan.compute == "max" else "Lowest")
        shown = "; ".join(
            f"{self._title(row)}, {short(cell.shown)}{self._mark(cell)}{_unsure(cell)}" for row, cell in winners
        )
        return f"{word} {column.title}{_per(unit)}: {shown}, of {len(found)} that give one."

    def _total(self, column: Column, unit: str, found: Sequence[tuple[float, Row, Cell]]) -> str:
        amount = sum(number for number, _, _ in found)
        word = "Total"
        if self.plan.compute == "mean":
            amount, word = amount / len(found), "Mean"
        self._put_down(column, unit, amount, [row for _, row, _ in found])
        shown = self._names([row for _, row, _ in found], lambda row: self._shown(self._cell(row, column.name)))
        return f"{word} {column.title}: {_written(amount, unit, column)} over {self._many(len(found))}: {shown}."

    def _put_down(self, column: Column, unit: str, figure: float, rows: Sequence[Row]) -> None:
        """Note a figure and the rows that it comes from."""
        several = len(self.plan.of) > 1
        self.done.figures[f"{column.name} {unit}".strip() if several else unit] = figure
        titles = (*self.done.matching, *(row.title for row in rows))
        self.done.matching = tuple(dict.fromkeys(titles))

    def _grouped(self, rows: Sequence[Row]) -> str:
        """The rows by a column; with amounts or numbers, their sum in each group."""
        if not rows:
            return f"None of {self._many(len(self.asked))}."
        column = self.columns[self.plan.by][1]
        groups: dict[Hashable, list[Row]] = {}
        for row in rows:
            groups.setdefault(_key(self._cell(row, self.plan.by)), []).append(row)
        ranked = sorted(
            ((key, self._named_group(key, own), own) for key, own in groups.items()),
            key=lambda group: (isinstance(group[0], str), -len(group[2]), group[1]),
        )
        self.done.figures |= {name: float(len(own)) for _, name, own in ranked}
        told = [f"{name}: {len(own)}{self._sums(own)} ({self._names(own, self._by)})" for _, name, own in ranked]
        return f"{self._many(len(rows))} by {column.title}: {'; '.join(told)}."

    def _named_group(self, key: Hashable, rows: Sequence[Row]) -> str:
        """What a group is called: as its first row writes it."""
        cell = self._cell(rows[0], self.plan.by)
        if isinstance(key, str):
            return key
        return short(cell.shown) if isinstance(cell.value, float | str) else "yes" if cell.value else "no"

    def _sums(self, rows: Sequence[Row]) -> str:
        """The sums of the columns that can be added up over a group, by unit."""
        told = []
        for name in self.plan.of:
            column = self.columns[name][1]
            if column.kind not in ("amount", "number"):
                continue
            sums: dict[str, list[float]] = {}
            for row in rows:
                cell = self._cell(row, name)
                if isinstance(cell.value, float) and cell.counts:
                    sums.setdefault(cell.unit, []).append(cell.value)
            told += [f"{column.title} {_written(sum(all_), unit, column)}" for unit, all_ in sorted(sums.items())]
        return f", {', '.join(told)}" if told else ""

    def _by(self, row: Row) -> str:
        by = self._cell(row, self.plan.by)
        return self._mark(by) + _unsure(by) + "".join(self._shown(self._cell(row, name)) for name in self.plan.of)

    def _told(self, row: Row) -> str:
        """The values of a row that are listed, with their marks; else the mark of what it was taken for."""
        if self.plan.of:
            return "".join(self._shown(self._cell(row, name)) for name in self.plan.of)
        judged = [self._cell(row, condition.column) for condition in self.plan.where]
        return self._mark(*judged) + _unsure(*judged)

    def _shown(self, cell: Cell) -> str:
        if not cell.counts:
            return f" (too doubtful{self._mark(cell)})"
        if cell.value is None:
            return " (not said)"
        return f" ({short(cell.shown)}{self._mark(cell)}{_unsure(cell)})"

    def _why(self, row: Row) -> str:
        """Why a row's cells are doubtful, with their marks."""
        named = [c.column for c in self.plan.where] + list(self.plan.of)
        cells = [cell for name in dict.fromkeys(named) if not (cell := self._cell(row, name)).counts]
        reasons = "; ".join(dict.fromkeys(cell.doubt for cell in cells if cell.doubt))
        return self._mark(*cells) + (f" ({reasons})" if reasons else "")

    def _names(self, rows: Sequence[Row], more: Callable[[Row], str]) -> str:
        return _cut([f"{self._title(row)}{more(row)}" for row in rows[:_LISTED]], len(rows))

    def _title(self, row: Row) -> str:
        """A row's name in the text: of what the question asks for, where a document says it."""
        cell = self._cell(row, self.plan.named) if self.plan.named else Cell()
        named = isinstance(cell.value, str) and cell.counts
        return f"{short(cell.shown)} ({row.title})" if named else row.title

    def _mark(self, *cells: Cell) -> str:
        """The numbers of the cells' citations, which are put down."""
        marks = []
        for cell in cells:
            if cell.citation is None:
                continue
            if cell.citation not in self.done.citations:
                if len(self.done.citations) >= _CITED:
                    continue
                self.done.citations.append(cell.citation)
            marks.append(f" [{self.done.citations.index(cell.citation) + 1}]")
        return "".join(dict.fromkeys(marks))


def _number(cell: Cell, column: Column) -> float | None:
    if column.kind == "date" and isinstance(cell.value, str):
        return float(date.fromisoformat(cell.value).toordinal())
    return cell.value if isinstance(cell.value, float) else None


def _compared(cell: Cell, column: Column, written: str, *, over: bool) -> float | None:
    """How much a cell is above what is written, above the end of a year if `over`; None where that cannot be told."""
    number = _number(cell, column)
    if number is None or column.kind in ("yesno", "text"):
        return None
    measure = measure_of(column.kind)
    wanted = values(written, measure)
    if not wanted and column.kind == "date" and written.strip().isdigit():  # a year
        return number - date(int(written), *((12, 31) if over else (1, 1))).toordinal()
    if not wanted:
        plain = values(written, "number")
        return number - plain[0].number if plain else None
    same = [value for value in wanted if value.unit in (cell.unit, "date", "")]
    return number - same[0].number if same else None


def _key(cell: Cell) -> Hashable:
    """What a cell is grouped by: its value, however it is written; text where it has none."""
    if cell.value is None:
        return "not said" if not cell.doubt else "too doubtful to tell"
    if not cell.counts:
        return "too doubtful to tell"
    return (" ".join(cell.value.lower().split()) if isinstance(cell.value, str) else cell.value, cell.unit)


def _unsure(*cells: Cell) -> str:
    """The mark of what is doubtful."""
    return " (?)" if any(cell.doubt for cell in cells) else ""


def _per(unit: str) -> str:
    return f" ({unit})" if unit not in ("", "days") else ""


def _written(amount: float, unit: str, column: Column) -> str:
    if column.kind == "date":
        return date.fromordinal(round(amount)).isoformat()
    figure = f"{amount:,.2f}".rstrip("0").rstrip(".")
    return f"{figure} {unit or column.unit}".strip()


def _cut(shown: Sequence[str], count: int = 0) -> str:
    """Some names, and how many more there are."""
    more = max(count, len(shown)) - min(_LISTED, len(shown))
    return ", ".join(shown[:_LISTED]) + (f" and {more} more (in the table)" if more else "")
