"""Text is kept as it stands; a file that is empty, broken, unknown or unpacks to too much is refused."""

from __future__ import annotations

import sys

import pytest

from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.readers.read import read, read_text
from tests.corpus.documents import original, outline
from tests.corpus.files import archive


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


@pytest.mark.parametrize("name", ["a.xlsx", "a.pptx", "a.odt", "a.ods", "a.epub", "a.rtf"])
def test_what_is_broken_is_said_in_a_sentence(name: str) -> None:
    for data in (b"not at all what it should be", archive(x_xml="<a/>")):
        with pytest.raises(Unreadable, match=r"^broken "):
            read(name, data)


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, module, data in (("a.xlsx", "openpyxl", archive(x_xml="<a/>")), ("a.rtf", "striprtf", b"{\\rtf1 x}")):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(Unreadable, match=r"pip install 'hybrid-context\[office\]'"):
            read(name, data)


@pytest.mark.parametrize(("name", "remedy"), [("a.doc", "save it as .docx"), ("a.zip", "unpack it"), ("a.msg", ".eml")])
def test_what_is_not_read_says_what_to_do(name: str, remedy: str) -> None:
    with pytest.raises(Unreadable, match=remedy):
        read(name, b"something")


def test_an_archive_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hybrid.corpus.readers.archive.PART_LIMIT", 1_000)
    for name, what in (("a.xlsx", "XLSX"), ("a.odt", "OpenDocument file"), ("a.epub", "EPUB"), ("a.docx", "DOCX")):
        with pytest.raises(Unreadable, match=rf"^suspicious {what}: one part unpacks to"):
            read(name, archive(content_xml="x" * 2_000))
