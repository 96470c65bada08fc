"""What hangs on the pages of a PDF: comments, and files that are embedded."""

from __future__ import annotations

import io
from typing import Any

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DecodedStreamObject, DictionaryObject, NameObject, TextStringObject

from hybrid.corpus.readers.read import read
from tests.corpus.files import saved
from tests.corpus.pdfs import make_pdf


def annotated(*annotations: dict[str, Any], files: tuple[str, ...] = ()) -> bytes:
    """A PDF with one line of text, with annotations on it and files in it."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(make_pdf("The rent is 500 euros."))))
    for file in files:
        writer.add_attachment(file, b"x")

    def made(value: Any) -> Any:
        if isinstance(value, dict):
            return DictionaryObject({NameObject(f"/{key}"): made(own) for key, own in value.items()})
        if value == "the first file":
            return writer.root_object["/Names"]["/EmbeddedFiles"]["/Names"].get_object()[1]
        if isinstance(value, bytes):
            stream = DecodedStreamObject()
            stream.set_data(value)
            return writer._add_object(stream)
        return NameObject(value) if value.startswith("/") else TextStringObject(value)

    writer.pages[0][NameObject("/Annots")] = ArrayObject(
        [writer._add_object(made({"Type": "/Annot", **annotation})) for annotation in annotations]
    )
    return saved(writer)


@pytest.mark.parametrize("kind", ["Highlight", "Underline", "Squiggly", "StrikeOut", "Caret", "Stamp", "Ink", "Text"])
def test_a_comment_is_read_whatever_it_hangs_on(kind: str) -> None:
    text = read("a.pdf", annotated({"Subtype": f"/{kind}", "Contents": "until\nJune only"})).text
    assert text == "The rent is 500 euros.\n\n[note: until June only]"


def test_what_is_no_comment_is_left() -> None:
    kinds = ({"Subtype": "/Popup", "Contents": "again"}, {"Subtype": "/Link", "Contents": "a link"})
    assert read("a.pdf", annotated(*kinds, {"Subtype": "/Highlight"})).text == "The rent is 500 euros.\n"


def pinned(name: str) -> dict[str, Any]:
    return {"Subtype": "/FileAttachment", "FS": {"Type": "/Filespec", "UF": name, "EF": {"F": b"x"}}}


@pytest.mark.parametrize(
    ("files", "pins", "remark"),
    [
        (("costs.xlsx",), (), "1 embedded file (costs.xlsx) left out"),
        ((), ("plan.docx",), "1 embedded file (plan.docx) left out"),
        (("a.csv", "b.csv"), ("c.csv", "d.csv"), "4 embedded files (a.csv, b.csv, c.csv, \u2026) left out"),
        (("x" * 90 + ".txt",), (), f"1 embedded file ({'x' * 59}\u2026) left out"),
    ],
)
def test_embedded_files_are_named_once(files: tuple[str, ...], pins: tuple[str, ...], remark: str) -> None:
    document = read("a.pdf", annotated(*map(pinned, pins), files=files))
    assert document.remarks == (remark,)
    assert document.text == "The rent is 500 euros.\n"


def test_a_file_that_is_pinned_to_a_page_too_is_named_once() -> None:
    data = annotated({"Subtype": "/FileAttachment", "FS": "the first file"}, files=("costs.xlsx",))
    assert read("a.pdf", data).remarks == ("1 embedded file (costs.xlsx) left out",)


def test_a_signature_is_no_text_of_a_form() -> None:
    field = {"Subtype": "/Widget", "FT": "/Sig", "T": "Signed", "V": {"Type": "/Sig"}}
    assert read("a.pdf", annotated(field)).text == "The rent is 500 euros.\n"
