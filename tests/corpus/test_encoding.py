"""Text files of many languages in the encodings that they are found in."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.corpus.readers.encoding import decode
from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.readers.read import read

TEXTS = {
    "cp1252": [
        "Der Mieter zahlt die Miete jährlich im Voraus. Den Schlüssel übergibt der Hausmeister Jörg Müller.",
        "Le loyer est payé à l'avance. La clé est remise par le gérant, François Lefèvre, à côté de l'église.",
        "El alquiler se paga en enero. El señor Muñoz guarda las llaves del garaje número 5.",
        "Huset er rødt, og nøglen ligger hos Åse Sørensen.",
        "La superficie è di 40 m³ e l’affitto è già pagato – “subito”.",
        "Café",
    ],
    "cp1250": [
        "Czynsz wynosi 2500 złotych miesięcznie. Właścicielką jest Małgorzata Wąsik z Łodzi.",
        "Żółw mieszka w ogródku. Prezesem spółki jest Łukasz Śliwiński.",
        "Nájemné činí 12 000 korun měsíčně. Správcem domu je Jiří Dvořák.",
        "A bérlő köteles a lakást tisztán tartani. Kovács Győző őrzi a kulcsokat.",
    ],
    "iso8859_2": [
        "Czynsz wynosi 2500 złotych miesięcznie. Właścicielką jest Małgorzata Wąsik z Łodzi.",
        "Nájemné činí 12 000 korun měsíčně. Správcem domu je Jiří Dvořák.",
    ],
    "cp1254": ["Kira bedeli aylık 15 bin liradır. Anahtarlar Ayşe Yılmaz'dadır. Ödeme her ayın beşine kadar yapılır."],
    "cp1251": ["Арендная плата составляет 25 тысяч рублей в месяц. Ключи хранит Иван Петров."],
    "koi8_r": ["Арендная плата составляет 25 тысяч рублей в месяц. Ключи хранит Иван Петров."],
}


@pytest.mark.parametrize(
    ("encoding", "text"), [(encoding, text) for encoding, texts in TEXTS.items() for text in texts]
)
def test_the_encoding_is_found(encoding: str, text: str) -> None:
    assert decode(text.encode(encoding)) == text


def test_a_damaged_byte_among_utf8_is_replaced_and_said() -> None:
    found = read("a.txt", "Das Café öffnet um 8 Uhr.\n".encode() + b"Der \xff Rest.")
    assert found.text == "Das Café öffnet um 8 Uhr.\nDer \ufffd Rest."
    assert found.remarks == ("1 damaged character read as \ufffd",)
    assert read("a.txt", "A \ufffd that was there.".encode()).remarks == ()


class TestDecode:
    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8"])
    def test_unicode(self, encoding: str) -> None:
        text = "Der Käufer zahlt 5 €.\r\nЗатем\r\n"
        assert decode(text.encode(encoding)) == text

    @pytest.mark.parametrize(
        ("text", "encoding"),
        [
            ("Le café crème brûlée est à la carte, naïve façade.\n", "latin-1"),
            ("The “Agreement” is naïve – 5 €.\n", "cp1252"),
            ("caf\xe9", "latin-1"),
            ("Договор поставки товара между сторонами\n" * 3, "cp1251"),
            ("契約は当事者間で締結された。\n" * 3, "shift_jis"),
            ("Zażółć gęślą jaźń, umowa między stronami\n", "cp1250"),
        ],
    )
    def test_older_encodings(self, text: str, encoding: str) -> None:
        assert decode(text.encode(encoding)) == text

    @pytest.mark.parametrize(
        ("text", "encoding"),
        [
            ("東京支店 返品待ち 検査中", "cp932"),
            ("注文番号、株式会社、在庫なし", "euc_jp"),
            ("电话分机号是7714。请在工作日联系我们。", "gb18030"),
            ("電話分機號碼是7714。請於工作日聯絡我們。", "big5"),
            ("전화 내선 번호는 7714입니다.", "cp949"),
            ("Договор аренды заключён на один год", "cp1251"),
        ],
    )
    def test_a_few_words_behind_many_rows_of_ascii(self, text: str, encoding: str) -> None:
        rows = "".join(f"{n},C{n:05},open,{n}.00,ok\r\n" for n in range(4000))
        source = f"{rows}4000,C04000,open,1.00,{text}\r\n"
        assert decode(source.encode(encoding)) == source
        assert read("a.csv", source.encode(encoding)).text.endswith(text)

    @pytest.mark.parametrize("encoding", ["cp1251", "koi8_r", "iso8859_5"])
    @pytest.mark.parametrize("text", ["Залог: сорок рублей", "Кошка спит на окне", "Сад и огород: полив по средам"])
    def test_a_few_words_in_cyrillic(self, text: str, encoding: str) -> None:
        assert decode(text.encode(encoding)) == text

    @pytest.mark.parametrize(
        ("text", "encoding"),
        [
            ("保証金は四十円です。", "iso2022_jp"),
            ("보증금은 사십 원입니다.\n", "iso2022_kr"),
            ("保证金是四十元。", "hz"),
        ],
    )
    def test_encodings_of_seven_bits(self, text: str, encoding: str) -> None:
        assert decode(text.encode(encoding), encoding) == text
        if encoding != "hz":
            assert decode(text.encode(encoding)) == text
        if encoding != "iso2022_kr":  # no browser reads it
            page = f'<meta charset="{encoding.replace("iso2022_", "iso-2022-")}"><p>{text}'
            assert read("a.html", page.encode(encoding)).text == text

    @pytest.mark.parametrize("encoding", ["koi8-r", "iso-8859-7", "iso-2022-jp", "iso-8859-1"])
    def test_the_encoding_that_xml_declares(self, encoding: str) -> None:
        word = {"koi8-r": "ЗАЛОГ", "iso-8859-7": "ποσό", "iso-2022-jp": "保証金", "iso-8859-1": "ò"}[encoding]
        source = f"<?xml version='1.0' encoding='{encoding.upper()}'?>\n<a>{word}</a>\n"
        assert read("a.xml", source.encode(encoding)).text == source
        assert read("a.xml", source.encode("utf-8")).text == source

    def test_rare_accents_far_behind_the_start(self) -> None:
        data = b"plain words of the contract\n" * 10_000 + "crème brûlée à la carte\n".encode("latin-1")
        assert decode(data).endswith("crème brûlée à la carte\n")

    def test_damaged_utf8_stays_utf8(self) -> None:
        assert decode("größe ".encode() * 50 + b"\xff" + "ä".encode()) == "größe " * 50 + "\ufffdä"

    @pytest.mark.parametrize("data", [b"\x7fELF\x00\x01\x02\x00\x00", bytes(range(32)) * 8, b"a" * 70_000 + b"\0"])
    def test_binary(self, data: bytes) -> None:
        with pytest.raises(Unreadable, match=r"^binary file$"):
            decode(data)

    def test_large_file_in_an_old_encoding_is_quick(self) -> None:
        data = "Der Käufer zahlt für die Geräte – 5 €.\r\n".encode("cp1252") * 200_000
        began = time.process_time()
        assert decode(data).count("\ufffd") == 0
        assert time.process_time() - began < 5

    @given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
    def test_utf8_is_kept_exactly(self, text: str) -> None:
        text = text.lstrip("\ufeff") + "."
        assert decode(text.encode()) == text
