"""The page in a real Chromium."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.model_server import model_server
from tests.serve.conftest import LEASE, Running, running

playwright = pytest.importorskip("playwright.sync_api", reason="the page is looked at with playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def page(browser: Any, service: Running) -> Iterator[Any]:
    """The page, which may complain of nothing."""
    found = browser.new_page(viewport={"width": 1280, "height": 900})
    complaints: list[str] = []
    found.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    found.on("pageerror", lambda error: complaints.append(str(error)))
    found.goto(service.url)
    found.select_option("#corpus", "contracts")
    yield found
    found.close()
    assert complaints == []


def ask(page: Any, question: str) -> Any:
    """The last answer, once it is there."""
    before = page.locator(".route").count()
    page.fill("#question", question)
    page.press("#question", "Enter")
    page.locator(".route").nth(before).wait_for(timeout=60_000)
    return page.locator(".answer").last


def test_an_answer_opens_its_document_at_the_place(page: Any) -> None:
    answer = ask(page, "When does the lease end?")
    assert "28 February 2027" in answer.locator(".text").inner_text()
    answer.locator(".cite").first.click()
    assert "28 February 2027" in page.locator("#paper mark").first.inner_text()
    assert page.locator("#paper-name").inner_text() == "lease.md"
    page.keyboard.press("Escape")
    assert page.locator("#paper").is_hidden()


def test_a_question_that_follows_shows_how_it_was_understood(page: Any) -> None:
    ask(page, "When does the lease end?")
    answer = ask(page, "And when does it begin?")
    assert "1 March 2024" in answer.inner_text()
    assert page.locator(".stood").inner_text() == "Understood as: When does the lease begin?"


def test_the_other_way_is_read_beside_it_with_one_click(page: Any) -> None:
    ask(page, "When does the lease end?")
    page.get_by_role("button", name="Compare").click()
    page.locator(".route").nth(1).wait_for(timeout=60_000)
    ways = [box.inner_text() for box in page.locator(".route b").all()]
    assert sorted(ways) == ["Read passages", "Read whole documents"]


def test_the_pictures_say_in_words_what_they_show(page: Any) -> None:
    ask(page, "When does the lease end?")
    labels = [svg.get_attribute("aria-label") for svg in page.locator(".answer svg").all()]
    assert "GPU-s" in labels[0]
    assert "citation 1 at" in labels[1]


def test_a_dropped_file_can_be_asked_about_and_a_broken_one_is_named(page: Any) -> None:
    files = [("gate.txt", b"The gate code is <b>4711</b>."), ("bad.pdf", b"%PDF-1.4 nothing")]
    page.set_input_files("#files", [{"name": n, "mimeType": "text/plain", "buffer": b} for n, b in files])
    page.locator("#status", has_text="bad.pdf: ").wait_for(timeout=60_000)
    answer = ask(page, "What is the gate code?")
    assert "<b>4711</b>" in answer.locator(".text").inner_text()


def test_everything_has_a_name_and_is_reached_by_the_keyboard(page: Any) -> None:
    answer = ask(page, "When does the lease end?")
    answer.locator(".cite").first.focus()
    page.keyboard.press("Enter")
    page.locator("#paper mark").first.wait_for()
    for control in page.locator("button:visible, textarea, select, input:visible").all():
        name = control.evaluate("node => node.ariaLabel || node.labels?.[0]?.textContent || node.textContent")
        assert name.strip(), control.evaluate("node => node.outerHTML")


def test_a_link_opens_the_document_marked(page: Any, service: Running) -> None:
    at = LEASE.index("The monthly rent")
    page.goto(f"{service.url}/open/contracts/lease.md?start={at}&end={at + 16}")
    assert page.locator("#paper mark").first.inner_text() == "The monthly rent"


RENTS = {"hill.txt": "£48,000 a year", "dale.txt": "£1,000 a month", "moor.txt": ""}


@pytest.fixture(scope="module")
def leases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service over three leases, of which one gives no rent."""
    home = tmp_path_factory.mktemp("leases")
    (home / "leases").mkdir()
    for name, rent in RENTS.items():
        said = f"2. Rent. The Tenant shall pay rent of {rent}.\n" if rent else ""
        text = (
            f'LEASE\n\nBetween Hill Ltd (the "Landlord") and Tarn Ltd (the "Tenant").\n\n1. Term. Ten years.\n\n{said}'
        )
        (home / "leases" / name).write_text(text, "utf-8")
    with running(home, "leases") as found:
        yield found


