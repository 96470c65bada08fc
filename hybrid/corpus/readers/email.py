"""E-mail: the headers that people read, the bodies decoded, and the attachments, read by their own readers or named.

All parts are read in order, at any depth. A message in several forms gives its plain text, or its HTML where that says
more; a message inside a message is a message too, and so is a saved web page (.mht). An invitation gives a line for
each property that people read. A mailbox is its messages one after the other. Nothing is fetched, and no signature is
checked. Offsets count in the extracted text.
"""

from __future__ import annotations

import binascii
import quopri
import re
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from hashlib import sha256
from mimetypes import guess_extension
from typing import Any, NamedTuple

from hybrid.corpus.readers.encoding import decode, known, without_surrogates
from hybrid.corpus.readers.extract import Extract, Unreadable, in_few_words, omitted
from hybrid.corpus.readers.markup import joined
from hybrid.corpus.readers.read import read
from hybrid.corpus.readers.web.html import page_text, read_html
from hybrid.document import Heading

_FOLD = re.compile(r"\r?\n[ \t]")
_PROPERTY = re.compile(r"([A-Za-z-]+)((?:;[^:;=]+=(?:\"[^\"]*\"|[^\";:]*))*):(.*)")
_ZONE = re.compile(r";TZID=\"?([^\";]+)", re.IGNORECASE)
_PERSON = re.compile(r";CN=(?:\"([^\"]*)\"|([^;]*))", re.IGNORECASE)
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d*(Z?))?")
_ESCAPE = re.compile(r"\\([\\;,nN])")
_PROPERTIES = {
    "SUMMARY": "Appointment", "DTSTART": "Start", "DTEND": "End", "DUE": "Due", "DURATION": "Duration",
    "LOCATION": "Location", "ORGANIZER": "Organizer", "ATTENDEE": "Attendee", "STATUS": "Status", "RRULE": "Repeats",
    "COMMENT": "Comment", "DESCRIPTION": "Description",
}  # fmt: skip
_OPEN = frozenset({"VEVENT", "VTODO", "VJOURNAL"})


def appointments(source: str) -> str:
    """The appointments and tasks of a calendar, as lines like "Start: 2025-03-04 10:00 (Europe/Berlin)"."""
    lines: list[str] = []
    inside: list[str] = []
    for line in _FOLD.sub("", source).splitlines():
        found = _PROPERTY.fullmatch(line.strip())
        if found is None:
            continue
        key, value = found[1].upper(), found[3].strip()
        if key == "BEGIN":
            inside.append(value.upper())
            lines += [""] if lines and value.upper() in _OPEN else []
        elif key == "END":
            inside = inside[:-1]
        elif key in _PROPERTIES and value and inside and inside[-1] in _OPEN:
            lines.append(f"{_PROPERTIES[key]}: {_appointment(key, found[2], value)}")
    return "\n".join(lines).strip()


def _appointment(key: str, properties: str, value: str) -> str:
    time = _TIME.fullmatch(value)
    if time is not None and key in ("DTSTART", "DTEND", "DUE"):
        zone = _ZONE.search(properties)
        clock = f" {time[4]}:{time[5]}" if time[4] else ""
        where = " (UTC)" if time[6] else f" ({zone[1]})" if zone is not None and clock else ""
        return f"{time[1]}-{time[2]}-{time[3]}{clock}{where}"
    if key in ("ORGANIZER", "ATTENDEE"):
        name, address = _PERSON.search(properties), re.sub(r"(?i)^mailto:", "", value)
        return address if name is None else f"{name[1] or name[2]} <{address}>"
    return _ESCAPE.sub(lambda mark: "\n" if mark[1] in "nN" else mark[1], value)


_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_DEEP = 5  # messages inside messages
_MESSAGES = frozenset({"message/rfc822", "message/global", "message/news"})
_PAGES = frozenset({"text/html", "text/x-amp-html", "text/watch-html", "text/enriched", "application/xhtml+xml"})
_DRESS = re.compile(
    r"text/(?:css|(?:x-)?javascript|ecmascript)|application/(?:x-)?javascript|font/.*|application/font.*"
)
_SIGNATURE = re.compile(r"application/(?:x-)?(?:pkcs7|pgp)-signature")
_SEALED = re.compile(r"application/(?:x-)?pkcs7-mime|multipart/encrypted")
_SAVED = re.compile(r"[\"<]?Saved by ")  # the sender of a saved page: a browser
_STUB = 40  # words of a text that only says to look at the HTML
_LINK = re.compile(r"\S+://\S+|\bmailto:\S+")
_WORD = re.compile(r"[^\W_]+")
_BETWEEN = re.compile(rb"(?:\A|(?<=\n\n)|(?<=\n\r\n))From [^\r\n]*\d{4}[^\r\n]*\r?\n")  # messages of a mailbox
_ESCAPED = re.compile(rb"^>(>*From )", re.MULTILINE)


