"""Documents and nodes of LlamaIndex as a corpus."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from hybrid.corpus.corpus import Corpus
from hybrid.errors import InputError
from tests.corpus.conftest import names


def node(text: str, doc_id: str = "id", **metadata: str) -> Any:
    return SimpleNamespace(text=text, metadata=metadata, doc_id=doc_id)


class TestLlamaIndex:
    def test_names(self) -> None:
        corpus = Corpus.of([node("x", "doc-1"), node("y", file_name="b.md"), node("z", file_path="/d/c.txt")])
        assert names(corpus) == ["b.md", "c.txt", "doc-1"]
        assert corpus.sources[0].path is None

    def test_pages_of_a_file_are_put_together(self) -> None:
        pages = [node(f"text {i}", f"id{i}", file_name="r.pdf", page_label=str(i)) for i in (1, 2, 3)]
        corpus = Corpus.of(pages)
        assert names(corpus) == ["r.pdf"]
        document = corpus.sources[0].document
        assert document is not None
        assert (document.text, document.pages) == ("text 1\ntext 2\ntext 3", (0, 7, 14))

    @pytest.mark.parametrize(
        ("labels", "pages"),
        [
            (("i", "ii", "1", "2"), (1, 2, 3, 4)),  # printed: all pages in their order
            (("3", "4", "5"), (3, 4, 5)),
            (("2", "5"), (2, 5)),
            (("4",), (4,)),
        ],
    )
    def test_some_pages_and_printed_labels(self, labels: tuple[str, ...], pages: tuple[int, ...]) -> None:
        nodes = [node(f"text {label}", f"id{label}", file_name="r.pdf", page_label=label) for label in labels]
        (source,) = Corpus.of(nodes).sources
        document = source.document
        assert document is not None
        assert source.name == "r.pdf"
        assert tuple(document.page_of(document.text.index(f"text {label}")) for label in labels) == pages

    def test_parts_and_equal_names_are_told_apart(self) -> None:
        some = [node("x", file_name="r.pdf", page_label=label) for label in ("iv", "v")]
        parts = [node("x", file_path="/a/n.txt"), node("y", file_path="/a/n.txt"), node("z", file_path="/b/n.txt")]
        assert names(Corpus.of([*some, *parts])) == [
            "/a/n.txt#1",
            "/a/n.txt#2",
            "/b/n.txt",
            "r.pdf#page=iv",
            "r.pdf#page=v",
        ]

    def test_without_any_name(self) -> None:
        with pytest.raises(InputError, match="file_name"):
            Corpus.of(SimpleNamespace(text="x", metadata={}))

    def test_real_ones(self) -> None:
        schema = pytest.importorskip("llama_index.core.schema")
        document = schema.Document(text="one", metadata={"file_name": "a.txt"})
        scored = schema.NodeWithScore(node=schema.TextNode(text="two", id_="n2"), score=1.0)
        corpus = Corpus.of([document, scored])
        assert names(corpus) == ["a.txt", "n2"]
        assert [s.load() for s in corpus.sources] == [b"one", b"two"]
