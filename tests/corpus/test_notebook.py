"""Notebooks: their cells in order, without outputs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.readers.json import code_of, language_of
from hybrid.corpus.readers.read import read
from tests.corpus.documents import original, outline


class TestNotebook:
    CELLS = (
        {
            "cell_type": "markdown",
            "metadata": {},
            "source": ["# Title\n", "\n", "```python\n", "def no(): ...\n", "```"],
        },
        {
            "cell_type": "code",
            "metadata": {},
            "outputs": [{"text": ["SECRET"]}],
            "source": ["%time\n", "def f():\n", " é\n"],
        },
        {"cell_type": "code", "metadata": {}, "outputs": [], "source": "y = '````'"},
        {"cell_type": "code", "metadata": {}, "outputs": [], "source": []},
    )

    def test_cells_in_order_without_outputs(self) -> None:
        metadata = {"kernelspec": {"language": "python"}}
        source = json.dumps({"cells": self.CELLS, "metadata": metadata, "nbformat": 4}, indent=1)
        document = read("a.ipynb", source.encode())
        assert document.kind == "notebook"
        assert document.text == (
            "# Title\n\n```python\ndef no(): ...\n```\n\n"
            "````python\n%time\ndef f():\n é\n````\n\n`````python\ny = '````'\n`````"
        )
        assert outline(document) == [(1, "Title"), (2, "f")]
        assert original(document, source, "def f():") == "def f():"
        assert language_of(document.text) == "python"
        code = code_of(document.text)
        assert len(code) == len(document.text)
        assert code.split() == ["def", "f():", "é", "y", "=", "'````'"]

    @pytest.mark.parametrize(
        ("counts", "remarks"),
        [
            ((), ()),
            ((0, 0), ()),
            ((2, 0), ("the output of 1 cell left out",)),
            ((1, 3), ("the outputs of 2 cells left out",)),
        ],
    )
    @pytest.mark.parametrize("sheets", [True, False])
    def test_outputs_are_said_to_be_left_out(
        self, counts: tuple[int, ...], remarks: tuple[str, ...], sheets: bool
    ) -> None:
        key = "input" if sheets else "source"
        shown = {"output_type": "stream", "name": "stdout", "text": ["loss 0.07"]}
        cells: list[Any] = [{"cell_type": "markdown", "source": ["Losses"]}]
        cells += [{"cell_type": "code", key: ["train()"], "outputs": [shown] * count} for count in counts]
        document = read(
            "a.ipynb", json.dumps({"worksheets": [{"cells": cells}]} if sheets else {"cells": cells}).encode()
        )
        assert document.remarks == remarks
        assert "loss" not in document.text

    def test_version_3_and_other_kernels(self) -> None:
        cells = [{"cell_type": "code", "language": "r", "input": ["f <- function(x) 1\n"], "outputs": []}]
        data = {"worksheets": [{"cells": cells}], "metadata": {"language_info": {"name": "R"}}, "nbformat": 3}
        document = read("a.ipynb", json.dumps(data).encode())
        assert document.text == "````r\nf <- function(x) 1\n````"
        assert language_of(document.text) == "r"

    @pytest.mark.parametrize(
        ("data", "reason"), [(b"{", "not JSON"), (b'{"cells": []}', "no text"), (b"[1]", "no text")]
    )
    def test_unreadable(self, data: bytes, reason: str) -> None:
        with pytest.raises(Unreadable, match=reason):
            read("a.ipynb", data)
