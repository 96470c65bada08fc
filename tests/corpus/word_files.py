"""Word files that tests read."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

import docx
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from lxml import etree

from hybrid.corpus.readers.read import read
from hybrid.document import Document
from tests.corpus.files import saved


def make_docx(build: Callable[[Any], None], parts: dict[str, str] | None = None, numbering: str = "") -> bytes:
    """A Word file made by python-docx, with other parts put in as XML: name without suffix -> root element."""
    document = docx.Document()
    if numbering:
        document.part.numbering_part._element = parse_xml(numbering.format(ns=nsdecls("w")))
    build(document)
    for name, xml in (parts or {}).items():
        part = Part(
            PackURI(f"/word/{name}.xml"),
            f"application/vnd.openxmlformats-officedocument.wordprocessingml.{name}+xml",
            xml.format(ns=nsdecls("w")).encode(),
            document.part.package,
        )
        document.part.relate_to(part, f"{RELATIONSHIP_TYPE.FOOTNOTES.rsplit('/', 1)[0]}/{name}")
    return saved(document)


def number_headings(document: Any) -> None:
    """Have the style of headings number its paragraphs."""
    style = document.styles["Heading 1"].element.get_or_add_pPr()
    style.append(parse_xml(f'<w:numPr {nsdecls("w")}><w:numId w:val="1"/></w:numPr>'))


def with_macros(data: bytes) -> bytes:
    """A Word file as it is with macros in it."""
    out = io.BytesIO()
    plain, macros = (
        b"openxmlformats-officedocument.wordprocessingml.document.main",
        b"ms-word.document.macroEnabled.main",
    )
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as file:
        assert plain in old.read("[Content_Types].xml")
        for name in old.namelist():
            file.writestr(name, old.read(name).replace(plain, macros))
        file.writestr("word/vbaProject.bin", b"\xd0\xcf\x11\xe0 Sub AutoOpen()")
    return out.getvalue()


def bomb() -> bytes:
    """A Word file of some 100 kB that unpacks to 101 MB."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("[Content_Types].xml", "<Types/>")
        with file.open("word/document.xml", "w") as part:
            for _ in range(101):
                part.write(b" " * 1_000_000)
    return out.getvalue()


NAMESPACES = {
    "w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "m": "http://schemas.openxmlformats.org/officeDocument/2006/math",
    "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
    "wps": "http://schemas.microsoft.com/office/word/2010/wordprocessingShape",
    "v": "urn:schemas-microsoft-com:vml",
}


def word(body: str, styles: str = "", comments: str = "") -> Document:
    """A Word file with this in its body."""
    named = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
    document = docx.Document()
    for element in etree.fromstring(f"<x {named}>{body}</x>"):
        document.element.body.insert(len(document.element.body) - 1, element)
    for element in etree.fromstring(f"<x {named}>{styles}</x>"):
        document.styles.element.append(element)
    if comments:
        blob = f"<w:comments {named}>{comments}</w:comments>".encode()
        kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.comments+xml"
        part = Part(PackURI("/word/comments.xml"), kind, blob, document.part.package)
        document.part.relate_to(part, RELATIONSHIP_TYPE.COMMENTS)
    return read("a.docx", saved(document))


def run(text: str, look: str = "") -> str:
    return f'<w:r><w:rPr>{look}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(inner: str, mark: str = "") -> str:
    return f"<w:p><w:pPr><w:rPr>{mark}</w:rPr></w:pPr>{inner}</w:p>"


def cell(text: str, properties: str = "", look: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{paragraph(run(text, look))}</w:tc>"


def row(*cells: str, properties: str = "") -> str:
    whole = [one if one.startswith("<") else cell(one) for one in cells]
    return f"<w:tr><w:trPr>{properties}</w:trPr>{''.join(whole)}</w:tr>"


def table(*rows: str) -> str:
    return f"<w:tbl><w:tblPr/>{''.join(rows)}</w:tbl>"
