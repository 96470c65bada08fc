"""PDF: the text of its pages, and where each begins. A remark names embedded files, which are left out.

A scanned page is read where the extra `ocr` is installed; otherwise its place says that it holds no text. The rows of a
table follow each other over page breaks, and each carries the names of its columns. Behind a page stand the entries of
its forms and the comments on it.
"""

from __future__ import annotations

import logging
import re
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from io import BytesIO
from itertools import accumulate
from pathlib import Path
from typing import Any

from hybrid.corpus.readers.encoding import without_surrogates
from hybrid.corpus.readers.extract import Extract, Unreadable, in_few_words, omitted
from hybrid.corpus.readers.headings import plain_headings
from hybrid.corpus.readers.pdf import ocr
from hybrid.corpus.readers.pdf.columns import name_columns
from hybrid.corpus.readers.pdf.pages import join_tables, plain, unbroken, without_running_lines
from hybrid.corpus.readers.pdf.runs import page_text, pieces_from_the_right
from hybrid.corpus.readers.pdf.scans import scanned
from hybrid.corpus.readers.pdf.table import EM
from hybrid.document import Heading

_COMMENTS = frozenset(
    """/FreeText /Text /Highlight /Underline /Squiggly /StrikeOut /Caret /Line /Square /Circle /Polygon /PolyLine /Ink
    /Stamp""".split()
)
_DEEP = 32  # levels of the tree of embedded files that are looked into


def filled_in(page: Any) -> str:
    """The entries of the form fields of a page, and the comments on it, a line each."""
    lines: list[str] = []
    for reference in page.get("/Annots") or ():
        annotation = reference.get_object()
        if int(annotation.get("/F", 0)) & 1 << 1:  # hidden
            continue
        kind = annotation.get("/Subtype")
        if kind == "/Widget":
            lines += _field(annotation)
        elif kind in _COMMENTS and str(annotation.get("/Contents") or "").strip():
            lines.append(f"[note: {' '.join(str(annotation['/Contents']).split())}]")
    return plain(without_surrogates("\n".join(dict.fromkeys(lines)))).replace("\0", " ")


def _field(widget: Any) -> Iterator[str]:
    told = {key: _inherited(widget, key) for key in ("/TU", "/T", "/V", "/FT", "/Ff")}
    label = " ".join(str(told["/TU"] or told["/T"] or "").split())
    value = told["/V"]
    if told["/FT"] == "/Btn":
        state = widget.get("/AS", value)
        if state is None or int(told["/Ff"] or 0) & 1 << 16:  # a push button
            return
        on = str(state).lstrip("/")
        if on == "Off" and int(told["/Ff"] or 0) & 1 << 15:  # one of several that was not chosen
            return
        yield f"{label}: {'no' if on == 'Off' else 'yes' if on in ('Yes', 'On', '1') else on}"
    elif value is not None and told["/FT"] != "/Sig" and label and not int(told["/Ff"] or 0) & 1 << 13:  # no password
        shown = _shown(widget) if told["/FT"] == "/Ch" else {}
        values = [shown.get(str(one), str(one)) for one in (value if isinstance(value, list) else [value])]
        text = " ".join(", ".join(values).split()).lstrip("/" if told["/FT"] == "/Ch" else "")
        if text:
            yield f"{label}: {text}"


def _shown(widget: Any) -> dict[str, str]:
    """The words that a choice field shows, by value."""
    options = _inherited(widget, "/Opt")
    pairs = [option for option in options or () if isinstance(option, list) and len(option) == 2]
    return {str(value): str(told) for value, told in pairs}


def _inherited(widget: Any, key: str) -> Any:
    for _ in range(8):  # parents can lead in a circle
        if key in widget:
            return widget[key].get_object() if hasattr(widget[key], "get_object") else widget[key]
        if "/Parent" not in widget:
            return None
        widget = widget["/Parent"].get_object()
    return None


