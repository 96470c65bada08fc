"""The map of a codebase."""

from __future__ import annotations

from pathlib import Path

from hybrid.pipelines.code.map import as_text, dependency_order
from hybrid.pipelines.code.pipeline import Codebase


class TestMap:
    def test_each_after_what_it_imports(self, found: Codebase) -> None:
        mapped = found.map()
        order = [one.file.name for one in mapped.files]
        assert order.index("src/shop/money.py") < order.index("src/shop/core.py") < order.index("src/shop/__init__.py")
        assert order.index("src/shop/__init__.py") < order.index("src/shop/app.py")
        assert order.index("web/load.ts") < order.index("web/main.ts")
        core = next(one for one in mapped.files if one.file.name == "src/shop/core.py")
        assert core.needs == ("src/shop/money.py",)
        assert core.members["Cart"] == ("most", "add", "check")
        assert core.symbols[0].definition.name in ("Base", "Cart", "total")

    def test_circles(self) -> None:
        assert dependency_order({"a": {"b"}, "b": {"a"}, "c": {"a", "b"}, "d": set(), "e": {"elsewhere"}}) == list(
            "deabc"
        )

    def test_its_text_changes_with_names_only(self, found: Codebase, shop: Path) -> None:
        text = as_text(found.map())
        assert "## src/shop/core.py\nimports src/shop/money.py\n" in text
        assert "- class Cart(Base): most, add, check\n" in text
        file = shop / "src" / "shop" / "core.py"
        file.write_text(file.read_text().replace("LIMIT = 40", "LIMIT = 41  # more\n\n"))
        found.update()
        assert as_text(found.map()) == text
        assert len(as_text(found.map(), 300)) <= 301
