"""Strict Open XML: the names of ISO/IEC 29500, which Office writes where somebody asks for them."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from typing import Any

import docx
import openpyxl
from pptx import Presentation
from pptx.util import Inches

from hybrid.corpus.readers.read import read

# by what the names begin with in common files
STRICT = {
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships/extended-properties": (
        "http://purl.oclc.org/ooxml/officeDocument/relationships/extendedProperties"
    ),
    "http://schemas.openxmlformats.org/officeDocument/2006/extended-properties": (
        "http://purl.oclc.org/ooxml/officeDocument/extendedProperties"
    ),
    **{
        f"http://schemas.openxmlformats.org/{kind}/2006/": f"http://purl.oclc.org/ooxml/{kind}/"
        for kind in ("officeDocument", "spreadsheetml", "wordprocessingml", "presentationml", "drawingml")
    },
}


def strict(document: Any) -> bytes:
    """A file as a library writes it, with all names in it those of the strict form."""
    held, out = io.BytesIO(), io.BytesIO()
    document.save(held)
    with zipfile.ZipFile(held) as old, zipfile.ZipFile(out, "w") as made:
        for name in old.namelist():
            content = old.read(name)
            for common, own in STRICT.items() if name.endswith((".xml", ".rels")) else ():
                content = content.replace(common.encode(), own.encode())
            made.writestr(name, content)
    return out.getvalue()


def test_a_workbook() -> None:
    book = openpyxl.Workbook()
    book.iso_dates = True
    for row in (("Berth", "Fee", "Since"), ("North", 410, date(2023, 4, 5)), ("South", 95.5, date(2024, 1, 31))):
        book.active.append(row)
    assert "Berth: North | Fee: 410 | Since: 2023-04-05" in read("a.xlsx", strict(book)).text


def test_a_text() -> None:
    document = docx.Document()
    document.add_heading("Lease", 1)
    document.add_heading("Rent", 2)
    document.add_paragraph("The rent is 950 marks; see http://purl.oclc.org/ooxml/wordprocessingml/main for the form.")
    document.add_paragraph("Crane", style="List Number")
    found = read("a.docx", strict(document))
    assert [heading.title for heading in found.headings] == ["Lease", "Rent"]
    assert "950 marks; see http://purl.oclc.org/ooxml/wordprocessingml/main for" in found.text
    assert "1. Crane" in found.text


def test_slides() -> None:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "Plan"
    table = slide.shapes.add_table(2, 3, Inches(1), Inches(2), Inches(6), Inches(2)).table
    for at, row in enumerate((("Pier", "Length", "Opens"), ("North", "240 m", "2027"))):
        for column, text in enumerate(row):
            table.cell(at, column).text = text
    run = slide.shapes.add_textbox(Inches(1), Inches(5), Inches(4), Inches(1)).text_frame.paragraphs[0].add_run()
    run.text = "The architect is Lea Sonntag."
    found = read("a.pptx", strict(deck))
    assert found.text.startswith("Plan")
    assert "Pier: North | Length: 240 m | Opens: 2027" in found.text
    assert "The architect is Lea Sonntag." in found.text
