"""PDFs: pages, bookmarks, tables over several pages, and files that cannot be read."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest
from pypdf import PageObject, PdfReader, PdfWriter

from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.readers.read import read
from tests.corpus.documents import outline
from tests.corpus.files import saved
from tests.corpus.pdfs import encrypted_pdf, make_pdf, placed_pdf, rows_at


class TestPdf:
    def test_pages(self) -> None:
        document = read("a.pdf", make_pdf("ARTICLE I\nFirst page", "Second page", "Third\npage"))
        assert document.kind == "pdf"
        assert len(document.pages) == 3
        place = document.locate(document.text.index("page", document.pages[2]), len(document.text))
        assert (place.page, place.line) == (3, 2)
        assert document.page_of(document.text.index("Second")) == 2
        assert outline(document) == [(1, "ARTICLE I")]

    def test_bookmarks_are_the_headings(self) -> None:
        pages = ("ARTICLE I\nFirst page", "ARTICLE II\nSome text\nPrice and  payment", "Third")
        writer = PdfWriter(clone_from=PdfReader(io.BytesIO(make_pdf(*pages))))
        part = writer.add_outline_item(title="Terms", page_number=0)
        writer.add_outline_item(title="price and payment", page_number=1, parent=part)
        writer.add_outline_item(title="Nowhere", page_number=None)
        writer.add_outline_item(title="Annex", page_number=2)
        document = read("a.pdf", saved(writer))
        assert outline(document) == [(1, "Terms"), (2, "price and payment"), (1, "Annex")]
        assert document.headings[0].start == 0
        assert document.text.startswith("Price", document.headings[1].start)
        assert document.headings[2].start == document.pages[2]

    HEAD, FIRST = "Item|Quantity|Price", ("Steel bolts|100|1.50", "Copper wire|20|12.00")
    REST = ("Brass nuts and washers|5|3.25", "Zinc plates|7|9.99")

    @pytest.mark.parametrize("repeated", [True, False])
    def test_a_table_goes_on_on_the_next_page(self, repeated: bool) -> None:
        title = "Supply Agreement No. 77"
        head = [self.HEAD] if repeated else []
        data = placed_pdf(
            [(72, 760, title), (72, 720, "1. Prices. The prices are in this table."),
             *rows_at(700, self.HEAD, *self.FIRST), (300, 40, "Page 1 of 3")],
            [(72, 760, title), *rows_at(720, *head, *self.REST), (72, 600, "2. Term. One year."),
             (300, 40, "Page 2 of 3")],
            [(72, 760, title), (72, 720, "3. Law. French law."), (300, 40, "Page 3 of 3")],
        )  # fmt: skip
        document = read("a.pdf", data)
        lines = document.text.split("\n")
        at = lines.index("Item: Copper wire | Quantity: 20 | Price: 12.00")
        assert lines[at + 1 : at + 3] == [
            "Item: Brass nuts and washers | Quantity: 5 | Price: 3.25", "Item: Zinc plates | Quantity: 7 | Price: 9.99"
        ]  # fmt: skip
        assert document.page_of(document.text.index("Copper wire")) == 1
        assert document.page_of(document.text.index("Brass nuts")) == 2
        assert document.locate(document.text.index("Zinc"), document.text.index("Zinc") + 4).line == 2
        assert document.page_of(document.text.index("2. Term.")) == 2  # every line stays on its page
        assert document.page_of(document.text.index("3. Law.")) == 3
        assert document.text.count(title) == 1  # what runs over the pages stands once, the numbers not at all
        assert "of 3" not in document.text

    def test_a_table_over_three_pages(self) -> None:
        data = placed_pdf(
            [(72, 760, "Annex"), *rows_at(700, self.HEAD, *self.FIRST), (300, 40, "1")],
            [(72, 760, "Annex"), *rows_at(700, self.HEAD, *self.REST), (300, 40, "2")],
            [(72, 760, "Annex"), *rows_at(700, self.HEAD, "Tin cans|12|0.40"), (300, 40, "3")],
        )
        document = read("a.pdf", data)
        assert document.text == (
            "Item: Steel bolts | Quantity: 100 | Price: 1.50\n"
            "Item: Copper wire | Quantity: 20 | Price: 12.00\n"
            "Item: Brass nuts and washers | Quantity: 5 | Price: 3.25\nItem: Zinc plates | Quantity: 7 | Price: 9.99\n"
            "Item: Tin cans | Quantity: 12 | Price: 0.40\n\n[header or footer: Annex]"
        )
        assert [document.page_of(document.text.index(word)) for word in ("Copper", "Zinc", "Tin")] == [1, 2, 3]

    @pytest.mark.parametrize(
        "below",
        [
            rows_at(720, "Zinc plates|7", "Tin cans|12"),  # another number of columns
            [(72, 740, "The following is another matter."), *rows_at(720, *REST)],  # not the first thing
            [(72, 720, "Zinc plates are 7 at 9.99, and tin cans are 12 at 0.40.")],  # prose
        ],
    )
    def test_what_may_be_another_table_is_left(self, below: list[tuple[int, int, str]]) -> None:
        pages = [[*rows_at(700, self.HEAD, *self.FIRST), (300, 40, "1")], [*below, (300, 40, "2")]]
        document = read("a.pdf", placed_pdf(*pages))
        assert "Item: Copper wire | Quantity: 20 | Price: 12.00\n" in document.text

    @pytest.mark.parametrize("algorithm", ["RC4-128", "AES-256"])
    def test_encrypted(self, algorithm: str) -> None:
        pytest.importorskip("cryptography")
        with pytest.raises(Unreadable, match=r"^encrypted PDF: needs a password$"):
            read("a.pdf", encrypted_pdf("secret", algorithm))
        assert "Secret terms" in read("a.pdf", encrypted_pdf("", algorithm)).text

    @pytest.mark.parametrize("data", [b"not a pdf at all", b"%PDF-1.4\nrubbish", make_pdf("x" * 500)[:300]])
    def test_broken(self, data: bytes, caplog: pytest.LogCaptureFixture) -> None:
        with pytest.raises(Unreadable, match=r"^broken PDF: \S"):
            read("a.pdf", data)
        assert caplog.records == []
        assert logging.getLogger("pypdf").level == logging.NOTSET

    def test_scanned(self) -> None:
        with pytest.raises(Unreadable, match="no text in this PDF"):
            read("a.pdf", make_pdf("", ""))


def test_pages_that_cannot_be_read_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    texts: Iterator[str | Exception] = iter(["first", ValueError("odd  font"), "third"])

    def extract(page: object, **_: object) -> str:
        text = next(texts)
        if isinstance(text, Exception):
            raise text
        return text

    monkeypatch.setattr(PageObject, "extract_text", extract)
    document = read("a.pdf", make_pdf("a", "b", "c"))
    assert document.text == "first\n[page 2 cannot be read: odd font]\nthird"
    assert document.pages == (0, 6, 40)
