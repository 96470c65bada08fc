"""E-mail: the headers that people read, the body decoded, and what is attached, each read by its own reader or named.

All parts are read in their order, however they are nested. Of a message in several forms the plain text is read where
it says all, else the richest form; a message inside a message is read as one. Nothing is fetched. Offsets count in the
extracted text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from hybrid.document import Heading
from hybrid.readers.encoding import decode, without_surrogates
from hybrid.readers.extract import Extract, Unreadable, in_few_words
from hybrid.readers.html import read_html

_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_UTF8 = b"\xef\xbb\xbf"  # the mark with which a text says so
_DEEP = 5  # messages inside messages

_CALENDAR = re.compile(r"(?m)^(?:SUMMARY|DTSTART|DTEND|LOCATION|DESCRIPTION|ORGANIZER)\b.*(?:\n[ \t].*)*")
_SIGNATURES = ("application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature")

# Reads an attachment by its name and bytes: its text and remarks; raises Unreadable
Attached = Callable[[str, bytes], tuple[str, tuple[str, ...]]]


def read_email(data: bytes, attached: Attached) -> Extract:
    """The text of a saved message (RFC 5322).

    Raises:
        Unreadable: it is no message, or nothing in it is text.
    """
    message: Any = message_from_bytes(data.removeprefix(_UTF8), policy=policy.default)
    if not any(message[name] for name in _HEADERS):
        raise Unreadable("no e-mail: it has none of the headers From, To, Date and Subject")
    parts: list[str] = []
    headings: list[Heading] = []
    remarks: list[str] = []
    length = 0
    for title, text in _message(message, attached, remarks, 0):
        if title:
            headings.append(Heading(length, 1, title))
        parts.append(text)
        length += len(text) + 2
    return Extract("\n\n".join(parts), tuple(headings), remarks=tuple(remarks))


def _message(message: EmailMessage, attached: Attached, remarks: list[str], depth: int) -> Iterator[tuple[str, str]]:
    """Heading and text of each part, in order."""
    lines = [f"{name}: {_flat(message[name])}" for name in _HEADERS if message[name]]
    yield _flat(message["Subject"] or ""), "\n".join(lines)
    pictures = 0
    for part in _leaves(message):
        kind, name = part.get_content_type(), _flat(part.get_filename() or "")
        if kind == "message/rfc822" and depth < _DEEP:
            yield from _message(part.get_content(), attached, remarks, depth + 1)
        elif kind.startswith("text/") and not name and part.get_content_disposition() != "attachment":
            text = _text(part)
            if text.strip():
                yield "", text
        elif name:
            yield from _attachment(name, part.get_payload(decode=True) or b"", attached, remarks)
        elif kind.startswith("image/"):
            pictures += 1
        elif kind not in _SIGNATURES:
            remarks.append(f"an attachment of the type {kind} was not read")
    if pictures:
        remarks.append(f"{pictures} {'pictures' if pictures > 1 else 'picture'} without a name not read")


def _attachment(name: str, data: bytes, attached: Attached, remarks: list[str]) -> Iterator[tuple[str, str]]:
    try:
        text, own = attached(name, data)
    except Unreadable as error:
        remarks.append(f"the attachment {name} was not read: {error}")
        return
    remarks += [f"{name}: {remark}" for remark in own]
    if text.strip():
        yield name, f"[attachment: {name}]\n{text}"


def _leaves(part: Any) -> Iterator[Any]:
    """The parts that hold something, in order; of alternatives one, and what only another one has."""
    if part.get_content_type() == "message/rfc822" or not part.is_multipart():
        yield part
        return
    children = list(part.iter_parts())
    if part.get_content_type() != "multipart/alternative":
        for child in children:
            if child.get_content_type() not in _SIGNATURES:
                yield from _leaves(child)
        return
    forms = [list(_leaves(child)) for child in children]
    chosen = _best_form(forms)
    yield from chosen
    for form in forms:
        if form is not chosen:
            yield from (leaf for leaf in form if not _is_body(leaf))


def _best_form(forms: list[list[Any]]) -> list[Any]:
    """The plain text where no other form has more parts to read; else the form with the most, the later the better."""
    said = [form for form in forms if any(_is_body(leaf) and _text(leaf).strip() for leaf in form)]
    if not said:
        return max(forms, key=len, default=[])
    sizes = [sum(not leaf.get_content_type().startswith("image/") for leaf in form) for form in said]
    plain = next((form for form in said if form[0].get_content_type() == "text/plain"), None)
    if plain is not None and max(sizes) == sizes[said.index(plain)]:
        return plain
    return max(reversed(said), key=lambda form: sizes[said.index(form)])


def _is_body(leaf: Any) -> bool:
    return leaf.get_content_type() in ("text/plain", "text/html") and not leaf.get_filename()


def _text(part: Any) -> str:
    """A body as text: its HTML rendered, its characters by the charset that it names or else by how they look."""
    raw = part.get_payload(decode=True) or b""
    charset = part.get_content_charset()
    try:
        text = raw.decode(charset) if charset else None
    except (LookupError, UnicodeDecodeError):
        text = None
    if part.get_content_type() == "text/html":
        return read_html(raw if text is None else _UTF8 + without_surrogates(text).encode()).text
    text = without_surrogates((decode(raw) if text is None else text).replace("\r\n", "\n")).strip()
    if part.get_content_type() == "text/calendar":
        return "\n".join(match.group() for match in _CALENDAR.finditer(text))
    return text


def _flat(value: Any) -> str:
    try:
        return without_surrogates(" ".join(str(value).split()))
    except Exception as error:  # noqa: BLE001 - the parser of headers fails in many ways on broken ones
        return in_few_words(error)
