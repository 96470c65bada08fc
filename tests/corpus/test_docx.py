"""Word files: their body in order, headings, tracked changes."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.readers.read import read
from tests.corpus.documents import outline
from tests.corpus.word_files import make_docx


class TestDocx:
    def test_body_in_order(self) -> None:
        def build(document: Any) -> None:
            document.add_heading("Lease", 0)
            document.add_paragraph("First.")
            table = document.add_table(2, 2)
            for i, cell in enumerate(table._cells):
                cell.text = f"c{i}"
            document.add_paragraph("")
            document.add_heading("Term", 2)
            document.add_paragraph("Last\tone.")

        document = read("a.docx", make_docx(build))
        assert document.text == "Lease\n\nFirst.\n\nc0 | c1\nc2 | c3\n\nTerm\n\nLast\tone."
        assert outline(document) == [(1, "Lease"), (2, "Term")]
        assert document.text.startswith("Term", document.headings[1].start)

    def test_tracked_changes_are_accepted(self) -> None:
        from docx.oxml import parse_xml
        from docx.oxml.ns import nsdecls

        def build(document: Any) -> None:
            paragraph = document.add_paragraph("Rent is ")
            for tag, inner in (("del", "<w:delText>400</w:delText>"), ("ins", "<w:t>500</w:t>")):
                xml = f'<w:{tag} {nsdecls("w")} w:id="1" w:author="a"><w:r>{inner}</w:r></w:{tag}>'
                paragraph._p.append(parse_xml(xml))

        assert read("a.docx", make_docx(build)).text == "Rent is 500"

    def test_without_heading_styles(self) -> None:
        document = read("a.docx", make_docx(lambda d: [d.add_paragraph(t) for t in ("ARTICLE I", "1.1 Definitions")]))
        assert outline(document) == [(1, "ARTICLE I"), (2, "1.1 Definitions")]

    def test_unreadable(self) -> None:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("other.txt", "x")
        for data, reason in (
            (b"PK rubbish", "broken DOCX: not a Word file"),
            (archive.getvalue(), "broken DOCX: "),
            (b"\xd0\xcf\x11\xe0 rest", "encrypted DOCX: needs a password"),
            (make_docx(lambda d: None), "no text in this DOCX"),
        ):
            with pytest.raises(Unreadable, match=reason):
                read("a.docx", data)
