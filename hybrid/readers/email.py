"""E-mail: the headers that people read, the body decoded, and what is attached, each read by its own reader or named.

Of a message in several forms the plain text is read, else the HTML; a message inside a message is read as one. Nothing
is fetched. Offsets count in the extracted text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from hybrid.document import Heading
from hybrid.readers.encoding import decode, without_surrogates
from hybrid.readers.extract import Extract, Unreadable, in_few_words
from hybrid.readers.html import read_html

_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_DEEP = 5  # messages inside messages

# Reads an attachment by its name and bytes; raises Unreadable
Attached = Callable[[str, bytes], str]


def read_email(data: bytes, attached: Attached) -> Extract:
    """The text of a saved message (RFC 5322).

    Raises:
        Unreadable: it is no message, or nothing in it is text.
    """
    message: Any = message_from_bytes(data, policy=policy.default)
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
    body: Any = message.get_body(("plain", "html"))
    text = "" if body is None else _text(body)
    if text.strip():
        yield "", text
    for part in message.iter_attachments():
        inner: Any = part
        name = _flat(inner.get_filename() or "")
        if inner.get_content_type() == "message/rfc822" and depth < _DEEP:
            yield from _message(inner.get_content(), attached, remarks, depth + 1)
            continue
        try:
            found = attached(name, inner.get_payload(decode=True) or b"") if name else ""
        except Unreadable as error:
            remarks.append(f"the attachment {name} was not read: {error}")
            continue
        if found.strip():
            yield name, f"[attachment: {name}]\n{found}"
        elif not name:
            remarks.append(f"an attachment of the type {inner.get_content_type()} was not read")


def _text(part: Any) -> str:
    """A body as text: its HTML rendered, its characters by the charset that it names or else by how they look."""
    raw = part.get_payload(decode=True) or b""
    if part.get_content_type() == "text/html":
        return read_html(raw).text
    charset = part.get_content_charset()
    try:
        text = raw.decode(charset) if charset else decode(raw)
    except (LookupError, UnicodeDecodeError):
        text = decode(raw)
    return without_surrogates(text.replace("\r\n", "\n")).strip()


def _flat(value: Any) -> str:
    try:
        return without_surrogates(" ".join(str(value).split()))
    except Exception as error:  # noqa: BLE001 - the parser of headers fails in many ways on broken ones
        return in_few_words(error)
