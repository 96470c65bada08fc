"""Saved e-mails: headers and bodies decoded, attachments read or named."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from hybrid.readers.extract import Unreadable
from hybrid.readers.read import read


def message(**headers: str) -> EmailMessage:
    made = EmailMessage()
    for name, value in {
        "From": "Zoë <zoe@example.org>",
        "To": "b@example.org",
        "Subject": "Prüfung",
        **headers,
    }.items():
        made[name] = value
    return made


@pytest.mark.parametrize("coding", ["quoted-printable", "base64"])
@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1"])
def test_a_body_is_decoded(coding: str, charset: str) -> None:
    mail = message()
    mail.set_content("Die Prüfung der Kräne findet am 9. April statt.\n", cte=coding, charset=charset)
    found = read("mail.eml", bytes(mail))
    assert "Die Prüfung der Kräne findet am 9. April statt." in found.text
    assert "From: Zoë <zoe@example.org>" in found.text
    assert "Subject: Prüfung" in found.text
    assert found.kind == "email"


def test_plain_text_is_preferred_and_html_is_rendered() -> None:
    mail = message()
    mail.set_content("plain words")
    mail.add_alternative("<p>rich <b>words</b></p>", subtype="html")
    assert "plain words" in read("a.eml", bytes(mail)).text
    assert "rich" not in read("a.eml", bytes(mail)).text
    only = message()
    only.set_content("<p>rich <b>words</b></p>", subtype="html")
    assert "rich words" in read("a.eml", bytes(only)).text


def test_attachments_are_read_or_named() -> None:
    mail = message()
    mail.set_content("See below.")
    mail.add_attachment("The inspector is Dr. Falk.\n", filename="inspector.txt")
    mail.add_attachment(b"\0\1", maintype="application", subtype="octet-stream", filename="plan.bin")
    inner = message(Subject="Earlier")
    inner.set_content("The first date was 2 March.")
    mail.add_attachment(inner)
    found = read("a.eml", bytes(mail))
    assert "The inspector is Dr. Falk." in found.text
    assert "The first date was 2 March." in found.text
    assert found.remarks == ("the attachment plan.bin was not read: unsupported format .bin",)


def test_what_is_no_message_is_said() -> None:
    with pytest.raises(Unreadable, match="no e-mail"):
        read("a.eml", b"just some words\n")
