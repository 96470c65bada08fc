"""Reports of a made-up run with everything in it: routes, lengths, depths, positions, costs, failures, odd text."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as xml
from html.parser import HTMLParser
from typing import Any

import pytest
from hybrid.evals import report as reports
from hybrid.evals.cli.evaluate import evaluate
from hybrid.evals.folder import RUN, RunInfo, differences
from hybrid.evals.record import RECORDS, records
from hybrid.evals.report import figures
from hybrid.evals.report.data import Data
from hybrid.evals.report.profile import by_length, places
from hybrid.evals.report.rows import Row, _row

from hybrid.cli.main import guarded
from hybrid.errors import InputError
from tests.evals.made import ARMS, NASTY, made, record, suite

VOID = {"meta", "br", "hr", "img", "link", "input"}


class Page(HTMLParser):
    """Checks that tags nest, and collects what the page refers to and the heads of its tables."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.heads: list[list[str]] = []
        self.addresses: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        self.addresses += [value for name, value in attrs if name in ("href", "src", "xlink:href", "data", "action")]
        if tag == "table" and dict(attrs).get("class") != "replies":  # of one question
            self.heads.append([])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-2:] == ["tr", "th"] and self.open[-3] == "thead" and "article" not in self.open:
            self.heads[-1].append(data)


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> reports.Report:
    return reports.make(made(tmp_path_factory.mktemp("runs") / "run"))


def test_the_page_is_whole_and_needs_nothing_else(found):
    page = Page()
    text = reports.html(found)
    page.feed(text)
    assert page.open == []
    assert all(re.fullmatch(r"#s\d+", address) and f'id="{address[1:]}"' in text for address in page.addresses)
    assert text.count("<script") == 1  # our own: what a reply holds is text
    assert not re.search(r"url\(|@import", text)
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text
    assert 'name="viewport"' in text


def test_the_page_begins_with_the_verdict(found):
    body = reports.html(found).partition("</h1>")[2]
    assert body.lstrip().startswith('<p class="verdict">')


def test_every_table_says_how_many_samples(found):
    page = Page()
    page.feed(reports.html(found))
    assert len(page.heads) > 6
    assert all("n" in head for head in page.heads)


def test_every_question_stands_there_with_all_replies(found):
    section = next(section for section in found.sections if section.questions)
    assert len(section.questions) == 352
    first = section.questions[0]
    assert [reply.arm for reply in first.replies] == list(ARMS)
    assert first.replies[0].cost == "$0.0015, 1,520 tokens"
    assert {reply.route for question in section.questions for reply in question.replies} == {
        "rag",
        "long",
        "rag then long",
        "",
    }
    text = reports.html(found)
    assert text.count("<article") == 352
    assert text.count('data-mark="failed"') == 7
    assert "it broke" in text
    assert NASTY not in text


def test_of_many_questions_those_stand_there_that_tell(tmp_path, monkeypatch):
    monkeypatch.setattr("hybrid.evals.report.page._MOST", 20)
    report = reports.make(made(tmp_path / "run"))
    section = next(section for section in report.sections if section.questions)
    assert len(section.questions) == 20
    assert "20 of 352" in section.text[0]
    failed = [q.id for q in section.questions if any(reply.status == "failed" for reply in q.replies)]
    assert failed == ["7"] * 7


def test_figures_are_valid_and_named(found):
    names = [name for section in found.sections for name, _ in section.figures]
    assert len(names) == len(set(names))
    for kind in ("cost-measured", "routes", "length-ruler", "position-middle-kv", "depth-needle-long", "regret"):
        assert kind in names
    for section in found.sections:
        for _, svg in section.figures:
            for shape in (svg, figures.standalone(svg)):
                root = xml.fromstring(shape)
                assert root.find("{http://www.w3.org/2000/svg}title").text


def test_saved_files(found, tmp_path):
    notes = reports.save(found, tmp_path / "report")
    data = json.loads((tmp_path / "report" / "report.json").read_text())
    markdown = (tmp_path / "report" / "report.md").read_text()
    assert data["scores"][0]["score"].keys() == {"mean", "low", "high", "n", "groups"}
    for figure in re.findall(r"\]\((figures/[^)]+)\)", markdown):
        assert (tmp_path / "report" / figure).is_file()
    assert "<script>" not in markdown
    assert notes == [] or "SVG only" in notes[0]


