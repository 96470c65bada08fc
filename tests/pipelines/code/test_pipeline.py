"""Questions about a codebase: names, definitions, reading wider, and bad input."""

from __future__ import annotations

from pathlib import Path

import pytest
from hybrid.pipelines.code.cli import code
from hybrid.pipelines.code.map import NAME
from hybrid.pipelines.code.pipeline import Codebase, settings

from hybrid.cli.main import guarded
from hybrid.errors import InputError
from hybrid.settings import RoutingSettings, Settings


class TestAsking:
    def test_a_name_needs_no_engine(self, found: Codebase, shop: Path) -> None:
        answer = found.ask("Who calls Cart.check?")
        assert found._store is None  # nothing was embedded
        assert (answer.decision.policy, answer.usage.calls, answer.cost.dollars) == ("symbols", 0, 0.0)
        assert [(c.document, c.line, c.score) for c in answer.citations] == [
            ("src/shop/core.py", 23, 1.0),
            ("src/shop/app.py", 5, 0.5),
            ("src/shop/core.py", 31, 0.5),
        ]
        text = (shop / "src" / "shop" / "core.py").read_text()
        assert text[answer.citations[0].start : answer.citations[0].end] == answer.citations[0].quote

    def test_definitions_are_read_and_named(self, found: Codebase) -> None:
        answer = found.ask("What ends the session of the customer?", read="definitions")
        assert [c.heading for c in answer.citations] == ["shop.core.Base.close"]
        assert not any(c.document == NAME for c in answer.citations)
        assert found.store.document(NAME).text.startswith("# Map of shop")

    def test_reading_wider(self, found: Codebase) -> None:
        question = "What ends the session of the customer?"
        names = found._around(question, "imports")
        assert names == (NAME, "src/shop/core.py", "src/shop/money.py")  # the map first, then by name
        package = found._around(question, "package")
        assert set(names) < set(package)
        answer = found.ask(question, read="imports")
        assert answer.decision.rung == "corpus"
        assert "those it imports: 2 files" in answer.reason

    def test_only_what_fits_is_read(self, shop: Path) -> None:
        base = settings(Settings(routing=RoutingSettings(policy="rag")))
        engine = base.engine.model_copy(update={"window": 330, "max_tokens": 20})
        with Codebase(shop, base.model_copy(update={"engine": engine})) as found:
            question = "What ends the session of the customer?"
            fitting = ("src/shop/core.py", "src/shop/money.py")  # without the map, and without the whole package
            assert found._around(question, "imports") == found._around(question, "package") == fitting

    def test_what_passages_do_not_answer_is_looked_for_wider(self, shop: Path) -> None:
        with Codebase(shop, settings(Settings(routing=RoutingSettings(policy="rag")))) as found:
            answer, answered = found.ask_many(
                ["Which colour has the president's horse in winter?", "What ends the session of the customer?"]
            )
        assert answer.abstained
        assert [attempt.decision.rung for attempt in answer.attempts] == ["passages", "sections", "corpus"]
        assert answer.usage.calls == sum(attempt.usage.calls for attempt in answer.attempts)
        assert "single passages. They did not answer, so whole definitions were read too. They did not" in answer.reason
        assert not answered.abstained
        assert [attempt.decision.rung for attempt in answered.attempts] == ["passages"]  # definitions cost more

    def test_nothing_that_can_be_read(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "only").mkdir()
        (tmp_path / "only" / "raw.py").write_bytes(b"\0\1\2binary")
        for asked in (["ask", "What is this?"], ["ask", "Where is x defined?"], ["map"], ["index"]):
            assert guarded(code, [asked[0], str(tmp_path / "only"), *asked[1:]]) == 2
            said = capsys.readouterr()
            assert "Nothing in" in said.err
            assert "can be read (raw.py: binary file)." in said.err

    def test_an_empty_question(self, shop: Path) -> None:
        with Codebase(shop) as found, pytest.raises(InputError, match="The question is empty"):
            found.ask_many(["Who calls total?", " "])

    def test_a_wrong_reading(self, shop: Path) -> None:
        with Codebase(shop) as found, pytest.raises(InputError, match="There is no reading 'all'; choose one of: auto"):
            found.ask("x?", read="all")  # type: ignore[arg-type]
