"""Saved e-mails: headers and bodies decoded, attachments read or named."""

from __future__ import annotations

import io
from email.message import EmailMessage
from email.mime.application import MIMEApplication
from email.mime.base import MIMEBase
from email.mime.image import MIMEImage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import openpyxl
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


def nested(kind: str, *children: MIMEBase) -> MIMEMultipart:
    made = MIMEMultipart(kind)
    for child in children:
        made.attach(child)
    return made


def table(how: str = "attachment") -> MIMEApplication:
    made = MIMEApplication(b"Ware,Stock\nOars,41\n", "csv")
    made.add_header("Content-Disposition", how, filename="stock.csv")
    return made


def sent(mail: MIMEMultipart) -> bytes:
    mail["From"], mail["Subject"] = "ida@example.org", "Boats"
    return mail.as_bytes()


PLAIN, HTML = MIMEText("The list is below.\n"), MIMEText("<p>The list is below.</p>", "html")
LATER = MIMEText("The sale ends on 3 May.\n")


@pytest.mark.parametrize(
    ("mail", "said"),
    [
        (
            nested(
                "alternative", PLAIN, nested("mixed", HTML, table("inline"), MIMEText("<p>Till 3 May.</p>", "html"))
            ),
            ["Oars", "Till 3 May."],
        ),
        (nested("alternative", MIMEText(" \n"), MIMEText("<p>Rent: 70 pounds.</p>", "html")), ["Rent: 70 pounds."]),
        (nested("signed", nested("mixed", PLAIN, table())), ["The list is below.", "Oars"]),
        (nested("mixed", PLAIN, table("inline"), LATER), ["The list is below.", "Oars", "The sale ends on 3 May."]),
        (nested("mixed", nested("mixed", nested("related", HTML), table()), LATER), ["Oars", "ends on 3 May."]),
        (
            nested("alternative", PLAIN, MIMEText("BEGIN:VEVENT\nSUMMARY:Regatta\nEND:VEVENT\n", "calendar")),
            ["The list is below.", "Regatta"],
        ),
    ],
    ids=["in one of two forms", "blank plain text", "signed", "text after it", "deep", "calendar"],
)
def test_every_part_is_read_however_deep(mail: MIMEMultipart, said: list[str]) -> None:
    found = read("mail.eml", b"\xef\xbb\xbf" + sent(mail))
    assert [text for text in said if text not in found.text] == []
    assert found.text.count("The list is below.") <= 1
    assert found.remarks == ()


@pytest.mark.parametrize(("charset", "text"), [("koi8-r", "Цена 40 рублей."), ("iso-2022-jp", "料金は四十円です。")])
def test_html_is_decoded_by_the_charset_of_its_part(charset: str, text: str) -> None:
    head = f"From: a@example.org\r\nContent-Type: text/html; charset={charset}\r\n\r\n".encode()
    assert text in read("mail.eml", head + f"<p>{text}</p>".encode(charset)).text


def test_what_is_left_out_of_a_mail_and_of_what_is_attached_is_said() -> None:
    book, stream = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["Fee", 9])
    book.create_sheet("Old").sheet_state = "hidden"
    book.save(stream)
    sheet = MIMEApplication(stream.getvalue(), "octet-stream")
    sheet.add_header("Content-Disposition", "attachment", filename="fee.xlsx")
    mail = nested("mixed", PLAIN, MIMEApplication(b"\0\1", "x-odd"), MIMEImage(b"GIF89a", "gif"), sheet)
    found = read("mail.eml", sent(mail))
    assert "an attachment of the type application/x-odd was not read" in found.remarks
    assert "1 picture without a name not read" in found.remarks
    assert [remark for remark in found.remarks if remark.startswith("fee.xlsx: ")]