def test_tables_of_the_markdown_are_not_broken_by_what_they_hold(found):
    for table in re.findall(r"(?:^\|.*\n?)+", reports.markdown(found), re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.strip().splitlines()}) == 1


def test_the_dead_zone_is_found(found):
    dead = {(row.task, row.arm, row.place) for row in found.data.places if row.dead}
    assert ("middle/kv", "long", "69") in dead
    assert ("middle/kv", "rag", "69") not in dead


def test_the_effective_context_of_ruler(found):
    effective = {row.arm: row.effective for row in found.data.lengths if row.family == "ruler"}
    means = {row.length: row.score.mean for row in found.data.lengths if (row.family, row.arm) == ("ruler", "long")}
    assert effective["long"] == max(length for length, mean in means.items() if mean >= 0.856)
    assert effective["rag"] is None


def test_routes_and_their_worth(found):
    rows = {(row.arm, row.way): row for row in found.data.routes}
    escalated = rows["self_route", "rag then long"]
    assert escalated.against == "rag"
    assert escalated.gain is not None
    assert escalated.gain.mean > 0  # what was escalated is what passages cannot answer here
    assert rows["self_route", "rag"].share + escalated.share == pytest.approx(1)
    assert not [row for row in found.data.routes if row.arm == "raw"]


def test_costs_are_of_the_same_samples(found):
    assert {row.n for row in found.data.costs} == {72 + 180 + 100 - 7}  # seven of raw failed, in nobody's mean
    assert {row.basis for row in found.data.costs} == {"measured"}


def test_measured_and_estimated_costs_share_no_figure(tmp_path):
    folder = made(tmp_path / "run", ("rag", "long"))
    lines = (folder / RECORDS).read_text().splitlines()
    mixed = [
        line.replace('"basis":"measured"', '"basis":"estimated"') if i % 2 else line for i, line in enumerate(lines)
    ]
    (folder / RECORDS).write_text("\n".join(mixed) + "\n")
    report = reports.make(folder)
    names = [name for section in report.sections for name, _ in section.figures if name.startswith("cost")]
    assert sorted(names) == ["cost-estimated", "cost-measured"]


def test_speed_and_memory_by_length(found):
    rows = {(row.arm, row.length): row for row in found.data.speeds}
    row = rows["long", 65536]
    assert row.seconds.mean == pytest.approx(6.5536 + 0.1)  # without indexing, which the first arm does for all
    assert row.first_token is not None
    assert row.first_token.mean == pytest.approx(65536 / 12_000)
    assert row.tokens_per_second == pytest.approx(20_000, rel=0.01)  # by the engine's busy time, not that of a call
    assert row.written_per_second == pytest.approx(40)
    assert row.kept is not None
    assert row.kept.mean == 2 * 256 * (65536 + 20) * 2  # layers, numbers, tokens, bytes
    assert rows["raw", 65536].kept is None  # nothing says which model that is
    names = [name for section in found.sections for name, _ in section.figures]
    assert {"speed-first-token", "speed-throughput", "speed-memory"} <= set(names)


def test_retrieval_is_told_once_for_arms_that_found_the_same(found):
    section = next(section for section in found.sections if section.title == "Retrieval alone")
    (table,) = section.tables
    assert [row[:3] for row in table.rows] == [["needle", "rag, long, self_route", "180"]]
    assert {row.recall.mean for row in found.data.retrieval} == {1.0}


def test_a_few_samples_establish_no_dead_zone():
    """Two of two against none of two has intervals of no width, and shows nothing."""
    samples = [(0.0, 1.0), (0.5, 0.0)]
    for many, dead in ((2, False), (8, True)):
        rows = [
            _row(record("long", "needle", 4096, 0, 0.0).model_copy(update=change(*pair, i)))
            for pair in samples
            for i in range(many)
        ]
        data = Data(run=RunInfo(suite=suite(), arms={}, counted_with="", sessions=[]), missing=0, notes=[], scores=[])
        places(data, rows)
        assert any(row.dead for row in data.places) is dead


def change(depth: float, score: float, i: int) -> dict[str, Any]:
    return {"about": {"depth": depth}, "score": score, "group": f"{depth} {i}", "id": f"{depth} {i}"}


