"""E-books."""

from __future__ import annotations

import io
import zipfile

from hybrid.corpus.readers.read import read


def test_an_ebook_in_the_order_of_its_spine() -> None:
    def chapter(title: str, text: str) -> str:
        return f"<html xmlns='http://www.w3.org/1999/xhtml'><body><h1>{title}</h1><p>{text}</p></body></html>"

    package = (
        "<package><manifest><item id='b' href='two%20b.xhtml'/><item id='a' href='one.xhtml'/></manifest>"
        "<spine><itemref idref='a'/><itemref idref='b'/></spine></package>"
    )
    container = "<container><rootfiles><rootfile full-path='OEBPS/book.opf'/></rootfiles></container>"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("META-INF/container.xml", container)
        made.writestr("OEBPS/book.opf", package)
        made.writestr("OEBPS/two b.xhtml", chapter("Two", "He came back in 1791."))
        made.writestr("OEBPS/one.xhtml", chapter("One", "Captain Harrow sailed in 1788."))
    found = read("a.epub", out.getvalue())
    assert [heading.title for heading in found.headings] == ["One", "Two"]
    assert found.text.index("1788") < found.text.index("1791")
