"""The archives that office files and e-books are. One that would unpack to more than is sensible is refused.

A Strict Open XML file (ISO/IEC 29500) has other names than the libraries know, with the same meaning.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

from hybrid.corpus.readers.extract import Extract, Unreadable, in_few_words

SIZE_LIMIT = 300_000_000  # bytes unpacked, told by the archive before anything is unpacked; zipfile reads no more
PART_LIMIT = 100_000_000  # of one XML part: parsed it takes several times as much memory
MEMBERS = 20_000
_RELATIONS = "_rels/.rels"
_STRICT = re.compile(rb"""(?<=["'])http://purl\.oclc\.org/ooxml/(\w+)(?=/)""")
_COMMON = rb"http://schemas.openxmlformats.org/\1/2006"
_OTHERWISE = re.compile(rb"(?<=/)(extended|custom)Properties(?=[\"'])")  # the common form writes a hyphen
_OLE = b"\xd0\xcf\x11\xe0"  # Office wraps encrypted files in such a container


def read_archive(
    data: bytes, what: str, render: Callable[[bytes], Extract], otherwise: str = "an archive as it should be"
) -> Extract:
    """Render an archive; a Strict Open XML file is rendered with the names of the common, transitional form.

    Args:
        what: the format, as people call it.
        otherwise: what a file that is no archive is not.

    Raises:
        Unreadable: encrypted, broken, too large, or a library is not installed.
    """
    if data.startswith(_OLE):
        raise Unreadable(f"encrypted {what}: needs a password")
    try:
        with ZipFile(BytesIO(data)) as archive:
            _check(archive, what)
        return render(_with_common_names(data))
    except Unreadable:
        raise
    except ImportError:
        raise office_missing() from None
    except BadZipFile:
        raise Unreadable(f"broken {what}: not {otherwise}") from None
    except Exception as error:  # noqa: BLE001 - a broken file leads the libraries to raise nearly anything
        raise Unreadable(f"broken {what}: {in_few_words(error)}") from None


def office_missing() -> Unreadable:
    return Unreadable("needs the extra office: pip install 'hybrid-context[office]'")


def _check(archive: ZipFile, what: str) -> None:
    """Look at what the archive tells of itself; nothing is unpacked. Raises Unreadable where that is too much."""
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
    """The archive with the content of each member changed, by its name and content."""
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED, compresslevel=1) as made:
        for info in archive.infolist():
            made.writestr(info.filename, change(info.filename, archive.read(info)))
    return out.getvalue()


def _with_common_names(data: bytes) -> bytes:
    with ZipFile(BytesIO(data)) as archive:
        known = _RELATIONS in archive.namelist() and _STRICT.search(archive.read(_RELATIONS))
        return changed(archive, _common) if known else data


def _common(name: str, content: bytes) -> bytes:
    if not name.endswith((".xml", ".rels")) or not _STRICT.search(content):
        return content
    return _STRICT.sub(_COMMON, _OTHERWISE.sub(rb"\1-properties", content))
