"""The commands for codebases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hybrid.pipelines.code.cli import code

from hybrid.cli.main import guarded


class TestCommands:
    def test_ask(self, shop: Path, commit: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert guarded(code, ["ask", str(shop), "Where is Cart.add defined?", "What ends the session?", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["commit"], told["dirty"]) == (commit, False)
        first, second = told["answers"]
        assert first["citations"][0]["where"] == f"src/shop/core.py:22-24 @ {commit[:10]}"
        assert (first["answered_by"], second["answered_by"]) == ("symbols", "hybrid")
        assert guarded(code, ["ask", str(shop), "Who calls total?", "-q"]) == 0
        shown = capsys.readouterr().out
        assert "[1] src/shop/core.py:34 in shop.core.total.inner" in shown
        assert f"@ {commit[:10]}" in shown

    def test_map(self, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert guarded(code, ["map", str(shop), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        cart = next(f for f in told["files"] if f["name"] == "src/shop/core.py")
        assert [s["line"] for s in cart["symbols"] if s["name"] == "Cart"] == [15]
        assert guarded(code, ["map", str(shop), "-q", "--files", "3"]) == 0
        assert "left out: 2 × generated, by its name" in capsys.readouterr().out
        assert guarded(code, ["map", str(shop), "--text"]) == 0
        assert capsys.readouterr().out.startswith("# Map of shop\n")

    def test_index_says_what_it_did_and_left_out(self, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (shop / "src" / "shop" / "raw.py").write_bytes(b"\0\1\2binary")
        assert guarded(code, ["index", str(shop), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["symbols"]["parsed"] == 10
        assert told["passages"]["added"] == told["symbols"]["parsed"] + 1  # and the map
        assert {"name": "src/shop/raw.py", "reason": "binary file"} in told["left_out"]
        assert {"name": "poetry.lock", "reason": "lock file"} in told["left_out"]
        file = shop / "src" / "shop" / "money.py"
        file.write_text(file.read_text() + "\n\ndef more():\n    return tax(2)\n")
        assert guarded(code, ["index", str(shop), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["symbols"]["parsed"] == 1
        assert told["passages"]["embedded"] < 4
        assert guarded(code, ["index", str(shop), "--rebuild", "--list", "-q"]) == 0
        shown = capsys.readouterr().out
        assert "symbols: 10 files parsed" in shown
        assert "left out: tests/test_core.py: tests and documentation" in shown

    def test_a_damaged_symbol_index_is_a_sentence(
        self, shop: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        (tmp_path / "i").mkdir()
        (tmp_path / "i" / "symbols.db").write_bytes(b"no database at all" * 100)
        assert guarded(code, ["ask", str(shop), "Who calls total?", "--index", str(tmp_path / "i")]) == 2
        assert "cannot be used: file is not a database. Make them anew" in capsys.readouterr().err
