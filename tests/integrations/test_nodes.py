"""Nodes of LlamaIndex: their scores, and the documents that they come from."""

from __future__ import annotations

from llama_index.core.schema import TextNode

from hybrid.integrations.nodes import relevances
from hybrid.integrations.originals import joined
from tests.integrations.nodes import node


def test_scores_of_any_kind_become_relevances():
    assert relevances([node("a", 8.0), node("b", 2.0)]) == [1.0, 0.25]
    assert relevances([node("a", 3.0), node("b", -1.0)]) == [1.0, 0.0]
    assert relevances([node("a", 0.1), node("b", 0.7)]) == [1.0, 0.5]  # distances: the order tells
    assert relevances([node("a"), node("b", 0.5)]) == [1.0, 0.5]
    assert relevances([node("a", 0.0)]) == [1.0]
    assert relevances([]) == []


def test_pages_of_one_file_are_one_document():
    pages = [
        TextNode(text=text, start_char_idx=0, metadata={"file_path": "x.pdf", "page_label": str(i)})
        for i, text in [(2, "second"), (10, "tenth"), (1, "first"), *((i, f"p{i}") for i in range(3, 10))]
    ]
    document = joined("x.pdf", pages)
    assert document.text.split("\n")[:3] == ["first", "second", "p3"]
    assert document.page_of(document.text.index("tenth")) == 10


def test_nodes_without_places_are_joined_as_they_come():
    assert joined("x", [TextNode(text="one"), TextNode(text="two")]).text == "one\n\ntwo"
