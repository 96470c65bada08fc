"""Spreadsheets, slides, OpenDocument, RTF and e-books: rendered as simple web pages, and read as those are.

    .xlsx          openpyxl; a heading for each sheet, its rows with the names of their columns
    .pptx          python-pptx; a page for each slide, with its tables and the speaker's notes
    .rtf           striprtf
    .odt .ods .odp, .epub   what is in the archive

Formulas are read by the value that was stored, charts by the figures that are kept with them. Hidden sheets, rows,
columns and slides are left out, and said to be, as are comments, formulas without a value, struck-out and hidden text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO
from zipfile import BadZipFile, ZipFile

from hybrid.corpus.readers import archive as archives
from hybrid.corpus.readers.epub import ebook
from hybrid.corpus.readers.extract import Extract, LeftOut, Unreadable, in_few_words
from hybrid.corpus.readers.markup import BLANKS, DOWN, LEVEL, UP, Cells, is_margin, joined, marked, of_page, table_of
from hybrid.corpus.readers.opendocument.opendocument import opendocument
from hybrid.corpus.readers.rtf import cleared
from hybrid.corpus.readers.sheets.workbook import workbook
from hybrid.corpus.readers.slides import slides_of

_OLE = b"\xd0\xcf\x11\xe0"  # what Office wraps around encrypted files
_LOOSE = re.compile(r"(\[(?:footnote|header|footer):[^\[\]]*?)\s+\]")  # a note whose paragraph ended before it
_MARGIN = re.compile(r"\[(?:header|footer):([^\]]*)\]")


def read_xlsx(data: bytes) -> Extract:
    return _guarded("XLSX", data, workbook)


def read_pptx(data: bytes) -> Extract:
    return _guarded("PPTX", data, slides_of)


def read_odf(data: bytes) -> Extract:
    return _guarded("OpenDocument file", data, opendocument)


def read_epub(data: bytes) -> Extract:
    return _guarded("EPUB", data, ebook)


def read_rtf(data: bytes) -> Extract:
    if not data.lstrip().startswith(b"{\\rtf"):
        raise Unreadable("broken RTF: it does not begin as one")
    try:
        from striprtf import striprtf
    except ImportError:
        raise _missing() from None
    try:
        told = striprtf.remove_pict_groups(data.decode("latin-1"))  # type: ignore[no-untyped-call]
        told, counts, tracked = cleared(told, striprtf.destinations, UP, DOWN, LEVEL)
        text = str(striprtf.rtf_to_text(told, errors="replace"))  # type: ignore[no-untyped-call]
    except Exception as error:  # noqa: BLE001 - a broken file leads to nearly anything
        raise Unreadable(f"broken RTF: {in_few_words(error)}") from None
    remarks = LeftOut(counts).remarks() + (["tracked changes read as accepted"] if tracked else [])
    return joined([of_page(_rtf_page(text))], remarks)


def _guarded(what: str, data: bytes, render: Callable[[bytes], Extract]) -> Extract:
    """Read an archive; what goes wrong is said in a sentence."""
    if data.startswith(_OLE):
        raise Unreadable(f"encrypted {what}: needs a password")
    try:
        with ZipFile(BytesIO(data)) as archive:
            archives.check(archive, what)
        return render(archives.with_common_names(data))
    except Unreadable:
        raise
    except ImportError:
        raise _missing() from None
    except BadZipFile:
        raise Unreadable(f"broken {what}: not an archive as it should be") from None
    except Exception as error:  # noqa: BLE001 - a broken file leads the libraries to raise nearly anything
        raise Unreadable(f"broken {what}: {in_few_words(error)}") from None


def _missing() -> Unreadable:
    return Unreadable("needs the extra office: pip install 'hybrid-context[office]'")


def _rtf_page(text: str) -> str:
    """The plain text of an RTF file, whose cells are parted by bars, as a page."""
    found, rows, margins = [], Cells(), set[str]()
    for line in [*text.splitlines(), ""]:
        line = _LOOSE.sub(r"\1]", line.strip())
        if "|" in line and line.endswith("|"):
            rows.append([(BLANKS.sub(" ", cell).strip(), 1, 1) for cell in line[:-1].split("|")])
            continue
        if rows:
            found.append(table_of(rows))
            rows = []
        margin = _MARGIN.fullmatch(line)
        if not line or (margin is not None and (line in margins or not is_margin(margin[1]))):
            continue
        margins |= {line} if margin is not None else set()
        found.append(f"<p>{marked(line)}</p>")
    return "".join(found)
