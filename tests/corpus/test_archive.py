"""Archives that unpack to too much."""

from __future__ import annotations

import pytest

from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.readers.read import read
from tests.corpus.files import archive


def test_an_archive_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hybrid.corpus.readers.archive.PART_LIMIT", 1_000)
    for name, what in (("a.xlsx", "XLSX"), ("a.odt", "OpenDocument file"), ("a.epub", "EPUB"), ("a.docx", "DOCX")):
        with pytest.raises(Unreadable, match=rf"^suspicious {what}: one part unpacks to"):
            read(name, archive(content_xml="x" * 2_000))
