"""The name of a file tells its kind."""

from __future__ import annotations

from typing import get_args

import pytest
from tree_sitter_language_pack import SupportedLanguage

from hybrid.text.kinds import FILE_NAMES, LANGUAGES, kind_of


class TestKind:
    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("a/B.PY", ("code", "python")),
            ("Makefile", ("code", "make")),
            ("docker/Dockerfile.dev", ("code", "dockerfile")),
            ("CMakeLists.txt", ("code", "cmake")),
            ("notes.txt", ("text", None)),
            ("README", ("text", None)),
            ("x.unknown", ("text", None)),
            ("x.ndjson", ("jsonl", None)),
            ("x.TSV", ("csv", None)),
            ("x.xlsx", ("xlsx", None)),
        ],
    )
    def test_by_name(self, name: str, kind: tuple[str, str | None]) -> None:
        assert kind_of(name) == kind

    def test_every_language_has_a_grammar(self) -> None:
        assert {*LANGUAGES.values(), *FILE_NAMES.values()} <= set(get_args(SupportedLanguage))