def embedded_files(reader: Any) -> list[str]:
    """The names of the embedded files, each once: those of the whole document, and those pinned to its pages."""
    found: dict[Any, str] = {}
    try:
        for file in _files(reader):
            carried = _at(file, "/EF")
            key = next((carried.raw_get(key) for key in ("/UF", "/F") if carried and key in carried), None)
            if key is not None:
                name = without_surrogates(str(file.get("/UF") or file.get("/F") or "")).replace("\0", " ")
                found.setdefault(getattr(key, "idnum", id(key)), " ".join(name.split()) or "without a name")
    except Exception:  # noqa: BLE001 - a broken file leads pypdf to raise nearly anything; its pages can be read
        pass
    return list(found.values())


def _files(reader: Any) -> Iterator[Any]:
    yield from _named(_at(_at(reader.root_object, "/Names"), "/EmbeddedFiles"), _DEEP)
    for page in reader.pages:
        for reference in _at(page, "/Annots") or ():
            annotation = reference.get_object()
            if annotation.get("/Subtype") == "/FileAttachment" and (file := _at(annotation, "/FS")) is not None:
                yield file


def _named(tree: Any, depth: int) -> Iterator[Any]:
    """The things that a tree of names leads to."""
    for reference in (_at(tree, "/Names") or ())[1::2]:
        yield reference.get_object()
    for branch in (_at(tree, "/Kids") or ()) if depth else ():
        yield from _named(branch.get_object(), depth - 1)


def _at(thing: Any, key: str) -> Any:
    found = thing.get(key) if thing is not None else None
    return found.get_object() if found is not None else None


EXTRA = "ocr"
_NOTHING_READ = re.compile(  # remarks on pages without text, and running lines
    r"^\[(?:page \d+ has no text(?: but this)?: [^\]]*|header or footer: .*)\]$", re.MULTILINE
)
_SAID = re.compile(r"\[page \d+ (?:has no text|cannot be read|is a scan)")  # in place of a page's text
_NAMED, _NAME = 3, 60  # embedded files that are named, and characters of a name
_LOCK = threading.Lock()  # silencing warnings and logs is not a thread's own business


@contextmanager
def _silence() -> Iterator[None]:
    """pypdf logs and warns about every flaw of a file; only the text matters to the user."""
    logger = logging.getLogger("pypdf")
    with _LOCK, warnings.catch_warnings():
        level = logger.level
        logger.setLevel(logging.CRITICAL + 1)
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logger.setLevel(level)


def read_pdf(data: bytes) -> Extract:
    with _silence():
        from pypdf import PasswordType, PdfReader
        from pypdf.errors import DependencyError

        try:
            reader = PdfReader(BytesIO(data))
            if reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED:
                raise Unreadable("encrypted PDF: needs a password")
            texts, columned = _page_texts(reader)
            scans, unread = _read_scans(reader, texts, data)
            layout = cache(lambda n: "" if n in columned else _layout(reader.pages[n], texts[n]))
            texts = name_columns(join_tables(texts, layout), layout)
            texts = _with_forms(reader, unbroken(without_running_lines(texts)))
            pages = tuple(accumulate((len(text) + 1 for text in texts[:-1]), initial=0))
            headings = _bookmarks(reader, texts, pages)
            files = embedded_files(reader)
        except Unreadable:
            raise
        except DependencyError:
            raise Unreadable("encrypted PDF: needs the package cryptography") from None
        except Exception as error:  # noqa: BLE001 - a broken file leads pypdf to raise nearly anything
            raise Unreadable(f"broken PDF: {in_few_words(error)}") from None
    joined = "\n".join(texts)
    if not joined.strip() or (scans and not _NOTHING_READ.sub("", joined).strip()):
        raise Unreadable(_no_text(scans))
    remarks = [omitted(unread, "scanned page")] if unread else []
    if files:
        remarks.append(omitted(len(files), f"embedded file ({_few(files)})"))
    return Extract(joined, headings if len(headings) > 1 else plain_headings(joined), (), pages, tuple(remarks))


def page_labels(file: Path) -> list[str] | None:
    """The labels printed on the pages, such as i, ii, 1, 2; None where the file cannot be read."""
    with _silence():
        from pypdf import PdfReader

        try:
            return [str(label) for label in PdfReader(file).page_labels]
        except Exception:  # noqa: BLE001 - see read_pdf
            return None


