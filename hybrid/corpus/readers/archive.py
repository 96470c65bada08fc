"""The archives that office files and e-books are, and the elements of their XML by their names without namespaces.

An archive that would unpack to more than is sensible is refused. A Strict Open XML file (ISO/IEC 29500) has other names
than the libraries know, with the same meaning. Elements of WordprocessingML (ECMA-376 part 1) give their values.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from io import BytesIO
from typing import Any, TypeAlias
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

from hybrid.corpus.readers.extract import Extract, Unreadable, in_few_words

SIZE_LIMIT = 300_000_000  # bytes unpacked, told by the archive before anything is unpacked; zipfile reads no more
PART_LIMIT = 100_000_000  # of one XML part: parsed it takes several times as much memory
MEMBERS = 20_000
_STRICT = re.compile(rb"""(?<=["'])http://purl\.oclc\.org/ooxml/(\w+)(?=/)""")
_COMMON = rb"http://schemas.openxmlformats.org/\1/2006"
_OTHERWISE = re.compile(rb"(?<=/)(extended|custom)Properties(?=[\"'])")  # the common form writes a hyphen
Reader: TypeAlias = Callable[[bytes], Extract]
_OLE = b"\xd0\xcf\x11\xe0"  # Office wraps encrypted files in such a container


def of_archive(what: str, expected: str = "an archive as it should be") -> Callable[[Reader], Reader]:
    """Decorates the reader of a format that is an archive, so that it is only given what it can take.

    A Strict Open XML file comes with the names of the common, transitional form. All errors become Unreadable:
    encrypted, broken, too large, or a library is not installed.

    Args:
        what: the format, as people call it.
        expected: the words for a file of the format.
    """

    def decorate(reader: Reader) -> Reader:
        @wraps(reader)
        def read(data: bytes) -> Extract:
            if data.startswith(_OLE):
                raise Unreadable(f"encrypted {what}: needs a password")
            try:
                with ZipFile(BytesIO(data)) as archive:
                    _check(archive, what)
                return reader(_with_common_names(data))
            except Unreadable:
                raise
            except ImportError:
                raise office_missing() from None
            except BadZipFile:
                raise Unreadable(f"broken {what}: not {expected}") from None
            except Exception as error:  # noqa: BLE001 - a broken file leads the libraries to raise nearly anything
                raise Unreadable(f"broken {what}: {in_few_words(error)}") from None

        return read

    return decorate


def member(archive: ZipFile, name: str) -> bytes:
    """The content of a member, empty where there is none."""
    return archive.read(name) if name in archive.namelist() else b""


def office_missing() -> Unreadable:
    return Unreadable("needs the extra office: pip install 'hybrid-context[office]'")


def _check(archive: ZipFile, what: str) -> None:
    """Look at what the archive tells of itself; nothing is unpacked. Raises Unreadable where that is too much."""
    members = archive.infolist()
    unpacked = sum(info.file_size for info in members)
    largest = max((info.file_size for info in members if info.filename.endswith((".xml", ".rels"))), default=0)
    if len(members) > MEMBERS:
        raise Unreadable(f"suspicious {what}: {len(members)} parts, over the limit of {MEMBERS}")
    for subject, size, limit in (("", unpacked, SIZE_LIMIT), ("one part ", largest, PART_LIMIT)):
        if size > limit:
            told = f"unpacks to {size / 1e6:.0f} MB, over the limit of {limit / 1e6:.0f} MB"
            raise Unreadable(f"suspicious {what}: {subject}{told}")


def changed(archive: ZipFile, change: Callable[[str, bytes], bytes]) -> bytes:
    """The archive with the content of each member changed, by its name and content."""
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED, compresslevel=1) as made:
        for info in archive.infolist():
            made.writestr(info.filename, change(info.filename, archive.read(info)))
    return out.getvalue()


def _with_common_names(data: bytes) -> bytes:
    with ZipFile(BytesIO(data)) as archive:
        return changed(archive, _common) if _STRICT.search(member(archive, "_rels/.rels")) else data


def _common(name: str, content: bytes) -> bytes:
    if not name.endswith((".xml", ".rels")) or not _STRICT.search(content):
        return content
    return _STRICT.sub(_COMMON, _OTHERWISE.sub(rb"\1-properties", content))


def tag_of(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def attribute(element: Any, name: str) -> str:
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def find(parent: Any | None, tag: str) -> Any | None:
    """The first child with a tag, None where there is none."""
    return None if parent is None else parent.find(f"{W}{tag}")


def value(parent: Any | None, tag: str) -> str | None:
    """The value of a child, None where there is none."""
    found = find(parent, tag)
    return None if found is None else found.get(f"{W}val")


def switch(parent: Any | None, tag: str) -> bool | None:
    """Whether a child switches something on, None where there is none."""
    found = find(parent, tag)
    return None if found is None else found.get(f"{W}val") not in ("0", "false", "off")


def whole_number(element: Any | None, otherwise: int) -> int:
    """The whole number that an element gives, 1000 at most."""
    said = "" if element is None else element.get(f"{W}val", "")
    return min(int(said), 1000) if said.isdigit() else otherwise