def test_long_tables_are_folded_and_the_scores_stand_side_by_side(tmp_path):
    folder = made(tmp_path / "run", tuple(f"arm {i}" for i in range(6)))
    report = reports.make(folder)
    assert report.sections[0].tables[0].head == ["task", "n", *(f"arm {i}" for i in range(6))]
    page = reports.html(report)
    assert "Task by task: 45 rows" in page
    assert "details::details-content" in page  # they are open in print


def test_a_curve_is_only_of_tasks_asked_at_every_length():
    def at(task: str, length: int, score: float, i: int) -> Row:
        one = record("long", task, length, i, 0.0)
        return _row(one.model_copy(update={"score": score, "group": f"{task} {length} {i}"}))

    rows = [at("ruler/vt", length, 1.0, i) for length in (4096, 8192) for i in range(4)]
    rows += [at("ruler/cwe", 8192, 0.0, i) for i in range(4)]
    data = Data(run=RunInfo(suite=suite(), arms={}, counted_with="", sessions=[]), missing=0, notes=[], scores=[])
    section = by_length(data, rows)
    assert {row.score.mean for row in data.lengths} == {1.0}
    assert any("the curve is of ruler/vt" in text for text in section.text)
    assert section.tables[-1].rows[-1] == ["ruler/cwe", "long", "4", "-", "0.000 (n=4)"]


def test_half_a_run_says_how_much_is_missing(tmp_path):
    report = reports.make(made(tmp_path / "run", until=700))
    assert report.data.missing == 4 * 352 - 700
    assert f"{4 * 352 - 700:,} of {4 * 352:,} records (50%) are missing" in report.data.notes[0]
    assert "are missing" in reports.html(report)


def test_nothing_answered_yet(tmp_path):
    report = reports.make(made(tmp_path / "run", until=0))
    assert report.data.missing == 4 * 352
    Page().feed(reports.html(report))


def test_two_runs_are_told_apart_before_they_are_compared(tmp_path):
    one, other = made(tmp_path / "one"), made(tmp_path / "other", shift=0.3)
    info = json.loads((other / RUN).read_text())
    info["sessions"][0]["versions"]["hybrid"] = "1"
    info["arms"]["rag"]["engines"][0]["window"] = 4096
    (other / RUN).write_text(json.dumps(info))
    found = reports.compare(one, other)
    assert found.settings["versions.hybrid"] == ("0", "1")
    assert len(found.settings) == 2
    row = next(row for row in found.rows if (row.arm, row.task) == ("rag", reports.ALL))
    assert (row.n, row.words) == (352, "better")


def test_runs_that_have_nothing_in_common_say_so(tmp_path, capsys):
    one, other = made(tmp_path / "one", ("rag",), until=3), made(tmp_path / "other", ("long",), until=3)
    assert reports.compare(one, other).notes[-2].startswith("The two runs have no sample that an arm of the same name")
    assert guarded(evaluate, ["compare", str(one), str(other)]) == 0
    out = capsys.readouterr().out
    assert "nothing is compared" in out
    assert "difference" not in out


def test_settings_in_lists_are_told_apart_by_name(tmp_path):
    info = json.loads((made(tmp_path / "one", ("rag",), until=1) / RUN).read_text())
    other = json.loads(json.dumps(info))
    other["suite"]["tasks"][1]["n"] = 7
    assert differences(info, other) == {"suite.tasks.needle.n": (60, 7)}
    other["suite"]["tasks"].pop()
    (place,) = differences(info, other)
    assert place == "suite.tasks"


def test_a_single_sample_and_none_have_honest_numbers(tmp_path):
    """No interval without width of one sample, and nothing that is no number where none was answered."""
    report = reports.make(made(tmp_path / "one", ("rag", "long"), until=1))
    (row,) = report.data.scores
    assert row.score is not None
    assert row.score.high - row.score.low > 0.9
    run = made(tmp_path / "none", ("rag",), until=2)
    failed = [one.model_copy(update={"status": "failed", "score": None, "reason": "it broke"}) for one in records(run)]
    (run / RECORDS).write_text("".join(one.model_dump_json() + "\n" for one in failed))
    page = reports.html(reports.make(run))
    assert "<td>-</td>" in page
    for text in (page, reports.markdown(reports.make(run)), reports.make(run).data.model_dump_json()):
        assert not re.search(r"\b(?:nan|inf|NaN|Infinity)\b", text)


def test_a_folder_without_a_run(tmp_path):
    with pytest.raises(InputError, match="There is no run at"):
        reports.make(tmp_path)
