"""Tables filled in by a model behind a real HTTP server: plans, resuming, faults, prices, and what is computed."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from pathlib import Path

import pytest

from hybrid import Answer
from hybrid.each.written import written
from hybrid.errors import EngineError, InputError
from tests.each.conftest import LEASES, LONGEST, QUESTION, TOTAL, Scripted, filled, source
from tests.engines.double import CHAT, fault


def test_a_model_fills_in_the_table_and_code_computes_the_answer(double, asking):
    scripted = Scripted(double)
    found = asking().answer(QUESTION, LEASES)
    assert (found.decision.rung, found.decision.policy) == ("each", "calibrated")
    assert "over all 4 documents" in found.reason
    assert found.table is not None
    assert found.table.figures == {"GBP/year": 36_000.0, "USD/year": 6_000.0}
    assert "36,000 GBP/year over 2 documents" in found.text
    assert "not put together" in found.text
    assert len(scripted.plans) == 1
    assert scripted.asked == list(LEASES)
    ash = found.table.rows[0].cells[0]
    assert (ash.value, ash.unit, ash.shown) == (12_000.0, "GBP/year", "£1,000 a month")
    assert ash.citation is not None
    assert LEASES["ash.txt"][ash.citation.start : ash.citation.end] == ash.citation.quote
    assert found.table.rows[3].cells[0].value is None
    assert found.usage.calls == 5
    assert Answer.model_validate_json(found.model_dump_json()) == found


def test_the_document_stands_first_and_the_same_fields_after_it(double, asking):
    Scripted(double)
    asking().answer(QUESTION, LEASES)
    texts = [b["messages"][-1]["content"] for b in double.bodies(CHAT) if source(b["messages"][-1]["content"])]
    tails = {text.partition("</text>")[2] for text in texts}
    assert all(text.startswith('<text number="1" source="') for text in texts)
    assert len(tails) == 1
    forms = [body["response_format"]["json_schema"] for body in double.bodies(CHAT)]
    assert {form["name"] for form in forms} == {"plan", "fields"}
    assert all(form["strict"] and form["schema"]["additionalProperties"] is False for form in forms)


def test_a_server_that_knows_no_schemas_is_asked_without_one_and_read_leniently(double, asking):
    plan = f"Here you are:\n```json\n{json.dumps(TOTAL)[:-1]},}}\n```"
    scripted = Scripted(double, plan, lambda text: f"Sure! {filled(text)} Done.", knows_schemas=False)
    found = asking().answer(QUESTION, LEASES)
    assert found.table is not None
    assert found.table.figures["GBP/year"] == 36_000.0
    with_schema = [body for body in double.bodies(CHAT) if "response_format" in body]
    assert len(with_schema) == 2  # each of the two forms is refused once, and not sent again
    assert len(scripted.plans) == 2


def test_a_reply_that_does_not_fit_is_asked_for_once_more(double, asking):
    tried: Counter[str] = Counter()

    def fill(text: str) -> str:
        tried[source(text)] += 1
        return "I cannot tell." if source(text) == "birch.txt" and tried["birch.txt"] == 1 else filled(text)

    Scripted(double, fill=fill)
    found = asking().answer(QUESTION, LEASES)
    assert found.table is not None
    assert found.table.figures["GBP/year"] == 36_000.0
    assert tried["birch.txt"] == 2
    again = double.bodies(CHAT)[3]["messages"][-1]["content"]
    assert "Your last reply did not fit: it holds no JSON object." in again


def test_a_document_that_fails_is_named_and_asked_again_the_next_time(double, asking):
    def fill(text: str) -> str:
        return "nonsense" if source(text) == "birch.txt" else filled(text)

    scripted = Scripted(double, fill=fill)
    hybrid = asking()
    store = hybrid.open(LEASES)
    found = hybrid.answer(QUESTION, store)
    assert found.table is not None
    assert found.table.figures["GBP/year"] == 12_000.0
    assert "Not read: birch.txt." in found.text
    assert "twice (it holds no JSON object)" in found.table.rows[1].failed
    assert any("1 could not be read" in note for note in found.notes)
    scripted.fill = filled
    double.seen.clear()
    found = hybrid.answer(QUESTION, store)
    assert scripted.asked == ["birch.txt"]
    assert not scripted.plans
    assert found.table is not None
    assert found.table.figures["GBP/year"] == 36_000.0
    assert any("3 were asked before" in note for note in found.notes)


def test_a_server_that_is_down_ends_it_with_a_sentence_and_what_was_asked_is_kept(double, asking):
    scripted = Scripted(double)
    many = {f"{i}.txt": f"LEASE {i}. The rent is £{i},000 a year." for i in range(1, 9)}
    answers = scripted.answer

    def breaks(handler, body):
        (answers if len(scripted.asked) < 4 else fault(500, "out of memory"))(handler, body)

    double.on(CHAT, breaks)
    hybrid = asking()
    store = hybrid.open(many)
    with pytest.raises(EngineError, match=r"3 documents in a row could not be asked; 3 of 8 were, and are .* 5\."):
        hybrid.answer(QUESTION, store, rung="each")
    double.on(CHAT, answers)
    double.seen.clear()
    found = hybrid.answer(QUESTION, store, rung="each")
    assert len(scripted.asked) == 5
    assert found.table is not None
    assert found.table.figures == {"GBP/year": 36_000.0}


def test_a_plan_that_cannot_be_carried_out_ends_in_the_ordinary_way_or_in_a_sentence(double, asking):
    Scripted(double, {**TOTAL, "of": ["income"]})
    hybrid = asking()
    with pytest.raises(EngineError, match="'income' is not among the columns rent"):
        hybrid.answer(QUESTION, LEASES, rung="each")
    found = hybrid.answer(QUESTION, LEASES)
    assert found.table is None
    assert found.decision.rung != "each"
    assert any(note.startswith("No table was made") for note in found.notes)
    assert found.usage.calls == 3  # the two for a plan are charged


def test_a_plan_that_repeats_the_example_is_none(double, asking):
    from hybrid.each.by_model import _EXAMPLE

    Scripted(double, _EXAMPLE)
    with pytest.raises(EngineError, match="it repeats the example"):
        asking().answer(QUESTION, LEASES, rung="each")


def test_a_file_that_cannot_be_read_has_a_row_and_is_in_no_count(double, asking, tmp_path):
    Scripted(double)
    folder = tmp_path / "leases"
    folder.mkdir()
    for name, text in LEASES.items():
        (folder / name).write_text(text)
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    (folder / "empty.txt").write_bytes(b"")
    (folder / "logo.png").write_bytes(b"\x89PNG")
    found = asking(index={"dir": str(tmp_path / "index")}).answer(QUESTION, folder, rung="each")
    assert found.table is not None
    assert {row.document for row in found.table.rows if row.failed} == {"broken.pdf", "empty.txt"}
    assert "Not read: broken.pdf, empty.txt." in found.text or "Not read: empty.txt, broken.pdf." in found.text


def test_a_quotation_that_is_not_there_takes_its_value_with_it(double, asking):
    def fill(text: str) -> str:
        if source(text) == "cedar.txt":
            return json.dumps({"rent": {"value": "£9,000 a year", "quote": "The rent is £9,000 a year."}})
        if source(text) == "dogwood.txt":
            return json.dumps({"rent": {"value": "£7,000", "quote": "Max lives there for nothing."}})
        return filled(text)

    Scripted(double, fill=fill)
    found = asking().answer(QUESTION, LEASES)
    assert found.table is not None
    assert found.table.figures == {"GBP/year": 36_000.0}
    cedar, dogwood = found.table.rows[2].cells[0], found.table.rows[3].cells[0]
    assert (cedar.value, dogwood.value) == (None, None)
    assert "no quotation was given" in cedar.doubt
    assert "no such value" in dogwood.doubt


def test_what_it_takes_is_refused_beyond_the_budget_before_a_document_is_asked(double, asking):
    scripted = Scripted(double)
    cost = {"dollars_per_million_prompt": 1_000.0, "dollars_per_million_output": 1_000.0}
    hybrid = asking(cost=cost, routing={"budget": 0.5})
    with pytest.raises(InputError, match=r"Asking 4 documents takes 4 calls, [\d,]+ tokens, \$1\.2 expected, more"):
        hybrid.answer(QUESTION, LEASES, rung="each")
    assert scripted.asked == []


def test_the_router_leaves_it_where_it_costs_more_than_an_answer_is_worth(double, asking):
    Scripted(double)
    hybrid = asking(cost={"dollars_per_million_prompt": 1_000.0, "dollars_per_million_output": 1_000.0})
    decision = hybrid.decide(QUESTION, LEASES)
    assert decision.rung != "each"
    assert "asking each of 4 documents the same would take an expected $" in decision.reason
    priced = next(p for p in decision.predictions if p.rung == "each")
    assert priced.calls == 5
    assert asking().decide("When does the lease of Ash end?", LEASES).rung != "each"


def test_a_text_beyond_the_window_is_read_in_parts(double, asking):
    filler = "Nothing of note is said in this sentence. " * 400
    long = {"ash.txt": LEASES["ash.txt"], "birch.txt": f"{filler}\n\n{LEASES['birch.txt']}\n\n{filler}"}
    scripted = Scripted(double)
    found = asking().answer(QUESTION, long, rung="each")
    assert found.table is not None
    assert found.table.figures == {"GBP/year": 36_000.0}
    assert Counter(scripted.asked)["birch.txt"] > 2
    cited = found.table.rows[1].cells[0].citation
    assert cited is not None
    assert long["birch.txt"][cited.start : cited.end] == cited.quote


def test_one_document_is_asked_by_its_sections(double, asking):
    text = "# Ash\n\nThe rent is £1,000 a month.\n\n# Birch\n\nThe rent is £24,000 a year.\n\n# Cedar\n\nNo rent.\n"
    scripted = Scripted(double)
    found = asking().answer("What is the total rent over all sections?", {"rents.md": text})
    assert found.decision.rung == "each"
    assert found.table is not None
    assert [row.section for row in found.table.rows] == ["Ash", "Birch", "Cedar"]
    assert found.table.figures == {"GBP/year": 36_000.0}
    cited = found.table.rows[1].cells[0].citation
    assert cited is not None
    assert text[cited.start : cited.end] == cited.quote
    assert len(scripted.asked) == 3


def test_several_questions_together_keep_their_tables(double, asking):
    Scripted(double)
    answers = asking().answer_many([QUESTION, "Who is the tenant of Ash?", QUESTION], LEASES)
    assert [answer.table is None for answer in answers] == [False, True, False]


def test_replies_that_cannot_be_read_end_neither_the_run_nor_in_a_count(double, asking):
    """Three documents in a row whose replies are no JSON: the engine works, and the others are still asked."""

    def fill(text: str) -> str:
        return "I am not sure." if source(text) < "4" else filled(text)

    Scripted(double, fill=fill)
    many = {f"{i}.txt": f"LEASE {i}. The rent is £{i},000 a year." for i in range(1, 7)}
    found = asking().answer(QUESTION, many, rung="each")
    assert found.table is not None
    assert found.table.figures == {"GBP/year": 15_000.0}
    assert "over 3 documents" in found.text
    assert found.text.endswith("Not read: 1.txt, 2.txt, 3.txt.")


@pytest.mark.parametrize("count", [4, 30])
def test_where_no_reply_can_be_read_there_is_no_table(double, asking, count):
    scripted = Scripted(double, fill=lambda text: "I am not sure.")
    many = {f"{i}.txt": f"LEASE {i}. The rent is £{i},000 a year." for i in range(count)}
    hybrid = asking()
    first = f"None of the first 8 of {count}" if count > 8 else f"None of {count}"
    with pytest.raises(EngineError, match=rf"^{first} documents could be read\. .* twice"):
        hybrid.answer(QUESTION, many, rung="each")
    assert 2 * min(8, count) <= len(scripted.asked) < 2 * 12  # those under way end
    found = hybrid.answer(QUESTION, many)  # nobody asked for a table
    assert found.table is None
    assert any("could be read" in note for note in found.notes)


def test_fields_may_be_named_as_anything(double, asking):
    """Also as what every model of pydantic has."""
    names = ("copy", "schema", "model_config", "json")
    columns = [{"name": name, "kind": "yesno", "unit": "", "description": "rent"} for name in names]
    where = [{"column": "copy", "test": "said", "value": ""}]
    said = {name: {"value": "yes", "quote": "LEASE"} for name in names}
    Scripted(
        double,
        {**TOTAL, "columns": columns, "where": where, "compute": "count", "of": []},
        lambda text: json.dumps(said),
    )
    found = asking().answer("How many leases are a copy?", LEASES, rung="each")
    assert found.text.startswith("4 of 4 documents")


def test_a_table_is_written_as_csv_and_as_json(double, asking):
    Scripted(double, LONGEST)
    leases = {**LEASES, "=evil.txt": "LEASE. Notice is 10 days."}
    found = asking().answer("Which lease has the longest notice?", leases)
    assert found.table is not None
    assert found.table.taken == ("birch.txt",)
    rows = {row["document"]: row for row in csv.DictReader(io.StringIO(written(found.table, as_json=False)))}
    assert set(rows) == {*LEASES, "'=evil.txt"}
    assert rows["ash.txt"]["notice"] == "30"
    assert rows["ash.txt"]["notice quotation"] == "Notice is thirty (30) days."
    assert rows["cedar.txt"]["notice"] == ""
    told = json.loads(written(found.table, as_json=True))
    assert told["figures"] == {"days": 182.625}
    assert Path(told["rows"][1]["document"]).name == "ash.txt"
