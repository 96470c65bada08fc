"""The table of clauses: how sure each cell is, what is doubtful, and a page that leads to every place."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hybrid.evals.bench import clauses as bench
from hybrid.pipelines.legal.answer import Table
from hybrid.pipelines.legal.formats import rendered
from hybrid.pipelines.legal.pipeline import Legal, settings
from hybrid.pipelines.legal.question import cuad

from hybrid.cli.main import cli, guarded
from hybrid.session.hybrid import Hybrid

LEASE = """LEASE AGREEMENT

This Lease is made on 3 March 2021 between Quay Holdings Ltd ("Landlord") and Ondine Bakery Ltd ("Tenant").

1. Term. The lease ends on 2 March 2026.

2. Assignment. The Tenant shall not assign this Lease without the Landlord's prior written consent.

3. Governing Law. This Lease is governed by the laws of Ireland.

4. Insurance. [Reserved]
"""


@pytest.fixture(scope="module")
def table() -> Iterator[Table]:
    with Hybrid(settings()) as hybrid:
        legal = Legal(hybrid, {"lease.txt": LEASE, "copy.txt": LEASE.replace("Ireland", "Malta")})
        asked = cuad()
        findings = tuple(legal.ask(asked))
        names = dict.fromkeys(name for matter in legal.library.matters for name in matter.documents)
        yield Table(asked, findings, {name: legal.library.contract(name).document for name in names})


@pytest.mark.slow
def test_what_is_told_as_certain_is_right() -> None:
    """On the one-page contracts that were looked at: whatever the engine becomes, this has to stay so."""
    with Hybrid(settings()) as hybrid:
        found = bench.summary(bench.cells("looked", hybrid))
    assert found["wrong and certain"] == 0
    assert found["certain"] > 200
    assert found["right"] > 260


def test_every_cell_says_how_sure_it_is(table: Table) -> None:
    found = {(finding.document, table.title(finding)): finding for finding in table.findings}
    law = found["lease.txt", "Governing Law"]
    assert law.statements
    assert not law.doubtful
    assert law.confidence is not None
    assert law.confidence > 0.9
    empty = found["lease.txt", "Insurance"]
    assert empty.doubtful
    assert empty.doubt
    assert all(finding.doubtful == bool(finding.doubt) for finding in table.findings)


def test_all_forms_mark_what_is_doubtful(table: Table) -> None:
    doubtful = sum(finding.doubtful for finding in table.findings)
    rows = list(csv.DictReader(io.StringIO(rendered(table, "csv"))))
    assert {row["doubtful"] for row in rows} == {"", "?"}
    assert all(bool(row["doubt"]) == (row["doubtful"] == "?") for row in rows)
    told = json.loads(rendered(table, "json"))
    assert "doubtful" in json.dumps(told)
    assert rendered(table, "markdown").count("| ? ") == doubtful
    assert f"{doubtful} of them doubtful" in rendered(table, "html")


class Page(HTMLParser):
    """Collects places and links, and checks that tags nest."""

    def __init__(self) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.links: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.places |= {value for name, value in attrs if name == "id" and value}
        self.links += [value for name, value in attrs if name == "href" and value]


def test_what_was_not_read_stands_in_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "lease.txt").write_text(LEASE)
    (tmp_path / "blank.txt").touch()
    (tmp_path / "gone.txt").symlink_to("nowhere")
    for form in ("markdown", "html"):
        assert guarded(cli, ["legal", "clauses", str(tmp_path), "--only", "Governing Law", "--format", form, "-q"]) == 0
        shown = capsys.readouterr()
        for text in (shown.out, shown.err):
            assert "blank.txt: empty file" in text
            assert "gone.txt: broken link" in text


def test_the_page_leads_to_every_place(table: Table) -> None:
    text = rendered(table, "html")
    page = Page()
    page.feed(text)
    assert page.links
    assert all(link[0] == "#" and link[1:] in page.places for link in page.links)
    assert 'name="viewport"' in text
    assert "prefers-color-scheme" in text
    assert page.tags.count("h1") == 1
    assert "script" not in page.tags
    assert len(re.findall(r"laws of Malta", text)) >= 2  # in the cell, and in the text that it leads to


def test_subjects_of_which_no_contract_has_a_word_are_one_line(table: Table) -> None:
    text = rendered(table, "html")
    rows = set(re.findall(r"<th scope=\"?row\"?[^>]*>([^<]+)", text))
    folded = {title for title in (q.title for q in table.questions) if title not in rows}
    assert "Source Code Escrow" in folded
    assert all(title in text.replace("&#x27;", "'") for title in folded)
