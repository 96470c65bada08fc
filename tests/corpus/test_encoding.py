"""Text files of many languages in the encodings that they are found in."""

from __future__ import annotations

import pytest

from hybrid.corpus.readers.encoding import decode
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
