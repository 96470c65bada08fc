"""Files as bytes: documents as their library saves them, and archives of XML."""

from __future__ import annotations

import io
import zipfile
from typing import Any


def saved(document: Any) -> bytes:
    """A document of any library as a file."""
    out = io.BytesIO()
    (document.save if hasattr(document, "save") else document.write)(out)
    return out.getvalue()


def with_members(data: bytes, changed: Any, added: dict[str, str]) -> bytes:
    """An archive with its XML changed and further members."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as made:
        for name in old.namelist():
            made.writestr(name, changed(name, old.read(name).decode()))
        for name, text in added.items():
            made.writestr(name, text)
    return out.getvalue()


def archive(**members: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, text in members.items():
            made.writestr(name.replace("__", "/").replace("_xml", ".xml"), text)
    return out.getvalue()
