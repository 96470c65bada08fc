"""Encoding: the bytes of a text file become characters."""

from __future__ import annotations

import codecs
import re

from hybrid.readers.extract import Unreadable

SAMPLE = 65_536  # bytes looked at to guess an encoding

_BOMS = (  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\b\x1a\x1b"))
_HIGH = bytes(range(128, 256))


def decode(data: bytes, declared: str | None = None) -> str:
    """The characters of a text file, without its byte order mark; line ends are kept.

    A byte order mark decides, then UTF-8 where it fits, then `declared`, then a guess from a sample; bytes that do not
    fit become U+FFFD.

    Raises:
        Unreadable: the bytes are not text, or nothing but white space.
    """
    text = _decode(data, declared)
    if not text.strip():
        raise Unreadable("empty file")
    return text


def _decode(data: bytes, declared: str | None) -> str:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return without_surrogates(data[len(mark) :].decode(encoding, "replace"))
    head = data[:SAMPLE]
    if 0 in head:
        return _decode_utf16(data, head)
    if len(head.translate(None, _CONTROLS)) < 0.98 * len(head) or 0 in data:
        raise Unreadable("binary file")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        return data.decode(_guess(data, error.start, declared), "replace")


def _decode_utf16(data: bytes, head: bytes) -> str:
    """UTF-16 without a mark: in text with some ASCII, NULs stand at even or at odd places, never at both."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    if min(even, odd) == 0 and max(even, odd) >= 0.05 * len(head) / 2:
        text = data.decode("utf-16-le" if odd else "utf-16-be", "replace")
        sample = text[:SAMPLE]
        if sum(c.isprintable() or c in "\t\n\v\f\r" for c in sample) >= 0.98 * len(sample):
            return text
    raise Unreadable("binary file")


def _guess(data: bytes, bad: int, declared: str | None) -> str:
    """The encoding of bytes that are not UTF-8; `bad` is where UTF-8 fails first."""
    damaged = data.decode("utf-8", "replace").count("\ufffd")
    if damaged * 10 < len(data) - len(data.translate(None, _HIGH)):
        return "utf-8"  # a few damaged bytes among many good sequences
    if declared is not None:
        return declared
    from charset_normalizer import from_bytes

    sample = data
    if len(data) > SAMPLE:
        middle = len(data) // 2
        slices = ((0, SAMPLE), (middle, middle + SAMPLE // 4), (max(0, bad - 2048), bad + SAMPLE // 4))
        sample = b"\n".join(_whole_lines(data[a:b]) for a, b in slices)
    found = from_bytes(sample, cp_exclusion=["utf_16", "utf_16_le", "utf_16_be", "utf_32", "utf_7"])
    best = found.best()
    high = len(sample) - len(sample.translate(None, _HIGH))
    if best is None or best.encoding == "ascii" or high < min(8, len(sample) / 3):
        return "cp1252"  # too little to go by
    for match in found:
        if match.encoding == "cp1252" and match.chaos <= best.chaos and match.coherence >= best.coherence:
            return "cp1252"  # of equally good guesses by far the most frequent
    return best.encoding


def _whole_lines(piece: bytes) -> bytes:
    """Without the cut first and last line, where a character of several bytes may be cut too."""
    first, last = piece.find(b"\n") + 1, piece.rfind(b"\n") + 1
    return piece[first:last] if last - first > len(piece) // 2 else piece


def without_surrogates(text: str) -> str:
    """Lone surrogates cannot be encoded again; each becomes one U+FFFD, so offsets stay."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)
