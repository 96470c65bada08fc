"""Archives of XML that tests read."""

from __future__ import annotations

import io
import zipfile
from typing import Any


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
