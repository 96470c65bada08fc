"""EPUB: the chapters of an e-book in the order of its spine."""

from __future__ import annotations

import posixpath
from io import BytesIO
from urllib.parse import unquote
from zipfile import ZipFile

from hybrid.corpus.readers.archive import attribute, member, of_archive
from hybrid.corpus.readers.encoding import decode
from hybrid.corpus.readers.extract import Extract, Unreadable
from hybrid.corpus.readers.markup import joined
from hybrid.corpus.readers.web.html import page_text


@of_archive("EPUB")
def read_epub(data: bytes) -> Extract:
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, recover=True)
    with ZipFile(BytesIO(data)) as archive:
        protection = member(archive, "META-INF/encryption.xml")
        if b"EncryptedData" in protection and b"xmlenc#" in protection:
            raise Unreadable("encrypted EPUB: its publisher protects it")
        container = etree.fromstring(archive.read("META-INF/container.xml"), parser)
        opf = attribute(next(container.iter("{*}rootfile")), "full-path")
        package = etree.fromstring(archive.read(opf), parser)
        items = {attribute(e, "id"): attribute(e, "href") for e in package.iter("{*}item")}
        spine = [items.get(attribute(e, "idref"), "") for e in package.iter("{*}itemref")]
        files = [posixpath.normpath(posixpath.join(posixpath.dirname(opf), unquote(href))) for href in spine if href]
        parts, names = [], set(archive.namelist())
        for file in files:
            if file in names:
                got = page_text(decode(archive.read(file)))
                if got.text.strip():
                    parts.append(Extract(got.text.strip("\n"), got.headings))
    return joined(parts)