def read_email(data: bytes) -> Extract:
    """The text of a saved message (RFC 5322), or of all messages of a mailbox.

    Raises:
        Unreadable: it is no message.
    """
    mail = _Mail()
    messages = list(_messages(data))
    headed = [message for message in messages if any(_header(message, name) for name in (*_HEADERS, "MIME-Version"))]
    if not headed:
        raise Unreadable("no e-mail: it has none of the headers From, To, Date and Subject")
    parts: list[Extract] = []
    remarks: list[str] = []
    for piece in (piece for message in headed for piece in mail.message(message, 0)):
        remarks += piece.remarks
        if piece.text.strip():
            parts.append(Extract(piece.text, (Heading(0, 1, piece.title),) if piece.title else ()))
    if len(messages) > len(headed):
        remarks.append(omitted(len(messages) - len(headed), "message without headers"))
    if mail.pictures:
        remarks.append(omitted(mail.pictures, "picture"))
    return joined(parts, tuple(dict.fromkeys(remarks)))


def _messages(data: bytes) -> Iterator[Any]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = decode(data).encode()
    data = data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    cuts = [*_BETWEEN.finditer(data)] if data.startswith(b"From ") else []
    if not cuts:
        yield message_from_bytes(data, policy=policy.default)
        return
    for cut, after in zip(cuts, [*(other.start() for other in cuts[1:]), len(data)], strict=True):
        yield message_from_bytes(_ESCAPED.sub(rb"\1", data[cut.end() : after]), policy=policy.default)


class _Piece(NamedTuple):
    text: str
    title: str = ""
    remarks: tuple[str, ...] = ()
    body: bool = False  # whether it is text of the message itself


@dataclass(slots=True)
class _Mail:
    pictures: int = 0  # in the text
    seen: set[tuple[str, bytes]] = field(default_factory=set)  # attachments: many messages hold one twice

    def message(self, message: Any, depth: int) -> Iterator[_Piece]:
        """The headers of a message, then its parts."""
        told = [(name, _header(message, name)) for name in _HEADERS]
        lines = [f"{name}: {value}" for name, value in told if value and not _SAVED.match(value)]
        yield _Piece("\n".join(lines), _header(message, "Subject"))
        yield from self._part(message, depth, main=True)

    def _part(self, part: Any, depth: int, main: bool = False) -> list[_Piece]:
        """A part, read; `main` is one that belongs to the body even where it has a name."""
        try:
            return self._read(part, depth, main)
        except Exception as error:  # noqa: BLE001 - one broken part hides no other
            return _only(f"a broken part was not read: {in_few_words(error)}")

    def _read(self, part: Any, depth: int, main: bool) -> list[_Piece]:
        kind = part.get_content_type()
        name = _flat(part.get_filename() or "")
        if _SEALED.fullmatch(kind):
            return _only(f"an encrypted or sealed part of the type {kind} was not read")
        if _SIGNATURE.fullmatch(kind):
            return _only("the signature of the message was not checked")
        if kind in _MESSAGES:
            return self._inner(part, depth)
        if part.is_multipart():
            return self._parts(part, kind, depth)
        if kind == "text/calendar" or name.lower().endswith(".ics"):
            return self._calendar(part, name)
        if (kind in _PAGES or kind.startswith(("text/plain", "text/rfc822", "multipart/"))) and (
            not name or (main and not part.is_attachment())
        ):
            return [_body(part, kind)]
        return self._attachment(part, kind, name)

    def _parts(self, part: Any, kind: str, depth: int) -> list[_Piece]:
        inner = part.get_payload()
        if kind.startswith("message/"):  # a report of delivery and the like: nothing but headers
            return [_Piece(without_surrogates("\n\n".join(str(one).strip() for one in inner)), body=True)]
        if kind != "multipart/alternative":
            related = kind == "multipart/related"
            return [piece for at, one in enumerate(inner) for piece in self._part(one, depth, related and not at)]
        branches = [self._part(one, depth, main=True) for one in inner]
        plain = [one.get_content_type() == "text/plain" for one in inner]
        best = _best(sorted(range(len(inner)), key=lambda at: not plain[at]), [_told(branch) for branch in branches])
        return [
            piece
            for at, branch in enumerate(branches)
            for piece in branch
            if best is None or at == best or not piece.body
        ]

    def _inner(self, part: Any, depth: int) -> list[_Piece]:
        """A message in the message."""
        if depth >= _DEEP:
            return _only(f"a message inside {_DEEP} others was not read")
        message = part.get_payload(0) if part.is_multipart() else message_from_bytes(_raw(part), policy=policy.default)
        try:
            message = _uncoded(message, str(part["Content-Transfer-Encoding"] or "").strip().lower())
        except binascii.Error as error:
            return _only(f"a message in the message was not read: {in_few_words(error)}")
        return list(self.message(message, depth + 1))

    def _calendar(self, part: Any, name: str) -> list[_Piece]:
        """An invitation; many messages hold it twice, as a part and as a file."""
        raw = _raw(part)
        try:
            text = appointments(_characters(raw, part.get_content_charset()))
        except Unreadable:
            text = ""
        if text and self._again("calendar", text.encode()):
            return []
        if not text:
            return _only(f"the invitation {name} was not read".replace("  ", " "))
        return [_Piece(f"[attachment: {name}]\n{text}" if name else text, name)]

    def _attachment(self, part: Any, kind: str, name: str) -> list[_Piece]:
        if kind.startswith("image/") and not part.is_attachment():
            self.pictures += 1
            return []
        if not name and _DRESS.fullmatch(kind):
            return []  # how a page looks and moves
        raw = _raw(part)
        if self._again(name, raw):
            return []
        try:
            if kind.startswith("text/") and known(part.get_content_charset()) is not None and raw.strip():
                raw = _characters(raw, part.get_content_charset()).encode()  # its own reader knows no headers
            found = read(name or f"unnamed{guess_extension(kind) or '.bin'}", raw)
        except Unreadable as error:
            what = f"the attachment {name}" if name else f"an attachment of the type {kind}"
            return _only(f"{what} was not read{f': {error}' if name else ''}")
        told = name or f"of the type {kind}"
        remarks = tuple(f"attachment {told}: {remark}" for remark in found.remarks)
        return [_Piece(f"[attachment: {name}]\n{found.text}" if name else found.text, name, remarks)]

    def _again(self, name: str, raw: bytes) -> bool:
        before = len(self.seen)
        self.seen.add((name, sha256(raw).digest()))
        return len(self.seen) == before


