"""Scanned pages of a PDF that carry a few words: told as scans, and the words are read."""

from __future__ import annotations

import pytest
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject, NumberObject

from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.readers.pdf import ocr
from hybrid.corpus.readers.read import read
from hybrid.document import Document
from tests.corpus.files import saved

STAMP = "RECEIVED 12 MARCH 2024 ACME 000123"
LONG = "This letter of the third of May confirms that the rent of the hall is 410 euros a month from June on."


@pytest.fixture(autouse=True)
def _without_ocr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "installed", lambda: False)


def pictured(*pages: tuple[str, float], image: str = "own", unseen: bool = False, in_form: bool = False) -> bytes:
    """A PDF of pages with a text, and an image over a share of the page.

    Args:
        image: "own" of each page, "one" of all, or "inline" within the drawing.
        unseen: whether the text is drawn so that nobody sees it.
        in_form: whether the image stands in a form.
    """
    writer = PdfWriter()
    name, number = NameObject, NumberObject
    font = DictionaryObject({name("/Type"): name("/Font"), name("/Subtype"): name("/Type1")})
    font[name("/BaseFont")] = name("/Helvetica")

    def stream(data: str, **entries: object) -> object:
        made = DecodedStreamObject()
        made.set_data(data.encode("latin-1"))
        made.update({name(f"/{key}"): value for key, value in entries.items()})
        return writer._add_object(made)

    def picture() -> object:
        kind = {"Type": name("/XObject"), "Subtype": name("/Image"), "Width": number(1), "Height": number(1)}
        return stream("x", **kind, ColorSpace=name("/DeviceGray"), BitsPerComponent=number(8))

    one = picture()
    for text, share in pages:
        shown = one if image == "one" else picture()
        things = DictionaryObject({name("/Im"): shown})
        draw = "BI /W 1 /H 1 /CS /G /BPC 8 ID x EI" if image == "inline" else "/Im Do"
        if in_form:
            within = DictionaryObject({name("/XObject"): DictionaryObject({name("/Im"): shown})})
            things = DictionaryObject(
                {name("/Im"): stream("q 2 0 0 2 0 0 cm /Im Do Q", Subtype=name("/Form"), Resources=within)}
            )
            share /= 4
        page = writer.add_blank_page(600, 800)
        page[name("/Resources")] = DictionaryObject(
            {name("/Font"): DictionaryObject({name("/F1"): font}), name("/XObject"): things}
        )
        page[name("/Contents")] = stream(
            f"q 600 0 0 {800 * share} 0 0 cm {draw} Q BT {3 if unseen else 0} Tr /F1 10 Tf 50 20 Td ({text}) Tj ET"
        )
    return saved(writer)


def told(data: bytes) -> tuple[Document, bool]:
    """A PDF as it is read, and whether any page of it is told as a scan."""
    document = read("a.pdf", data)
    return document, "[page" in document.text or bool(document.remarks)


@pytest.mark.parametrize("in_form", [False, True])
@pytest.mark.parametrize("words", [STAMP, "ACME 000123", "Page 7"])
def test_a_scan_with_a_stamp_is_told_and_its_stamp_is_read(words: str, in_form: bool) -> None:
    document, _ = told(pictured((LONG, 0.0), (words, 0.9), in_form=in_form))
    assert document.text.split("\n")[1:] == [
        "[page 2 has no text but this: it is probably a scan, install the extra ocr of hybrid-context to read it]",
        words,
    ]
    assert document.remarks == ("1 scanned page left out",)
    assert document.page_of(document.text.index(words)) == 2


@pytest.mark.parametrize(
    "data",
    [
        pictured(("The new logo of the club", 0.2)),  # a small picture
        pictured((LONG, 1.0)),  # a page of text over a picture
        pictured(("Chapter 3", 1.0), unseen=True),  # recognised already
        pictured(("Sales", 1.0), ("Thank you", 1.0), image="one"),  # slides
    ],
)
def test_pages_with_pictures_that_are_no_scans(data: bytes) -> None:
    assert not told(data)[1]


def test_a_file_of_which_only_running_lines_can_be_read_is_named() -> None:
    with pytest.raises(Unreadable, match=r"its 3 pages are scans; install the extra ocr"):
        read("a.pdf", pictured(*((f"ACME 00012{n}", 0.9) for n in range(3))))
    assert STAMP in told(pictured((STAMP, 0.9)))[0].text


def test_an_image_within_the_drawing_counts_beside_others() -> None:
    assert told(pictured(("Page 7", 0.9), image="inline"))[1]


def test_what_is_recognised_takes_the_place_of_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "installed", lambda: True)
    for found, text in (
        ("Rent is 500\nPage 7", "[page 1 is a scan, read by OCR]\nRent is 500\nPage 7"),
        ("Rent is 500", "[page 1 is a scan, read by OCR]\nRent is 500\nPage 7"),
        ("", "[page 1 has no text but this: it is probably a scan, and nothing on it was recognised]\nPage 7"),
    ):
        monkeypatch.setattr(ocr, "read_page", lambda data, number, found=found: found)
        assert told(pictured(("Page 7", 0.9)))[0].text == text
