"""Saved e-mails: headers and bodies decoded, attachments read or named."""

from __future__ import annotations

from base64 import encodebytes
from email.message import EmailMessage
from email.mime.application import MIMEApplication
from email.mime.image import MIMEImage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from typing import Any

import docx
import pytest

from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.readers.read import read
from tests.corpus.files import saved


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


TABLE = b"Room;Rent\nCellar;310\nAttic;455\n"


def many(kind: str, *parts: Any, **headers: str) -> Any:
    made = MIMEMultipart(kind)
    for name, value in headers.items():
        made[name] = value
    for part in parts:
        made.attach(part)
    return made


def mail_of(kind: str, *parts: Any) -> bytes:
    return bytes(many(kind, *parts, From="Ida <ida@example.org>", Subject="Rooms"))


def attachment(data: bytes, name: str, how: str = "attachment") -> Any:
    made = MIMEApplication(data)
    made.add_header("Content-Disposition", how, filename=name)
    return made


def pages(*words: str) -> list[Any]:
    return [MIMEText(f"<p>{one}</p>", "html") for one in words]


@pytest.mark.parametrize("how", ["inline", "attachment"])
def test_parts_of_a_form_that_says_more_are_read_in_order(how: str) -> None:
    first, last = pages("The rents are below.", "They hold from 1 May.")
    rich = many("mixed", first, attachment(TABLE, "rents.csv", how), last)
    found = read("a.eml", mail_of("alternative", MIMEText("The rents are below.\n"), rich))
    words = ("The rents are below.", "[attachment: rents.csv]", "Attic", "They hold from 1 May.")
    assert [found.text.count(one) for one in words] == [1, 1, 1, 1]
    assert sorted(words, key=found.text.index) == list(words)
    assert found.remarks == ()


def test_attachments_of_the_form_that_is_not_read_are_kept() -> None:
    rich = many("mixed", *pages("In short: yes."), attachment(TABLE, "rents.csv"))
    found = read("a.eml", mail_of("alternative", MIMEText("Yes, we take it, and gladly.\n"), rich))
    assert "gladly" in found.text
    assert "In short" not in found.text
    assert "Attic" in found.text


@pytest.mark.parametrize("blank", ["", "\n", " \r\n\t\r\n", "Your program shows no HTML.\n" * 2])
def test_html_is_read_where_the_plain_text_says_nothing(blank: str) -> None:
    (page,) = pages("The fee is 75 euros a week, and it is due on each first Monday of the month.")
    found = read("a.eml", mail_of("alternative", MIMEText(blank), many("related", page)))
    assert "The fee is 75 euros a week" in found.text
    assert "shows no HTML" not in found.text


def test_html_is_read_where_it_strikes_out_what_the_plain_text_has() -> None:
    (page,) = pages("The fee is <s>75</s> 80 euros.")
    found = read("a.eml", mail_of("alternative", MIMEText("The fee is 75 80 euros."), page))
    assert "The fee is 80 euros." in found.text
    assert found.remarks == ("1 struck-out passage left out",)


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_attachments_inside_of_signed_and_mixed_parts_are_read(depth: int) -> None:
    inner = many("mixed", MIMEText("The rents are here.\n"), attachment(TABLE, "rents.csv"))
    for _ in range(depth):
        inner = many("mixed", inner, MIMEText("Sent by the list.\n"))
    signature = MIMEApplication(b"\x30\x82\0\2", "pkcs7-signature")
    signature.add_header("Content-Disposition", "attachment", filename="smime.p7s")
    found = read("a.eml", mail_of("signed", inner, signature))
    assert "The rents are here." in found.text
    assert "Attic" in found.text
    assert found.text.count("Sent by the list.") == depth
    assert found.remarks == ("the signature of the message was not checked",)


def test_texts_after_an_attachment_belong_to_the_message() -> None:
    parts = MIMEText("First.\n"), attachment(TABLE, "rents.csv"), MIMEText("Mind the deposit of 90 euros.\n")
    found = read("a.eml", mail_of("mixed", *parts))
    assert found.text.endswith("Mind the deposit of 90 euros.")


def test_an_invitation_is_read_once() -> None:
    lines = (
        "BEGIN:VCALENDAR",
        "BEGIN:VEVENT",
        "DTSTART;TZID=Europe/Paris:20260917T081500",
        "SUMMARY:Visit of the\r\n  attic\\, ",
    )
    source = "\r\n".join([*lines, 'ORGANIZER;CN="Ida Falk":mailto:ida@example.org', "END:VEVENT", "END:VCALENDAR"])
    invitation = MIMEText(source, "calendar")
    both = many("alternative", MIMEText("Please come."), invitation)
    found = read("a.eml", mail_of("mixed", both, attachment(source.encode(), "invite.ics")))
    assert "Please come." in found.text
    assert found.text.count("Start: 2026-09-17 08:15 (Europe/Paris)") == 1
    assert "Appointment: Visit of the attic," in found.text
    assert "Organizer: Ida Falk <ida@example.org>" in found.text


