"""PDFs that tests read."""

from __future__ import annotations

import io
import warnings

from pypdf import PdfReader, PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from tests.corpus.files import saved


def make_pdf(*pages: str) -> bytes:
    """A PDF with one line of text per line, in the simplest form there is."""
    writer = PdfWriter()
    font = DictionaryObject({NameObject("/Type"): NameObject("/Font"), NameObject("/Subtype"): NameObject("/Type1")})
    font[NameObject("/BaseFont")] = NameObject("/Helvetica")
    for text in pages:
        page = writer.add_blank_page(612, 792)
        page[NameObject("/Resources")] = DictionaryObject(
            {NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})}
        )
        lines = " ".join(f"({line}) Tj 0 -20 Td" for line in text.split("\n"))
        stream = DecodedStreamObject()
        stream.set_data(f"BT /F1 12 Tf 72 720 Td {lines} ET".encode())
        page[NameObject("/Contents")] = writer._add_object(stream)
    return saved(writer)


def placed_pdf(*pages: list[tuple[int, int, str]]) -> bytes:
    """A PDF with pieces of text at their places: points from the left, points from the bottom, text."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(make_pdf(*["" for _ in pages]))))
    for page, pieces in zip(writer.pages, pages, strict=True):
        stream = DecodedStreamObject()
        shown = (f"BT /F1 10 Tf {x} {y} Td ({text}) Tj ET" for x, y, text in pieces)
        stream.set_data("\n".join(shown).encode())
        page[NameObject("/Contents")] = writer._add_object(stream)
    return saved(writer)


def rows_at(top: int, *rows: str) -> list[tuple[int, int, str]]:
    """The rows of a table, their cells parted by bars, from a height downwards."""
    return [
        (72 + 150 * column, top - 16 * number, cell)
        for number, row in enumerate(rows)
        for column, cell in enumerate(row.split("|"))
    ]


def encrypted_pdf(user_password: str, algorithm: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(make_pdf("Secret terms"))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of old ciphers
        writer.encrypt(user_password, "owner", algorithm=algorithm)
        return saved(writer)
