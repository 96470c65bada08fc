"""What is computed from a table, and how it is told."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from hybrid.each.compute import computed
from hybrid.each.plan import Condition, Plan
from hybrid.types import Cell, Citation, Column, Row, Table

YES = Column(name="capped", kind="yesno")
LONG = Column(name="notice", kind="duration")
ENDS = Column(name="ends", kind="date")
LAW = Column(name="law", kind="text")


def cited(document: str, **cell: Any) -> Cell:
    place = {"page": None, "line": 1, "end_line": 1, "start": 0, "end": 5, "heading": "", "score": 1.0}
    return Cell(citation=Citation(document=document, path=None, quote=f"as {document} says", **place), **cell)


def table(column: Column, **cells: Cell | str) -> Table:
    """A table of one column; text in the place of a cell is why a document was not asked."""
    rows = [
        Row(document=name, failed=cell) if isinstance(cell, str) else Row(document=name, cells=(cell,))
        for name, cell in cells.items()
    ]
    return Table(columns=(column,), rows=tuple(rows), computed="")


def plan(column: Column, compute: str, *where: Condition, **more: Any) -> Plan:
    return Plan(columns=(column,), where=where, compute=compute, **more)  # type: ignore[arg-type]


def said(column: Column) -> Condition:
    return Condition(column=column.name, test="said")


CAPPED = table(
    YES,
    a=cited("a", value=True),
    b=Cell(),
    c=cited("c", value=True, doubt="the clause is left empty", counts=False),
    d="the server is down",
    e=cited("e", value=False),
)


def test_a_count_names_what_it_counts_what_is_doubtful_and_what_was_not_read() -> None:
    found = computed(plan(YES, "count", said(YES)), CAPPED)
    assert found.text == (
        "1 of 4 documents: a [1]. Too doubtful to be counted: c [2] (the clause is left empty). Not read: d."
    )
    assert [citation.document for citation in found.citations] == ["a", "c"]
    assert (found.matching, found.figures) == (("a",), {"": 1.0})


def test_what_is_not_said_is_counted_too() -> None:
    found = computed(plan(YES, "list", Condition(column="capped", test="silent")), CAPPED)
    assert found.matching == ("b", "e")
    none = computed(plan(YES, "count", said(YES)), table(YES, a=Cell(), b=Cell()))
    assert none.text == "None of 2 documents."


def test_none_is_not_told_of_what_could_not_be_judged() -> None:
    unsure = cited("a", doubt="its quotation is not there", counts=False)
    found = computed(plan(YES, "count", said(YES)), table(YES, a=unsure, b=unsure))
    assert found.text.startswith("None of 2 documents could be judged. Too doubtful to be counted: a [1]")
    found = computed(plan(YES, "count", said(YES)), table(YES, a=unsure, b=Cell()))
    assert found.text.startswith("None of 2 documents, for certain. Too doubtful to be counted: a [1]")


def days(document: str, number: float, **more: Any) -> Cell:
    return cited(document, value=number, unit="days", shown=f"{number:g} days", **more)


NOTICE = table(
    LONG, a=days("a", 30.0), b=days("b", 90.0), c=Cell(), d=days("d", 90.0), e=days("e", 400.0, counts=False)
)


def test_the_largest_is_told_with_all_that_share_it_and_without_what_is_doubtful() -> None:
    found = computed(plan(LONG, "max", of=("notice",)), NOTICE)
    assert found.text.startswith("Longest notice: b, 90 days [1]; d, 90 days [2], of 3 that give one.")
    assert "Without such a value: c, e" in found.text
    assert (found.matching, found.figures) == (("b", "d"), {"days": 90.0})


def test_sums_and_means() -> None:
    assert computed(plan(LONG, "mean", of=("notice",)), NOTICE).figures == {"days": 70.0}
    found = computed(plan(LONG, "sum", of=("notice",)), NOTICE)
    assert found.text.startswith("Total notice: 210 days over 3 documents: a (30 days [1]), b (90 days [2]), d")


def test_different_units_are_not_added_up() -> None:
    rent = Column(name="rent", kind="amount")
    cells = {
        n: Cell(value=v, unit=u, shown=f"{u} {v}")
        for n, v, u in (("a", 1.0, "GBP"), ("b", 2.0, "USD"), ("c", 3.0, "GBP"))
    }
    found = computed(plan(rent, "sum", of=("rent",)), table(rent, **cells))
    assert found.figures == {"GBP": 4.0, "USD": 2.0}
    assert "What differs in its unit was not put together." in found.text
    assert set(found.matching) == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("test", "value", "expected"),
    [
        ("over", "30 days", ("b", "d")),
        ("over", "2 months", ("b", "d")),
        ("under", "90 days", ("a",)),
        ("under", "100", ("a", "b", "d")),
    ],
)
def test_conditions_on_durations(test: Any, value: str, expected: tuple[str, ...]) -> None:
    where = Condition(column="notice", test=test, value=value)
    assert computed(plan(LONG, "list", where), NOTICE).matching == expected


@pytest.mark.parametrize(
    ("test", "value", "expected"),
    [
        ("over", "2024", ("c",)),
        ("under", "2024", ("a",)),
        ("under", "2024-07-01", ("a", "b")),
        ("over", "1 January 2024", ("b", "c")),
    ],
)
def test_conditions_on_dates_take_a_year_whole(test: Any, value: str, expected: tuple[str, ...]) -> None:
    dates = {"a": "2023-12-31", "b": "2024-06-01", "c": "2025-01-01"}
    cells = {name: Cell(value=iso, shown=iso) for name, iso in dates.items()}
    where = Condition(column="ends", test=test, value=value)
    assert computed(plan(ENDS, "list", where), table(ENDS, **cells)).matching == expected
    assert computed(plan(ENDS, "max", of=("ends",)), table(ENDS, **cells)).text.startswith("Latest ends: c, 2025-01-01")


def test_groups_and_texts() -> None:
    laws = {"a": Cell(value="Ohio", shown="Ohio"), "b": Cell(value="Ohio", shown="Ohio"), "c": Cell()}
    found = computed(plan(LAW, "group", by="law"), table(LAW, **laws))
    assert found.text == "3 documents by law: Ohio: 2 (a, b); not said: 1 (c)."
    where = Condition(column="law", test="contains", value="ohio")
    assert (
        computed(plan(LAW, "list", where, of=("law",)), table(LAW, **laws)).text
        == "2 of 3 documents: a (Ohio), b (Ohio)."
    )


def test_groups_go_by_what_a_value_is_and_not_by_how_it_is_written() -> None:
    dates = {n: Cell(value="2024-12-31", shown=w) for n, w in (("a", "31 December 2024"), ("b", "December 31, 2024"))}
    found = computed(plan(ENDS, "group", by="ends"), table(ENDS, **dates))
    assert found.text == "2 documents by ends: 31 December 2024: 2 (a, b)."
    laws = {"a": Cell(value="Ohio", shown="Ohio"), "b": Cell(value="OHIO", shown="OHIO")}
    unsure = Cell(value="Iowa", shown="Iowa", doubt="its words are not those of the sentence quoted", counts=False)
    found = computed(plan(LAW, "group", by="law"), table(LAW, **laws, c=Cell(), d=unsure))
    assert found.text == "4 documents by law: Ohio: 2 (a, b); not said: 1 (c); too doubtful to tell: 1 (d (?)). " + (
        "(?) marks what is doubtful."
    )
    assert computed(plan(LAW, "group", said(LAW), by="law"), table(LAW, a=Cell())).text == "None of 1 document."


def test_amounts_are_added_up_by_group() -> None:
    rent = Column(name="rent", kind="amount")
    rows = [
        Row(
            document=name, cells=(Cell(value=law, shown=law), Cell(value=amount, unit=unit, shown=f"{unit} {amount:g}"))
        )
        for name, law, amount, unit in (("a", "Ohio", 1.0, "USD"), ("b", "Ohio", 2.0, "USD"), ("c", "Ohio", 5.0, "GBP"))
    ]
    grouped = Plan(columns=(LAW, rent), compute="group", of=("rent",), by="law")
    found = computed(grouped, Table(columns=(LAW, rent), rows=tuple(rows), computed=""))
    assert found.text == "3 documents by law: Ohio: 3, rent 5 GBP, rent 3 USD (a (USD 1), b (USD 2), c (GBP 5))."


def test_a_doubtful_value_that_wins_is_marked() -> None:
    cells = {"a": days("a", 30.0), "b": days("b", 90.0, doubt="other parts of the text say 10 days")}
    for compute in ("max", "sum"):
        found = computed(plan(LONG, compute, of=("notice",)), table(LONG, **cells))
        assert "90 days [" in found.text
        assert "] (?)" in found.text
        assert found.text.endswith("(?) marks what is doubtful.")


def test_a_table_without_rows_or_values_is_told_so() -> None:
    empty = table(LONG)
    assert computed(plan(LONG, "count", said(LONG)), empty).text == "None of 0 documents."
    assert computed(plan(LONG, "max", of=("notice",)), empty).text == ("No notice is given that can be computed with.")
    assert computed(plan(LONG, "group", by="notice"), empty).text == "None of 0 documents."


def test_many_rows_are_cut_in_the_text() -> None:
    found = computed(plan(YES, "count", said(YES)), table(YES, **{f"d{i}": Cell(value=True) for i in range(50)}))
    assert found.text.startswith("50 of 50 documents: d0, d1")
    assert found.text.endswith("d19 and 30 more (in the table).")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"of": ("income",)}, "'income' is not among the columns notice"),
        ({"compute": "sum", "of": ()}, "'sum' needs a field"),
        ({"compute": "group"}, "'group' needs a field"),
        ({"compute": "count"}, "'count' needs a condition"),
        ({"compute": "list", "of": ()}, "'list' needs a condition"),
        ({"where": ({"column": "notice", "test": "over"},)}, "needs a value"),
        ({"columns": (LONG, LONG)}, "two columns have one name"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused(changes: dict[str, Any], fault: str) -> None:
    whole = {"columns": (LONG,), "compute": "max", "of": ("notice",), **changes}
    with pytest.raises(ValidationError, match=fault):
        Plan.model_validate(whole)