@pytest.mark.parametrize("coding", ["base64", "quoted-printable", "7bit"])
def test_a_message_in_the_message_is_read_in_any_coding(coding: str) -> None:
    inner = mail_of("mixed", MIMEText("The key lies with Mr. Osei.\n"), attachment(TABLE, "rents.csv"))
    coded = {"base64": encodebytes(inner), "quoted-printable": inner.replace(b"=", b"=3D"), "7bit": inner}[coding]
    head = b"From: b@example.org\nSubject: Fw\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=Q\n\n--Q\n"
    kind = b"Content-Type: message/rfc822\nContent-Transfer-Encoding: " + coding.encode() + b"\n\n"
    found = read("a.eml", head + kind + coded + b"\n--Q--\n")
    assert "The key lies with Mr. Osei." in found.text
    assert "Attic" in found.text
    assert "Subject: Rooms" in found.text
    assert found.remarks == ()


def test_what_is_not_read_is_said() -> None:
    sealed = MIMEApplication(b"\x30\x82", "pkcs7-mime", name="smime.p7m")
    raw = MIMEApplication(b"\0\1\2")
    related = many("related", *pages("Words."), MIMEImage(b"\x89PNG", "png"), MIMEImage(b"\x89PNG2", "png"))
    found = read("a.eml", mail_of("mixed", related, sealed, raw))
    assert found.remarks == (
        "an encrypted or sealed part of the type application/pkcs7-mime was not read",
        "an attachment of the type application/octet-stream was not read",
        "2 pictures left out",
    )


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\r\n"])
def test_a_byte_order_mark_before_the_headers_is_passed_over(mark: bytes) -> None:
    assert "Cellar" in read("a.eml", mark + mail_of("mixed", MIMEText("The Cellar is dry."))).text


def test_remarks_of_attachments_are_kept() -> None:
    document = docx.Document()
    document.add_paragraph("The rent is ").add_run("310").font.strike = True
    document.paragraphs[0].add_run("330 euros.")
    found = read("a.eml", mail_of("mixed", MIMEText("See there."), attachment(saved(document), "rent.docx")))
    assert "The rent is 330 euros." in found.text
    assert found.remarks == ("attachment rent.docx: 1 struck-out passage left out",)


@pytest.mark.parametrize("subtype", ["plain", "html"])
@pytest.mark.parametrize(
    ("charset", "text"),
    [("koi8-r", "Залог"), ("windows-1253", "ποσό"), ("iso-2022-jp", "保証金は四十円"), ("gb2312", "模")],
)
def test_the_charset_of_a_header_holds(charset: str, text: str, subtype: str) -> None:
    mail = message(Subject="x")
    mail.set_content(f"<p>{text}</p>" if subtype == "html" else text, subtype=subtype, charset=charset, cte="base64")
    assert read("a.eml", bytes(mail)).text.endswith(f"\n\n{text}")


@pytest.mark.parametrize("suffix", ["mht", "mhtml"])
@pytest.mark.parametrize("sender", [b"From: <Saved by Blink>\r\n", b""])
def test_a_saved_page_is_read(suffix: str, sender: bytes) -> None:
    (page,) = pages("The <b>kiln</b> is fired on Thursdays.")
    style = MIMEText("p { color: red }", "css")
    saved = many("related", page, style, MIMEImage(b"\x89PNG", "png"))
    found = read(f"kiln.{suffix}", sender + bytes(saved))
    assert found.text.strip() == "The kiln is fired on Thursdays."
    assert found.remarks == ("1 picture left out",)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_mailbox_is_read_as_its_messages(end: bytes) -> None:
    first = mail_of("mixed", MIMEText("Bring the saw.\n\n>From the shed, that is.\n"), attachment(TABLE, "rents.csv"))
    second = b"From: c@example.org\nSubject: Paint\n\nTwo tins will do.\n"
    lines = [b"From ida@example.org Wed Jun 11 07:30:00 2025\n" + one for one in (first, second, b"no headers\n")]
    found = read("all.mbox", b"\n".join(lines).replace(b"\n", end))
    assert [heading.title for heading in found.headings] == ["Rooms", "rents.csv", "Paint"]
    for words in ("Bring the saw.", "\nFrom the shed, that is.", "Attic", "Two tins will do."):
        assert found.text.count(words) == 1
    assert found.remarks == ("1 message without headers left out",)


@pytest.mark.parametrize("name", ["note.txt", "note.html", "note.csv"])
@pytest.mark.parametrize(
    ("charset", "text"), [("koi8-r", "Залог"), ("iso-2022-jp", "保証金"), ("windows-1253", "ποσό")]
)
def test_the_charset_of_an_attachment_holds(name: str, charset: str, text: str) -> None:
    part = MIMEText(text, "html" if name.endswith("html") else "plain", charset)
    part.add_header("Content-Disposition", "attachment", filename=name)
    found = read("a.eml", mail_of("mixed", MIMEText("See there."), part))
    assert found.text.endswith(f"[attachment: {name}]\n{text}")


@pytest.mark.parametrize("sender", [b"From: Sales: ida@", b"From: =?utf-8?q?", b"From: <", b"From: a:;,b:"])
def test_a_broken_header_hides_nothing(sender: bytes) -> None:
    whole = mail_of("mixed", MIMEText("The Cellar is dry."))
    found = read("a.eml", whole.replace(b"From: Ida <ida@example.org>", sender))
    assert found.text.endswith("The Cellar is dry.")
