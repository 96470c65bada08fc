"""Text is kept as it stands; a file without text or of an unknown format is refused."""

from __future__ import annotations

import pytest

from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.readers.read import read, read_text
from tests.corpus.documents import original, outline


class TestTexts:
    @pytest.mark.parametrize("name", ["a.txt", "a.md", "a.rst", "a.csv", "a.tsv", "a.py", "a.yaml", "a.xyz"])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
    def test_text_is_kept_exactly(self, name: str, encoding: str) -> None:
        source = "Title – é\r\n=========\r\n\r\nä, b,\tc\r\nlast  line"
        document = read(name, source.encode(encoding), "/x/" + name)
        assert document.text == source
        assert document.anchors == ()
        assert document.path == "/x/" + name
        assert original(document, source, "last  line") == "last  line"
        assert document.locate(source.index("ä"), source.index("ä") + 1).line == 4

    @pytest.mark.parametrize("data", [b"", b" \r\n\t", "\ufeff \n".encode(), "\ufeff\n".encode("utf-16-le")])
    def test_empty(self, data: bytes) -> None:
        with pytest.raises(Unreadable, match=r"^empty file$"):
            read("a.txt", data)

    def test_unsupported(self) -> None:
        with pytest.raises(Unreadable, match=r"^unsupported format \.xls: save it as \.xlsx$"):
            read("a.XLS", b"PK\3\4")

    def test_given_text_is_kept_whatever_its_name(self) -> None:
        document = read_text("report.pdf", "ARTICLE I\n\n<b>x</b>", (0,))
        assert (document.text, document.kind, document.path) == ("ARTICLE I\n\n<b>x</b>", "text", None)
        assert outline(document) == [(1, "ARTICLE I")]
        assert read_text("a.json", "x\ud800y").text == "x\ufffdy"
        with pytest.raises(Unreadable, match="empty text"):
            read_text("a", " \n")
