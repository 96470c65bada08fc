"""Reports of a made-up run with everything in it: routes, lengths, depths, positions, costs, failures, odd text."""

from __future__ import annotations

import json
import random
import re
import xml.etree.ElementTree as xml
from html.parser import HTMLParser
from pathlib import Path

import pytest

from evals import report as reports
from evals.run import RECORDS, RUN, Log, Record, RunInfo, Session
from evals.suite import ArmSpec, Suite, TaskSpec
from hybrid.errors import InputError
from hybrid.types import Cost, Usage

ARMS = ("rag", "long", "self_route", "raw")
NASTY = '<script>alert("x")</script> a|b & "c" https://example.com/x \u2603'
VOID = {"meta", "br", "hr", "img", "link", "input"}


def suite(arms: tuple[str, ...] = ARMS) -> Suite:
    tasks = (
        TaskSpec(name="ruler/vt", n=24, lengths=(4096, 8192, 16384)),
        TaskSpec(name="needle", n=60, lengths=(4096, 16384, 65536)),
        TaskSpec(name="middle/kv", n=100),
    )
    return Suite(name="made up", about="Not a measurement.", tasks=tasks, arms=tuple(ArmSpec(name=a) for a in arms))


def made(folder: Path, arms: tuple[str, ...] = ARMS, *, until: int | None = None, shift: float = 0.0) -> Path:
    """A run whose records follow simple rules, so that what a report says of them is known."""
    folder.mkdir(parents=True)
    chosen = suite(arms)
    about = {name: {"kind": "hybrid", "engines": [{"name": "made up", "window": 131072}]} for name in arms}
    session = Session(begun="2026-01-01T00:00:00+00:00", versions={"hybrid": "0"}, hardware={"cores": 2, "gpus": []})
    info = RunInfo(suite=chosen, arms=about, counted_with=arms[0], sessions=[session])
    (folder / RUN).write_text(info.model_dump_json())
    written = 0
    with Log(folder / RECORDS) as log:
        for arm in arms:
            for cell in chosen.planned(arm):
                for i in range(cell.n):
                    if until is not None and written == until:
                        return folder
                    log.append(_record(arm, cell.task, cell.length, i, shift), chosen.limits)
                    written += 1
    return folder


def _record(arm: str, task: str, length: int | None, i: int, shift: float) -> Record:
    luck = random.Random(f"{task} {length} {i}")
    hard, long_prompt = luck.random(), length or 6_000
    depth = i % 5 / 4 if task != "middle/kv" else None
    position = [0, 34, 69, 104, 139][i % 5] if task == "middle/kv" else None
    weak = 0.35 if position == 69 or (depth == 0.5 and long_prompt > 20_000) else 0.0
    skill = {"rag": 0.75, "long": 0.92 - 0.1 * (long_prompt > 10_000) - weak, "raw": 0.9 - weak}
    escalates = arm == "self_route" and hard > 0.75
    way = ["rag", "long"] if escalates else ["rag" if arm == "self_route" else arm]
    score = float(hard < skill[way[-1]] - shift)
    prompt = sum(1_500 if one == "rag" else long_prompt for one in way)
    usage = Usage(
        calls=len(way),
        prompt_tokens=prompt,
        output_tokens=20,
        seconds=prompt / 10_000,
        first_token_seconds=prompt / 12_000,
    )
    failed = arm == "raw" and i == 7
    return Record(
        arm=arm,
        task=task,
        length=length,
        seed=0,
        id=str(i),
        group=str(i // 2),
        question=f"What is in sample {i}? {NASTY}",
        golds=("this", NASTY),
        metric="match_all",
        status="failed" if failed else "answered",
        reason="it broke" if failed else "",
        text=f"{arm} says {score:g} {NASTY}",
        score=None if failed else score,
        route=None if arm == "raw" else way[-1],
        usage=usage,
        cost=Cost(dollars=prompt / 1e6, gpu_seconds=usage.seconds, basis="measured"),
        decision=None if arm == "raw" else {"attempts": [{"route": one} for one in way], "situation": None},
        seconds=usage.seconds + 0.1,
        about={"length": length, "depth": depth, "position": position},
    )


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
        if tag == "table":
            self.heads.append([])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "th":
            self.heads[-1].append(data)


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> reports.Report:
    return reports.make(made(tmp_path_factory.mktemp("runs") / "run"))


def test_the_page_is_whole_and_needs_nothing_else(found):
    page = Page()
    text = reports.html(found)
    page.feed(text)
    assert page.open == []
    assert page.addresses == []
    assert "script" not in page.seen
    assert not re.search(r"url\(|@import", text)
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text
    assert 'name="viewport"' in text


def test_every_table_says_how_many_samples(found):
    page = Page()
    page.feed(reports.html(found))
    assert len(page.heads) > 6
    assert all("n" in head for head in page.heads)


def test_figures_are_valid_and_named(found):
    names = [name for section in found.sections for name, _ in section.figures]
    assert len(names) == len(set(names))
    for kind in ("cost-measured", "routes", "length-ruler", "position-middle-kv", "depth-needle-long", "regret"):
        assert kind in names
    for section in found.sections:
        for _, svg in section.figures:
            for shape in (svg, reports.figures.standalone(svg)):
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


def test_a_folder_without_a_run(tmp_path):
    with pytest.raises(InputError, match="There is no run at"):
        reports.make(tmp_path)
