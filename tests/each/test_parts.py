"""The parts of a table by a model: replies, quotations, units, and what is kept."""

from __future__ import annotations

import json
import threading

import pytest

from hybrid import Hybrid, load
from hybrid.each.found import NO_FIGURE, NOT_THERE, found, located, merged
from hybrid.each.kept import FILE, Kept
from hybrid.each.reply import Unreadable, checked
from hybrid.each.schema import Said, YesNo, json_schema, reply_model, said_of
from hybrid.each.units import units
from hybrid.types import Column

NOTICE = Column(name="notice", kind="duration", description="the notice period")
TEXT = (
    "1. Term. Either party may end it\non thirty (30) days\u2019 notice. It began on 6/1/2024. "
    "It is governed by Ohio law."
)


@pytest.mark.parametrize(
    "reply",
    [
        '{"notice": {"value": "30 days", "quote": "x"}}',
        'Well:\n```json\n{"notice": {"value": "30 days", "quote": "x",},}\n``` as asked',
        "{'notice': {'value': '30 days', 'quote': 'x'}}",
        '{bad} {"notice": {"value": "30 days", "quote": "x"}} {"notice": 1}',
        '{"notice": {"value": "30 days", "quote": "x"}, "other}": 1}'.replace(', "other}": 1', ""),
    ],
)
def test_replies_are_read_leniently(reply: str) -> None:
    assert said_of(checked(reply, reply_model([NOTICE])))[0].value == "30 days"


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        ("none", "no JSON object"),
        ('{"notice": {"value": "30 days"', "no JSON object"),
        ('{"notice": {"value": "30 days"}}', "notice.quote: field required"),
        ('{"notice": {"value": null, "quote": null}, "more": 1}', "more: extra inputs"),
    ],
)
def test_replies_are_checked_strictly(reply: str, fault: str) -> None:
    with pytest.raises(Unreadable, match=fault):
        checked(reply, reply_model([NOTICE]))


def test_booleans_and_numbers_are_taken_as_text() -> None:
    assert YesNo.model_validate({"value": True, "quote": None}).value == "yes"
    assert YesNo.model_validate({"value": "No.", "quote": None}).value == "no"
    assert Said.model_validate({"value": 30, "quote": ""}).value == "30"
    schema = json_schema(reply_model([NOTICE, Column(name="capped", kind="yesno")]))
    assert schema["required"] == ["notice", "capped"]
    assert json.dumps(schema).count('"additionalProperties": false') == 3


def test_a_quotation_is_found_whatever_its_blanks_case_and_marks() -> None:
    at = located('"either party may end it on THIRTY (30) days\' notice"', [TEXT])
    assert at is not None
    assert TEXT[at[1] : at[2]].startswith("Either party")
    assert located("... on thirty (30) days\u2019 notice ...", ["other", TEXT]) is not None
    assert located("on ninety days", [TEXT]) is None
    assert located("\u2026", [TEXT]) is None


@pytest.mark.parametrize(
    ("value", "quote", "number", "doubt"),
    [
        ("30 days", "on thirty (30) days\u2019 notice", 30.0, ""),
        ("thirty", "on thirty (30) days\u2019 notice", 30.0, ""),
        ("60 days", "on thirty (30) days\u2019 notice", None, NO_FIGURE),
        ("30 days", "upon thirty days", None, NOT_THERE),
        (None, None, None, ""),
    ],
)
def test_a_figure_has_to_stand_in_its_quotation(value: str, quote: str, number: float | None, doubt: str) -> None:
    cell = found(Said(value=value, quote=quote), NOTICE, [TEXT])
    assert (cell.value, cell.doubt, cell.counts) == (number, doubt, not doubt)


@pytest.mark.parametrize(
    ("quote", "value", "number", "unit"),
    [
        ("\u00a324,000", "24,000", 24_000.0, "GBP/year"),  # how often stands behind the quotation
        ("\u00a324,000 a year", "\u00a324,000", 24_000.0, "GBP/year"),
        ("\u00a324", "24", None, ""),  # and this is a part of a figure
        ("$500", "$500", 6_000.0, "USD/year"),  # a monthly fee
    ],
)
def test_what_stands_around_a_short_quotation_belongs_to_it(
    quote: str, value: str, number: float | None, unit: str
) -> None:
    text = "The rent is \u00a324,000 a year. It comes with a monthly fee of $500 for heating."
    rent = Column(name="rent", kind="amount")
    cell = found(Said(value=value, quote=quote), rent, [text])
    assert (cell.value, cell.unit) == (number, unit)
    if number is not None:
        assert " ".join(text[cell.start : cell.end].split()) == cell.shown


def test_dates_texts_and_no() -> None:
    date = found(Said(value="6/1/2024", quote="It began on 6/1/2024."), Column(name="d", kind="date"), [TEXT])
    assert date.doubt == "the date can be read in two ways"
    law = found(Said(value="Ohio", quote="governed by Ohio law"), Column(name="law", kind="text"), [TEXT])
    assert (law.value, law.counts) == ("Ohio", True)
    other = found(Said(value="Delaware", quote="governed by Ohio law"), Column(name="law", kind="text"), [TEXT])
    assert not other.counts
    assert found(YesNo(value="no", quote=None), Column(name="y", kind="yesno"), [TEXT]).value is None


def test_parts_of_a_text_that_say_different_things_are_told() -> None:
    first = found(Said(value="30 days", quote="on thirty (30) days"), NOTICE, [TEXT])
    other = found(Said(value="60 days", quote="on 60 days"), NOTICE, ["on 60 days"])
    assert merged([found(Said(value=None, quote=None), NOTICE, [TEXT]), first]) == first
    assert "60 days" in merged([first, other]).doubt


def test_amendments_are_read_with_what_they_amend() -> None:
    dated = "dated May 4, 2020 between Ash LLC and Birch Inc."
    base = f"LEASE AGREEMENT\n\nThis Lease Agreement is {dated}"
    change = f"AMENDMENT NO. 1 TO LEASE AGREEMENT\n\nThis Amendment amends the Lease Agreement {dated}"
    with Hybrid(load(overrides={"embedder": {"precision": "float32"}}, environ={})) as hybrid:
        store = hybrid.open({"base.txt": base, "change.txt": change, "other.txt": "LEASE AGREEMENT of Cedar."})
        found_ = units(store, [entry.name for entry in store.entries()])
    assert [unit.names for unit in found_] == [("base.txt", "change.txt"), ("other.txt",)]
    assert len({unit.key for unit in found_}) == 2


def test_what_is_kept_survives_and_is_forgotten_with_its_document(tmp_path) -> None:
    kept = Kept(tmp_path)
    threads = [threading.Thread(target=kept.put, args=(f"k{i}", f"t{i}", f"of{i % 2}")) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept.put("plan", "p")
    again = Kept(tmp_path)
    assert len(again.get([f"k{i}" for i in range(20)])) == 20
    again.forget(lambda: {"of0"})
    assert set(Kept(tmp_path).get([f"k{i}" for i in range(20)] + ["plan"])) == {
        *(f"k{i}" for i in range(0, 20, 2)),
        "plan",
    }


def test_a_damaged_file_of_what_is_kept_is_made_anew(tmp_path) -> None:
    (tmp_path / FILE).write_bytes(b"not a database, and longer than a header of one" * 40)
    kept = Kept(tmp_path)
    assert kept.get(["a"]) == {}
    kept.put("a", "1")
    kept.put("b", "2")
    assert Kept(tmp_path).get(["a", "b"]) == {"b": "2"}
    assert Kept(None).get(["a"]) == {}
