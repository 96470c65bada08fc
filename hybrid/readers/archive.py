"""Archives that office files and e-books are: refused where they would unpack to more than is sensible."""

from __future__ import annotations

from zipfile import ZipFile

from hybrid.readers.extract import Unreadable

SIZE_LIMIT = 300_000_000  # bytes unpacked, told by the archive before anything is unpacked; zipfile reads no more
PART_LIMIT = 100_000_000  # of one XML part: parsed it takes several times as much memory
MEMBERS = 20_000


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
