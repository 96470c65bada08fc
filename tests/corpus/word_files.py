"""Word files that tests read."""

from __future__ import annotations

import io
from typing import Any

from hybrid.corpus.readers.read import read
from hybrid.document import Document


def make_docx(build: Any) -> bytes:
    import docx

    document = docx.Document()
    build(document)
    out = io.BytesIO()
    document.save(out)
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
    from docx import Document as new
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.opc.packuri import PackURI
    from docx.opc.part import Part
    from lxml import etree

    named = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
    document = new()
    for element in etree.fromstring(f"<x {named}>{body}</x>"):
        document.element.body.insert(len(document.element.body) - 1, element)
    for element in etree.fromstring(f"<x {named}>{styles}</x>"):
        document.styles.element.append(element)
    if comments:
        blob = f"<w:comments {named}>{comments}</w:comments>".encode()
        kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.comments+xml"
        part = Part(PackURI("/word/comments.xml"), kind, blob, document.part.package)
        document.part.relate_to(part, RELATIONSHIP_TYPE.COMMENTS)
    out = io.BytesIO()
    document.save(out)
    return read("a.docx", out.getvalue())


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