@pytest.mark.parametrize(("width", "colours"), [(1280, "light"), (390, "dark")])
def test_a_table_opens_the_place_of_every_cell(browser: Any, leases: Running, width: int, colours: str) -> None:
    page = browser.new_page(viewport={"width": width, "height": 844}, color_scheme=colours)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(leases.url)
    page.select_option("#corpus", "leases")
    answer = ask(page, "What is the total rent over all leases?")
    assert answer.locator(".route b").inner_text() == "Asked every document"
    rows = [row.all_inner_texts() for row in (r.locator("th, td") for r in answer.locator(".frame tr").all())]
    assert rows[0] == ["document", "rent", "kind lease"]
    assert [row[1] for row in rows[1:]] == ["£1,000 a month", "£48,000 a year", "not said"]
    assert answer.locator(".frame .taken th").all_inner_texts() == ["dale.txt\n(taken)", "hill.txt\n(taken)"]
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    cell = answer.locator(".frame td button").nth(2)
    assert "hill.txt, rent: £48,000 a year. Opens hill.txt, line 7" in (cell.get_attribute("aria-label") or "")
    cell.click()
    assert "£48,000 a year" in page.locator("#paper mark").first.inner_text()
    assert page.locator("#paper-name").inner_text() == "hill.txt"
    page.close()
    assert faults == []


def test_a_long_table_scrolls_inside_and_is_shown_in_parts(browser: Any, leases: Running) -> None:
    """The reply is written here, as no corpus of a test has so many documents."""
    found = leases.post(
        "/v1/chat/completions",
        json={
            "model": "leases",
            "rung": "each",
            "messages": [{"role": "user", "content": "What is the total rent over all leases?"}],
        },
    ).json()["hybrid"]
    row = found["table"]["rows"][0]
    found["table"]["rows"] = [{**row, "document": f"<b>{i}</b>"} for i in range(449)]
    found["table"]["rows"].append({**row, "document": "down.txt", "cells": [], "failed": "the model said nothing"})
    events = [{"choices": [{"delta": {"content": found["text"]}}]}, {"choices": [{"delta": {}}], "hybrid": found}]
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(leases.url)
    page.select_option("#corpus", "leases")
    page.route("**/completions", lambda route: route.fulfill(status=200, content_type="text/event-stream", body=body))
    answer = ask(page, "What is the total rent over all leases?")
    assert answer.locator(".frame tbody tr").count() == 200
    assert answer.locator(".frame").bounding_box()["height"] <= 400
    assert answer.locator(".frame tbody th").first.inner_text() == "<b>0</b>"
    answer.get_by_role("button", name="Show all 450 rows").click()
    assert answer.locator(".frame tbody tr").count() == 450
    assert answer.locator(".frame tbody tr").last.inner_text().split("\t") == [
        "down.txt",
        "not read: the model said nothing",
    ]
    page.close()


def test_a_table_can_be_asked_for_and_a_question_that_makes_none_is_told(browser: Any, leases: Running) -> None:
    page = browser.new_page()
    page.goto(leases.url)
    page.locator("#corpus option").first.wait_for(state="attached")
    page.check("[name=route][value=each]")
    page.fill("#question", "Who is the tenant?")
    page.press("#question", "Enter")
    page.locator(".answer .fault").wait_for(timeout=60_000)
    assert "There is no table for this question" in page.locator(".answer .fault").inner_text()
    page.close()


def test_a_phone_shows_one_thing_at_a_time_without_scrolling_sideways(browser: Any, service: Running) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page.goto(service.url)
    page.select_option("#corpus", "contracts")
    answer = ask(page, "When does the lease end?")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    answer.locator(".cite").first.click()
    box = page.locator("#paper").bounding_box()
    assert box["width"] == 390
    page.close()


def test_a_locked_service_asks_for_its_key(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "lease.md").write_text(LEASE, "utf-8")
    with running(tmp_path, "lease=lease.md", HYBRID_SERVE_KEY="a key of some length") as service:
        page = browser.new_page()
        page.goto(service.url)
        page.fill("#key", "a key of some length")
        page.get_by_role("button", name="Use it").click()
        page.locator("#corpus option", has_text="lease").wait_for(state="attached")
        page.close()


def test_an_empty_service_says_what_to_do(browser: Any, tmp_path: Path) -> None:
    with running(tmp_path) as service:
        found = browser.new_page()
        found.goto(service.url)
        found.get_by_text("There are no documents yet").wait_for()
        assert found.locator("#corpus").inner_text() == "none yet"
        assert found.locator("#send").is_disabled()
        found.close()


