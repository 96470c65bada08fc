"""JSON is read as one line for each value, under its path."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.readers.read import read
from tests.corpus.documents import original


def strings_in(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return [string for part in parts for string in strings_in(part)]


class TestJson:
    def test_rendering(self) -> None:
        source = '{"a": {"b c": "x\\ny", "n": [1, 2.5e3,\n null], "e": {}, "l": []},\n'
        source += '"t": [{"k": true}, "s"], "é": "ü\\u00e9"}'
        document = read("a.json", source.encode())
        assert document.text.split("\n") == [
            "a.b c: x", "y", "a.n: 1, 2.5e3, null", "a.e: {}", "a.l: []", "t[0].k: true", "t: s", "é: üé",
        ]  # fmt: skip
        assert original(document, source, "2.5e3") == "2.5e3"
        assert original(document, source, "null") == "null"
        assert original(document, source, "true") == "true"
        assert original(document, source, "ü") == "ü"

    def test_records_of_an_outer_list(self) -> None:
        assert read("a.json", b'[{"a": 1, "b": 2}, {"a": 3}]').text == "[0].a: 1\n[0].b: 2\n\n[1].a: 3"
        assert read("a.json", b'[1, "x"]').text == "1, x"
        assert read("a.json", b'"x"').text == "x"

    @pytest.mark.parametrize(
        "source",
        ['{"a": 1,}', "{'a': 1}", '{"a": 1} {"b": 2}', "[1 2]", '{"a" 1}', "nul", "[" * 100_000, '["\\q"]', "01"],
    )
    def test_what_is_no_json_is_kept(self, source: str) -> None:
        document = read("a.json", source.encode())
        assert (document.text, document.kind) == (source, "json")

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
            lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
            max_leaves=12,
        ),
        st.booleans(),
    )
    def test_whatever_json_writes(self, value: Any, ascii_only: bool) -> None:
        source = json.dumps(value, ensure_ascii=ascii_only, indent=1 if ascii_only else None)
        try:
            document = read("a.json", source.encode("utf-8", "replace"))
        except Unreadable:
            assert not "".join(strings_in(value)).strip()
            return
        assert value in ({}, [], "{}", "[]") or document.anchors
        for string in strings_in(value):
            assert (
                string.encode("utf-8", "replace").decode() in document.text.replace("\ufffd", "?") or "\ufffd" in string
            )
        for a in document.anchors:
            assert a.line == source.count("\n", 0, a.source) + 1

    def test_lines(self) -> None:
        source = '{"q": "a\\"b", "n": 1}\r\n\nbad line\n[{"x": 2}]\n'
        document = read("a.jsonl", source.encode())
        assert document.text == 'q: a"b\nn: 1\n\nbad line\n\n[0].x: 2'
        assert document.headings == ()
        assert original(document, source, "bad line") == "bad line"
        assert document.locate(document.text.index("[0]"), len(document.text)).line == 4
