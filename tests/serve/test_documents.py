"""Documents over the wire, decisions, and what the service counts."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.corpus.pdfs import make_pdf
from tests.serve.conftest import LEASE, Running, running


def test_a_decision_asks_no_engine_and_tells_every_way(service: Running) -> None:
    told = service.post("/v1/route", json={"model": "contracts", "question": "When does the lease end?"}).json()
    assert told["route"] in ("rag", "long")
    assert len(told["predictions"]) == 4
    turns = [
        {"role": "user", "content": "When does the lease end?"},
        {"role": "user", "content": "And when does it begin?"},
    ]
    assert service.post("/v1/route", json={"model": "contracts:rag", "messages": turns}).json()["route"] == "rag"


def test_a_range_of_a_document_comes_with_what_stands_around_it(service: Running) -> None:
    at = LEASE.index("The monthly rent")
    found = service.get(f"/v1/corpora/contracts/documents/lease.md?start={at}&end={at + 16}").json()
    assert found["text"] == LEASE[found["start"] : found["end"]]
    bare = service.get(f"/v1/corpora/contracts/documents/lease.md?start={at}&end={at + 16}&around=0&as=text")
    assert bare.text == "The monthly rent"
    assert service.get("/v1/corpora/contracts/documents/lease.md?start=x").status_code == 400
    assert service.get("/v1/corpora/contracts/documents/lease.md?page=2").status_code == 404
    assert service.get("/v1/corpora/contracts/documents/lease.md?as=picture").status_code == 400


def test_a_page_of_a_pdf_has_a_picture(tmp_path: Path) -> None:
    pytest.importorskip("pypdfium2", reason="pictures need hybrid-context[serve]")
    (tmp_path / "a.pdf").write_bytes(make_pdf("The boat costs 27 euros a day.", "The second page ends here."))
    with running(tmp_path, "papers=a.pdf") as service:
        found = service.get("/v1/corpora/papers/documents/a.pdf?page=2").json()
        assert (found["page"], found["pages"], found["pictures"]) == (2, 2, True)
        drawn = service.get("/v1/corpora/papers/documents/a.pdf?page=2&as=picture")
        assert drawn.content.startswith(b"\x89PNG")
        assert service.get("/v1/corpora/papers/documents/a.pdf?page=3&as=picture").status_code == 404


def test_what_was_asked_is_counted_without_its_words(service: Running) -> None:
    question = "When does the lease end, said the walrus?"
    service.client.chat.completions.create(model="contracts", messages=[{"role": "user", "content": question}])
    text = service.get("/metrics").text
    assert 'hybrid_questions_total{corpus="contracts"' in text
    assert "hybrid_stage_seconds_bucket" in text
    log = (service.home / "log").read_text()
    assert '"corpus": "contracts"' in log
    assert "walrus" not in log
    assert "pounds" not in log


def test_a_file_that_changes_changes_the_answers(tmp_path: Path) -> None:
    file = tmp_path / "papers" / "note.md"
    file.parent.mkdir()
    file.write_text("The gate code is 1111.", "utf-8")
    with running(tmp_path, "papers") as service:
        service.client.models.list()
        time.sleep(0.5)  # the watch begins beside the service
        file.write_text("The gate code is 2222.", "utf-8")
        for _ in range(100):
            if "2222" in service.get("/v1/corpora/papers/documents/note.md").json()["text"]:
                break
            time.sleep(0.1)
        else:
            pytest.fail("the index was not brought up to date")
