"""Names are answered exactly: definitions, callers, calls, members."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hybrid.pipelines.code.pipeline import Codebase
from hybrid.pipelines.code.questions import relation_asked
from hybrid.pipelines.code.symbols import module_of


def places(found: list) -> list[str]:
    return [place.where for place in found]


def calls(found: list, *, sure: bool = True) -> list[tuple[str, int, str]]:
    return [(call.place.file, call.place.line, call.inside) for call in found if call.sure is sure]


class TestNames:
    def test_definitions(self, found: Codebase) -> None:
        assert places(found.defined("Cart")) == ["src/shop/core.py:15-27"]
        assert [p.name for p in found.defined("check")] == ["shop.core.Cart.check"]
        assert places(found.defined("Cart.check")) == places(found.defined("shop.core.Cart.check"))
        assert places(found.defined("core.LIMIT")) == ["src/shop/core.py:7"]
        assert places(found.defined("shop.Cart")) == ["src/shop/core.py:15-27"]  # passed on by the package
        assert places(found.defined("load")) == ["web/load.ts:2-4"]
        assert [p.name for p in found.defined("T.Run")] == ["go.a.T.Run"]
        assert found.defined("Other.check") == found.defined("") == []

    def test_callers(self, found: Codebase) -> None:
        assert calls(found.callers("round_up")) == [
            ("src/shop/core.py", 24, "shop.core.Cart.add"),  # under another name
            ("src/shop/money.py", 6, "shop.money.tax"),
        ]
        assert calls(found.callers("tax")) == [
            ("src/shop/app.py", 6, "shop.app"),
            ("src/shop/core.py", 24, "shop.core.Cart.add"),
        ]
        assert calls(found.callers("Cart.check")) == [("src/shop/core.py", 23, "shop.core.Cart.add")]
        assert calls(found.callers("Cart.check"), sure=False) == [
            ("src/shop/app.py", 5, "shop.app"),
            ("src/shop/core.py", 31, "shop.core.total"),
        ]
        assert calls(found.callers("Base.close")) == [("src/shop/core.py", 27, "shop.core.Cart.check")]
        assert calls(found.callers("Cart")) == [("src/shop/app.py", 4, "shop.app")]  # renamed by the package
        assert calls(found.callers("total")) == [("src/shop/core.py", 34, "shop.core.total.inner")]
        assert calls(found.callers("load")) == [("web/main.ts", 4, "web.main.main")]
        assert calls(found.callers("helper")) == [("go/a.go", 5, "go.a.T.Run")]

    def test_calls(self, found: Codebase) -> None:
        assert [(c.place.name, [p.where for p in c.targets]) for c in found.calls("Cart.add")] == [
            ("self.check", ["src/shop/core.py:26-27"]),
            ("up", ["src/shop/money.py:1-2"]),
            ("money.tax", ["src/shop/money.py:5-6"]),
        ]

    def test_inheritance_and_members(self, found: Codebase) -> None:
        assert places(found.symbols.subclasses("Base")) == ["src/shop/core.py:15-27"]
        assert [c.place.name for c in found.symbols.bases("Cart")] == ["Base"]
        assert [p.name for p in found.symbols.members("Cart")] == [
            f"shop.core.Cart.{n}" for n in ("most", "add", "check")
        ]

    def test_an_edit_is_followed(self, shop: Path) -> None:
        with Codebase(shop) as found:
            found.callers("tax")
            assert found.symbol_changes is not None
            assert (found.symbol_changes.parsed, found.symbol_changes.removed) == (10, 0)
        (shop / "src" / "shop" / "app.py").unlink()
        (shop / "src" / "shop" / "money.py").write_text("\n\ndef tax(value):\n    return tax(value)\n")
        with Codebase(shop) as found:
            assert places(found.defined("tax")) == ["src/shop/money.py:3-4"]
            assert places(found.defined("round_up")) == []
            assert calls(found.callers("tax"))[1:] == [("src/shop/money.py", 4, "shop.money.tax")]
            assert found.symbol_changes is not None
            assert (found.symbol_changes.parsed, found.symbol_changes.removed) == (1, 1)

    def test_syntax_errors_and_other_encodings(self, shop: Path) -> None:
        (shop / "src" / "shop" / "broken.py").write_text("def good():\n    pass\n\ndef bad(:\n  class (((\n")
        (shop / "src" / "shop" / "old.py").write_bytes(
            "# Übergröße, naïve, für alle\ndef alt():\n    return 'ß'\n".encode("cp1252")
        )
        (shop / "src" / "shop" / "raw.py").write_bytes(b"\0\1\2binary")
        with Codebase(shop) as found:
            assert places(found.defined("good")) == ["src/shop/broken.py:1-2"]
            assert places(found.defined("alt")) == ["src/shop/old.py:2-3"]

    def test_notebooks(self, shop: Path) -> None:
        cells = [
            {"cell_type": "markdown", "metadata": {}, "source": ["# Title\n", "def no(): ..."]},
            {
                "cell_type": "code",
                "metadata": {},
                "outputs": [],
                "source": ["%time\n", "def yes():\n", "    pass\n", "yes()"],
            },
        ]
        text = json.dumps({"cells": cells, "metadata": {"language_info": {"name": "python"}}, "nbformat": 4}, indent=1)
        (shop / "n.ipynb").write_text(text)
        line = text.split("\n").index('    "def yes():\\n",') + 1
        with Codebase(shop) as found:
            assert found.defined("no") == []
            assert places(found.defined("yes")) == [f"n.ipynb:{line}-{line + 1}"]
            assert calls(found.callers("yes")) == [("n.ipynb", line + 2, "n")]

    @pytest.mark.parametrize(
        ("question", "asked"),
        [
            ("Where is Cart.add defined?", ("defined", "Cart.add")),
            ("where is the class `Cart` implemented", ("defined", "Cart")),
            ("Which file defines Cart?", ("defined", "Cart")),
            ("Find the definition of std::move()", ("defined", "std::move")),
            ("Who calls total()?", ("callers", "total")),
            ("Which functions call the method Cart.add?", ("callers", "Cart.add")),
            ("Where is Cart used?", ("callers", "Cart")),
            ("List all callers of total.", ("callers", "total")),
            ("What does Cart.add call?", ("calls", "Cart.add")),
            ("Which classes inherit from Base?", ("subclasses", "Base")),
            ("What does Cart inherit from?", ("bases", "Cart")),
            ("What methods does Cart have?", ("members", "Cart")),
            ("How are redirects followed?", None),
            ("Where is the timeout of a request handled?", None),
            ("What does the function that opens files call first?", None),
        ],
    )
    def test_what_is_asked(self, question: str, asked: tuple[str, str] | None) -> None:
        assert relation_asked(question) == asked

    def test_a_package_whose_own_file_is_empty(self, tmp_path: Path) -> None:
        root = tmp_path / "kit"
        root.mkdir()
        (root / "__init__.py").touch()
        (root / "a.py").write_text("def f(): ...\n")
        (root / "b.py").write_text("from kit.a import f\nf()\n")
        with Codebase(root) as found:
            assert calls(found.callers("f")) == [("b.py", 2, "kit.b")]

    def test_modules(self) -> None:
        names = ["src/a/b.py", "a/__init__.py", "lib/x.rb", "web/index.ts", "x.py", "src.py"]
        assert [module_of(name) for name in names] == ["a.b", "a", "x", "web", "x", "src"]
        assert module_of("__init__.py", "flask") == "flask"
        assert module_of("json/tag.py", "flask") == "flask.json.tag"