def _uncoded(message: Any, coding: str) -> Any:
    """A message in a message whose lines are encoded; the parser takes those for the message itself."""
    text = message.as_bytes(policy=policy.default.clone(refold_source="none"))
    headed = any(_header(message, name) for name in _HEADERS)
    if coding == "base64" and not headed:
        return message_from_bytes(b64decode(text), policy=policy.default)
    if coding == "quoted-printable" and (not headed or b"=3D" in text.partition(b"\n\n")[0]):
        return message_from_bytes(quopri.decodestring(text), policy=policy.default)
    return message


def _only(remark: str) -> list[_Piece]:
    return [_Piece("", remarks=(remark,))]


def _told(pieces: list[_Piece]) -> _Piece:
    """The text of the message itself among its parts."""
    body = [piece for piece in pieces if piece.body]
    return _Piece("\n\n".join(piece.text for piece in body), remarks=tuple(r for piece in body for r in piece.remarks))


def _best(order: list[int], told: list[_Piece]) -> int | None:
    """The form of a text to read, by number: the first that is not blank, or a later one that says more."""
    best: int | None = None
    for at in order:
        if told[at].text.strip() and (best is None or _says_more(told[at], told[best])):
            best = at
    return best


def _says_more(rich: _Piece, plain: _Piece) -> bool:
    """Whether a form says all that the plain one does and more, or much more, or leaves out struck-out text."""
    more, less = (Counter(_WORD.findall(_LINK.sub(" ", piece.text.lower()))) for piece in (rich, plain))
    excuse = less.total() < _STUB and ("html" in less or "browser" in less)
    return excuse or less < more or more.total() > 2 * less.total() or bool(rich.remarks)


def _body(part: Any, kind: str) -> _Piece:
    """A text of the message itself: its HTML rendered."""
    raw, charset = _raw(part), part.get_content_charset()
    try:
        if not raw.strip():
            return _Piece("", body=True)
        if kind not in _PAGES:
            return _Piece(_characters(raw, charset).replace("\r\n", "\n").strip(), body=True)
        named = known(charset)
        page = read_html(raw) if named is None else page_text(_characters(raw, charset))
    except Unreadable as error:
        return _Piece("", remarks=(f"a text of the type {kind} was not read: {error}",), body=True)
    return _Piece(page.text.strip(), remarks=page.remarks, body=True)


def _characters(raw: bytes, charset: str | None) -> str:
    """The characters of a text by the charset that its header names, or else by a guess."""
    named = known(charset)
    if named in (None, "cp1252"):  # senders who know no better name this one
        return decode(raw, named)
    try:
        return without_surrogates(raw.decode(str(named)))
    except UnicodeDecodeError:
        return decode(raw, named)


def _raw(part: Any) -> bytes:
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


def _header(message: Any, name: str) -> str:
    """A header on one line; raw where the parser of headers fails on it."""
    try:
        return _flat(message[name] or "")
    except Exception:  # noqa: BLE001 - on broken ones it raises nearly anything
        return _flat(next((value for key, value in message.raw_items() if key.lower() == name.lower()), ""))


def _flat(value: Any) -> str:
    try:
        return without_surrogates(" ".join(str(value).split()))
    except Exception as error:  # noqa: BLE001 - the parser of headers fails in many ways on broken ones
        return in_few_words(error)