def _page_texts(reader: Any) -> tuple[list[str], set[int]]:
    """The text of each page, and which pages have columns of prose, which look like tables.

    A page that cannot be read says so in its place. Where no page can be read, the first error is raised.
    """
    texts: list[str] = []
    columned: set[int] = set()
    failures: list[Exception] = []
    for number, page in enumerate(reader.pages, 1):
        try:
            text, has_columns = page_text(page)
            texts.append(plain(without_surrogates(text)).replace("\0", " "))
            columned |= {number - 1} if has_columns else set()
        except Exception as error:  # noqa: BLE001 - see read_pdf
            failures.append(error)
            texts.append(f"[page {number} cannot be read: {in_few_words(error)}]")
    if failures and len(failures) == len(texts):
        raise failures[0]
    return texts, columned


def _layout(page: Any, text: str) -> str:
    """The text of a page with gaps as wide and high as on the page; empty for a page without text."""
    if not text.strip() or _SAID.match(text):
        return ""
    with suppress(Exception):  # see read_pdf; without a layout tables are not joined
        seen: str = page.extract_text(extraction_mode="layout", layout_mode_font_height_weight=1 / EM)
        return plain(pieces_from_the_right(without_surrogates(seen))).replace("\0", " ")
    return ""


def _with_forms(reader: Any, texts: list[str]) -> list[str]:
    found = []
    for page, text in zip(reader.pages, texts, strict=True):
        form = ""
        with suppress(Exception):  # see read_pdf; the page can be read all the same
            form = filled_in(page)
        found.append(f"{text.rstrip()}\n\n{form}" if form else text)
    return found


def _read_scans(reader: Any, texts: list[str], data: bytes) -> tuple[list[int], int]:
    """Puts the text of scanned pages, or a remark that it is missing, before the little text that they have.

    Returns the numbers of these pages, and how many of them are not read.
    """
    scans = scanned(reader, texts)
    unread = 0
    can = bool(scans) and not reader.is_encrypted and ocr.installed()
    for number in scans:
        text, why = "", f"install the extra {EXTRA} of hybrid-context to read it"
        own = texts[number - 1].strip()
        if can:
            try:
                text, why = ocr.read_page(data, number), "and nothing on it was recognised"
            except Exception as error:  # noqa: BLE001 - an optional engine may fail in its own ways
                why = f"and reading it failed: {in_few_words(error)}"
        if text.strip():
            own = "" if "".join(own.split()) in "".join(text.split()) else own
            told = f"[page {number} is a scan, read by OCR]\n{without_surrogates(text)}"
        else:
            unread += 1
            told = f"[page {number} has no text{' but this: it is probably' if own else ': it is'} a scan, {why}]"
        texts[number - 1] = f"{told}\n{own}" if own else told
    return scans, unread


def _few(names: Sequence[str]) -> str:
    told = [name if len(name) <= _NAME else f"{name[: _NAME - 1]}\u2026" for name in names[:_NAMED]]
    return ", ".join([*told, *(["\u2026"] if len(names) > _NAMED else [])])


def _no_text(scans: list[int]) -> str:
    if not scans:
        return "no text in this PDF (scanned pages?)"
    counted = f"its {len(scans)} pages are scans" if len(scans) > 1 else "its page is a scan"
    if ocr.installed():
        return f"no text in this PDF: {counted}, and nothing on them was recognised"
    return f"no text in this PDF: {counted}; install the extra {EXTRA} of hybrid-context to read them"


def _bookmarks(reader: Any, texts: list[str], pages: tuple[int, ...]) -> tuple[Heading, ...]:
    """The outline: each entry at its title on the page it leads to, or else at the beginning of that page."""

    def walk(entries: list[Any], level: int) -> Iterator[Heading]:
        for entry in entries:
            if isinstance(entry, list):
                yield from walk(entry, level + 1)
                continue
            words = without_surrogates(entry.title or "").replace("\0", " ").split()
            page = reader.get_destination_page_number(entry)
            if words and page is not None:
                found = re.search(r"\s+".join(map(re.escape, words)), texts[page], re.IGNORECASE)
                yield Heading(pages[page] + (found.start() if found else 0), level, " ".join(words))

    try:
        return tuple(sorted(walk(reader.outline, 1), key=lambda heading: heading.start))
    except Exception:  # noqa: BLE001 - see read_pdf; the text can be read all the same
        return ()
