"""Scanned pages: named where OCR is not installed, read where it is."""

from __future__ import annotations

import io

import pytest
from pypdf import PdfReader, PdfWriter

from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.readers.pdf import ocr
from hybrid.corpus.readers.read import read
from tests.corpus.files import saved
from tests.corpus.pdfs import placed_pdf


def scanned(*words: str) -> bytes:
    """A PDF of pages that are pictures, one for each text."""
    image = pytest.importorskip("PIL.Image")
    draw, font = pytest.importorskip("PIL.ImageDraw"), pytest.importorskip("PIL.ImageFont")
    pages = []
    for text in words:
        page = image.new("RGB", (1240, 1754), "white")
        draw.Draw(page).text((120, 150), text, font=font.load_default(32), fill="black")
        pages.append(page)
    out = io.BytesIO()
    pages[0].save(out, "PDF", resolution=150, save_all=True, append_images=pages[1:])
    return out.getvalue()


def with_text(scan: bytes, text: str) -> bytes:
    """The pages of a PDF with a page of text before them."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(placed_pdf([(72, 720, text)]))))
    for other in PdfReader(io.BytesIO(scan)).pages:
        writer.add_page(other)
    return saved(writer)


class TestScans:
    def test_without_ocr_scans_are_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ocr, "installed", lambda: False)
        with pytest.raises(Unreadable, match="its page is a scan; install the extra ocr of hybrid-context"):
            read("a.pdf", scanned("Rent is 500"))
        with pytest.raises(Unreadable, match="its 2 pages are scans"):
            read("a.pdf", scanned("Rent is 500", "Term"))

    def test_one_scanned_page_among_others_keeps_its_place(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ocr, "installed", lambda: False)
        document = read("a.pdf", with_text(scanned("Rent is 500"), "First page"))
        assert document.text.startswith("First page\n[page 2 has no text: it is a scan, install the extra ocr")
        assert document.page_of(len(document.text) - 1) == 2

    def test_with_ocr_scans_are_read(self) -> None:
        if not ocr.installed():
            pytest.skip("the extra ocr is not installed")
        document = read("a.pdf", with_text(scanned("Rent is 500 euro"), "First page"))
        assert "[page 2 is a scan, read by OCR]" in document.text
        assert "Rent is 500 euro" in document.text

    def test_a_fault_of_ocr_is_named_and_the_rest_is_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(data: bytes, number: int) -> str:
            raise RuntimeError("no memory")

        monkeypatch.setattr(ocr, "installed", lambda: True)
        monkeypatch.setattr(ocr, "read_page", fail)
        text = read("a.pdf", with_text(scanned("Rent is 500"), "First page")).text
        assert text == "First page\n[page 2 has no text: it is a scan, and reading it failed: no memory]"

    def test_recognised_pieces_are_put_into_lines(self) -> None:
        def box(x: int, y: int) -> list[tuple[int, int]]:
            return [(x, y), (x + 90, y), (x + 90, y + 20), (x, y + 20)]

        assert ocr.lines([(box(200, 52), "c"), (box(0, 0), "a"), (box(0, 50), "b")]) == "a\nb  c"