def test_a_key_can_be_declined_mistyped_and_given(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "lease.md").write_text(LEASE, "utf-8")
    with running(tmp_path, "lease=lease.md", HYBRID_SERVE_KEY="a key of some length") as service:
        found = browser.new_page()
        found.goto(service.url)
        found.locator("#key").wait_for()
        found.keyboard.press("Escape")
        found.get_by_text("This service needs a key. Reload").wait_for()
        found.reload()
        found.fill("#key", "another key of some length")
        found.keyboard.press("Enter")
        found.get_by_text("That is no key of this service.").wait_for()
        found.fill("#key", "a key of some length")
        found.keyboard.press("Enter")
        found.locator("#corpus option", has_text="lease").wait_for(state="attached")
        found.close()


def test_an_answer_that_breaks_off_leaves_its_question_to_ask_again(page: Any) -> None:
    events = [{"choices": [{"delta": {"content": "The lease"}}]}, {"error": {"message": "The server did not answer."}}]
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    page.route("**/completions", lambda route: route.fulfill(status=200, content_type="text/event-stream", body=body))
    page.fill("#question", "When does it end?")
    page.press("#question", "Enter")
    page.locator(".answer .fault").wait_for()
    assert page.locator(".answer .fault").inner_text() == "The server did not answer."
    page.wait_for_function("document.getElementById('question').value === 'When does it end?'")
    page.unroute("**/completions")
    page.press("#question", "Enter")
    page.locator(".route").wait_for(timeout=60_000)


PROFILE = {
    "format": 1,
    "engine": "m at elsewhere",
    "window": 32000,
    "task": "needle",
    "threshold": 0.85,
    "effective": 32000,
    "lengths": [{"at": 1000, "score": 1.0, "low": 0.9, "high": 1.0, "n": 40}],
    "positions": [
        {"at": at, "score": score, "low": score - 0.1, "high": score + 0.1, "n": 40}
        for at, score in ((0.0, 0.9), (0.25, 0.5), (0.5, 0.4), (0.75, 0.5), (1.0, 0.9))
    ],
    "length": 8000,
    "date": "2026-11-30",
}


@pytest.fixture(scope="module")
def measured(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The page before a model whose dead zone was measured, with one answer of whole documents."""
    home = tmp_path_factory.mktemp("measured")
    notes = [f"Note {i}. The gate code of house {i} is {4000 + i}, as the keeper wrote it down.\n" for i in range(300)]
    (home / "notes.md").write_text("\n".join(notes), "utf-8")
    (home / "hybrid-profile.json").write_text(json.dumps(PROFILE), "utf-8")
    said = "The gate code of house 150 is 4150 [1]."
    with (
        model_server({"id": "m", "object": "model", "max_model_len": 32000}, reply=said, wait=0.3) as model,
        running(home, "notes=notes.md", "--url", model.url, HYBRID_COST_GPU="L4") as service,
    ):
        found = browser.new_page(viewport={"width": 1280, "height": 900})
        found.goto(service.url)
        found.locator("#corpus option").first.wait_for(state="attached")
        found.check("[name=route][value=':long']")
        ask(found, "What is the gate code of house 150?")
        yield found
        found.close()


def test_the_strip_marks_the_dead_zone_where_it_was_measured_and_the_citation_in_it(measured: Any) -> None:
    strip = measured.locator(".answer svg").nth(1)
    zone = strip.locator("rect.zone")
    assert zone.count() == 1
    first = float(zone.get_attribute("x") or 0)
    last = first + float(zone.get_attribute("width") or 0)
    assert (first, last) == pytest.approx((0.25 * 420, 0.75 * 420))
    assert first < float(strip.locator("rect.at").first.get_attribute("x") or 0) < last
    assert "citation 1 at 5" in (strip.get_attribute("aria-label") or "")
    assert "measured dead zone" in measured.locator(".answer figcaption").nth(1).inner_text()
    colours = [part.evaluate("node => getComputedStyle(node).fill") for part in (zone, strip.locator(".read").first)]
    assert colours[0] != colours[1]


def test_what_the_answer_took_stands_beside_what_each_way_was_expected_to_take(measured: Any) -> None:
    picture = measured.locator(".answer svg").first
    rows = picture.locator("text:not(.soft)").all_text_contents()
    assert rows == ["passages", "sections", "documents", "everything", "this answer"]
    label = picture.get_attribute("aria-label") or ""
    assert "everything" in label
    assert "; this answer " in label
    assert picture.locator("rect.did").count() == 1
    assert "GPU-seconds (" in measured.locator(".answer figcaption").first.inner_text()


def test_an_address_that_nobody_made_shows_the_page(browser: Any, service: Running) -> None:
    found, faults = browser.new_page(), []
    found.on("pageerror", lambda error: faults.append(str(error)))
    for path in ("/open/contracts/%zz", "/open/contracts/nothing.md", "/open/nothing", "/open/"):
        found.goto(f"{service.url}{path}")
        found.locator("#corpus option").first.wait_for(state="attached")
    found.close()
    assert faults == []
