"""Archives that office files and e-books are: refused where they would unpack to more than is sensible.

The names in a Strict Open XML file (ISO/IEC 29500) are not those that the libraries know, though they mean the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

from hybrid.corpus.readers.extract import Unreadable

SIZE_LIMIT = 300_000_000  # bytes unpacked, told by the archive before anything is unpacked; zipfile reads no more
PART_LIMIT = 100_000_000  # of one XML part: parsed it takes several times as much memory
MEMBERS = 20_000
_RELATIONS = "_rels/.rels"
_STRICT = re.compile(rb"""(?<=["'])http://purl\.oclc\.org/ooxml/(\w+)(?=/)""")
_COMMON = rb"http://schemas.openxmlformats.org/\1/2006"
_OTHERWISE = re.compile(rb"(?<=/)(extended|custom)Properties(?=[\"'])")  # what the common form writes with a hyphen


def check(archive: ZipFile, what: str) -> None:
    """Look at what the archive tells of itself; nothing is unpacked for that.

    Args:
        what: the format, as people call it.

    Raises:
        Unreadable: it has too many parts, or unpacks to too much.
    """
    members = archive.infolist()
    unpacked = sum(info.file_size for info in members)
    largest = max((info.file_size for info in members if info.filename.endswith((".xml", ".rels"))), default=0)
    if len(members) > MEMBERS:
        raise Unreadable(f"suspicious {what}: {len(members)} parts, over the limit of {MEMBERS}")
    if unpacked > SIZE_LIMIT:
        raise Unreadable(
            f"suspicious {what}: unpacks to {unpacked / 1e6:.0f} MB, over the limit of {SIZE_LIMIT / 1e6:.0f} MB"
        )
    if largest > PART_LIMIT:
        raise Unreadable(
            f"suspicious {what}: one part unpacks to {largest / 1e6:.0f} MB, over the limit of "
            f"{PART_LIMIT / 1e6:.0f} MB"
        )


def changed(archive: ZipFile, change: Callable[[str, bytes], bytes]) -> bytes:
    """The archive with another content in its members, each told by its name and what it holds."""
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED, compresslevel=1) as made:
        for info in archive.infolist():
            made.writestr(info.filename, change(info.filename, archive.read(info)))
    return out.getvalue()


def with_common_names(data: bytes) -> bytes:
    """A Strict Open XML file with the names of the common, transitional form; other files as they are."""
    with ZipFile(BytesIO(data)) as archive:
        known = _RELATIONS in archive.namelist() and _STRICT.search(archive.read(_RELATIONS))
        return changed(archive, _common) if known else data


def _common(name: str, content: bytes) -> bytes:
    if not name.endswith((".xml", ".rels")) or not _STRICT.search(content):
        return content
    return _STRICT.sub(_COMMON, _OTHERWISE.sub(rb"\1-properties", content))
