"""Encoding: the bytes of a text file become characters."""

from __future__ import annotations

import codecs
import re

from hybrid.corpus.readers.extract import Unreadable

SAMPLE = 65_536  # bytes looked at to guess an encoding

_BOMS = (  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# codecs of Python that decode no text, and ASCII, which says nothing
_NO_CHARSETS = frozenset(
    """
    ascii base64 bz2 hex idna mbcs oem punycode quopri raw-unicode-escape rot-13 undefined unicode-escape uu zlib
    """.split()
)
_WIDE = frozenset("utf-16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be utf-7".split())  # told by the bytes
_XML = re.compile(rb"""\s*<\?xml\s[^>]*?\bencoding\s*=\s*["']([\w.:-]+)["']""")
_LINE = 2000  # bytes of a line that are looked at
_UNCUT = re.compile(rb"(?s).*[\x00-\x2f]")  # these bytes stand in no character of several bytes
_HIGH_LINE = re.compile(rb"[^\n]*[\x80-\xff][^\n]*\n?")
# By name: the strict codec, and the first bytes of its usual characters. The first of equally good ones wins: its range
# is narrower, as Korean syllables would all be Chinese characters too
_ASIAN = {
    "cp949": ("euc_kr", frozenset([*range(0xA1, 0xA4), *range(0xB0, 0xC9)])),
    "euc_jp": ("euc_jp", frozenset([0xA1, 0xA3, 0xA4, 0xA5, *range(0xB0, 0xD0)])),
    "cp932": ("cp932", frozenset(range(0x81, 0x98))),
    "big5": ("big5", frozenset([0xA1, *range(0xA4, 0xC7)])),
    "gb18030": ("gb18030", frozenset([0xA1, 0xA3, *range(0xB0, 0xD8)])),
}
# Encodings, and the letters beyond ASCII of their languages. The first that fits holds: Western Europe before all
# others, and Turkish before Icelandic, which has other letters at the same bytes.
_MIDDLE = "ąćęłńóśźż áčďéěíňóřšťúůýž áäčďéíĺľňóôŕšťúýž áéíóöőúüű čćđšž âăîşţ"
_LATIN = tuple(
    (encoding, [frozenset(letters) for letters in alphabets.split()])
    for encoding, alphabets in (
        ("cp1252", "äöüßé àâæçéèêëîïôœùûüÿ áéíóúñü àèéìíîòóùú âãáàçéêíóôõúü æøåéü åäöéü ëéèïóöüáí"),
        ("cp1250", _MIDDLE),
        ("iso8859_2", _MIDDLE),
        ("cp1254", "çğıöşüâîû\u0307"),  # the last is of a small dotted capital
        ("cp1252", "áðéíóúýþæö"),
        ("cp1257", "ąčęėįšųūž āčēģīķļņšūž äöõüšž"),
    )
)
# Cyrillic letters: those that make up four of five in Russian, and nearly so in its sisters, and the rare ones
_CYRILLIC = ("cp1251", "koi8_r", "cp866", "iso8859_5")
_OFTEN, _RARELY = frozenset("оеаинтсрвлкмдпуі"), frozenset("ъщэфцюшжхё")
_CASED = re.compile(r"[А-ЯЁІЇЄ]?[а-яёіїєґ]*|[А-ЯЁІЇЄҐ]+")
_BESIDE = frozenset("«»—–„“”…№°§’\xa0")  # signs in such a text
_WORD = re.compile(r"[^\W\d_]+")
_ESCAPES = ((re.compile(rb"\x1b\$[@B(]|\x1b\(J"), "iso2022_jp_ext"), (re.compile(rb"\x1b\$\)C"), "iso2022_kr"))
_SIGN = re.compile(r"(?<![^\W\d_])[^\w\s]|[^\w\s](?![^\W\d_])|[ªº²³¹¼½¾](?![^\W\d_])|[\u2010-\u2019]")  # no letter
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\b\x1a\x1b"))
_HIGH = bytes(range(128, 256))


def decode(data: bytes, declared: str | None = None) -> str:
    """The characters of a text file, without its byte order mark; line ends are kept.

    A byte order mark decides, then marks of ISO-2022, then UTF-8 where it fits, then `declared` or what an XML
    declaration names, then a guess from a sample; bytes that do not fit become U+FFFD.

    Raises:
        Unreadable: the bytes are not text, or nothing but white space.
    """
    if declared is None and (named := _XML.match(data)) is not None:
        declared = known(named[1].decode("ascii", "replace"))
    text = _decode(data, None if declared in _WIDE else declared)
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
    seven = _seven_bits(head, declared) if data.isascii() else None
    if seven is not None:
        head = head.translate(None, b"\x0e\x0f")  # which shift to other characters and back
    if len(head.translate(None, _CONTROLS)) < 0.98 * len(head) or 0 in data:
        raise Unreadable("binary file")
    if seven is not None:
        return data.decode(seven, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(_guess(data, declared), "replace")


def _seven_bits(head: bytes, declared: str | None) -> str | None:
    """The encoding of ASCII bytes with marks that switch to other characters."""
    if declared is not None and declared.startswith(("iso2022", "hz")):
        return declared
    return next((encoding for mark, encoding in _ESCAPES if mark.search(head)), None)


def _decode_utf16(data: bytes, head: bytes) -> str:
    """UTF-16 without a byte order mark: in text with some ASCII, NULs stand at even or at odd places, never both."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    if min(even, odd) == 0 and max(even, odd) >= 0.05 * len(head) / 2:
        text = data.decode("utf-16-le" if odd else "utf-16-be", "replace")
        sample = text[:SAMPLE]
        if sum(c.isprintable() or c in "\t\n\v\f\r" for c in sample) >= 0.98 * len(sample):
            return text
    raise Unreadable("binary file")


def _guess(data: bytes, declared: str | None) -> str:
    text = data.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    whole = sum(char > "\x7f" for char in text) - damaged
    if damaged * 10 < len(data) - len(data.translate(None, _HIGH)) or whole >= 2 * damaged:
        return "utf-8"  # a few damaged bytes among good sequences, which other encodings hardly ever make by chance
    if declared is not None:
        return declared
    telling = _telling(data)
    for guess in (_asian, _latin, _cyrillic):
        if (encoding := guess(telling)) is not None:
            return encoding
    from charset_normalizer import from_bytes

    found = from_bytes(telling, cp_exclusion=["utf_16", "utf_16_le", "utf_16_be", "utf_32", "utf_7"])
    best = found.best()
    high = len(telling) - len(telling.translate(None, _HIGH))
    if best is None or best.encoding == "ascii" or high < min(8, len(telling) / 3):
        return "cp1252"  # too little to go by
    for match in found:
        if match.encoding == "cp1252" and match.chaos <= best.chaos and match.coherence >= best.coherence:
            return "cp1252"  # of equally good guesses by far the most frequent
    return best.encoding


def _latin(telling: bytes) -> str | None:
    """The encoding in which all letters beyond ASCII are those of one language of Latin script."""
    for encoding, alphabets in _LATIN:
        text = _SIGN.sub(" ", telling.decode(encoding, "replace"))
        letters = {char for char in text.lower() if char > "\x7f" and not char.isspace()}
        if letters and "\ufffd" not in letters and any(letters <= alphabet for alphabet in alphabets):
            return encoding
    return None


def _cyrillic(telling: bytes) -> str | None:
    """The encoding in which all words beyond ASCII look like Cyrillic ones: by their capitals, and by their letters."""
    found: dict[str, float] = {}
    for encoding in _CYRILLIC:
        try:
            text = telling.decode(encoding)
        except UnicodeDecodeError:
            continue
        words = [word for word in _WORD.findall(text) if not word.isascii()]
        letters = "".join(words).lower()
        strange = any(char > "\x7f" and not char.isalpha() and char not in _BESIDE for char in text)
        if strange or len(letters) < 5 or not all(_CASED.fullmatch(word) for word in words):
            continue
        if all(word.isupper() for word in words):
            continue  # small letters of another script stand where these capitals do
        often, rarely = (sum(char in some for char in letters) / len(letters) for some in (_OFTEN, _RARELY))
        if often > 0.68 and rarely < 0.15:
            found[encoding] = often
    return max(found, key=found.__getitem__, default=None)


def _telling(data: bytes) -> bytes:
    """The lines that are not ASCII: all of them, or a sample from all over the file."""
    lines = [_begin(line[0]) for line in _HIGH_LINE.finditer(data)]
    size = sum(map(len, lines))
    return b"".join(lines[:: 1 + size // SAMPLE])


def _begin(line: bytes) -> bytes:
    """A line, or the beginning of a long one, up to a whole character."""
    if len(line) <= _LINE:
        return line
    found = _UNCUT.match(line, 0, _LINE)
    return found[0] if found else line[:SAMPLE]


def _asian(telling: bytes) -> str | None:
    """The Chinese, Japanese or Korean encoding in which all of this is text, mostly of usual characters."""
    found: dict[str, float] = {}
    for encoding, (codec, usual) in _ASIAN.items():
        try:
            text = telling.decode(codec)
        except UnicodeDecodeError:
            continue
        wide = [c for c in text if c > "\u2e7f"]
        leads = [c.encode(codec)[0] for c in wide]
        share = sum(lead in usual for lead in leads) / max(1, len(leads))
        if len(wide) > 3 and share > 0.9:
            found[encoding] = share
    return max(found, key=found.__getitem__, default=None)


def known(name: str | None) -> str | None:
    """The codec of an encoding that a file or a mail names; None for an unknown one, or one that says nothing.

    Latin-1 is read as Windows-1252, which it mostly is.
    """
    try:
        codec = codecs.lookup((name or "").strip())
    except (LookupError, ValueError):
        return None
    if codec.name in _NO_CHARSETS:
        return None
    return "cp1252" if codec.name == "iso8859-1" else codec.name


def without_surrogates(text: str) -> str:
    """The text with U+FFFD for each lone surrogate, which cannot be encoded again; offsets stay."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)
