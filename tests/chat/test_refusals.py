"""Refusals are told from correct negatives, in many languages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hybrid.chat.refusals import abstains

FILE = Path(__file__).parents[1] / "data" / "refusals.jsonl"
REFUSALS = [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("row", REFUSALS, ids=lambda row: f"{row['language']}: {row['text'][:40]}")
def test_a_refusal_is_told_from_a_correct_negative(row: dict[str, Any]) -> None:
    assert abstains(row["text"]) == row["refuses"]


@pytest.mark.parametrize(
    ("reply", "refuses"),
    [
        ("", True),
        ("NOT IN THE DOCUMENTS", True),
        ('"Not in the documents."', True),
        (
            "**NOT IN THE DOCUMENTS** [2]\n\nThe texts speak of rooms and of breakfast, and of nothing else.",
            True,
        ),
        ("The text does not mention a pool, but it says that the lake is open [1].", False),
        ("The documents do not mention it [1].", False),  # it cites: the reader may judge
        ("Breakfast is not included in the room rate 【1】.", False),
    ],
)
def test_the_agreed_sentence_comes_first(reply: str, refuses: bool) -> None:
    assert abstains(reply) == refuses


@pytest.mark.parametrize(
    "reply",
    [
        "No, salaries may not be disclosed to colleagues.",
        "The source of the report must never be disclosed to the press.",
        "No details of customers are passed to the insurer.",
        "The sale cannot be concluded by telephone.",
        "The source of the leak is unknown.",
        "The document was not signed.",
        "The rent cannot be determined unilaterally.",
        "The agreement does not state a notice period, so the statutory one applies.",
        "The policy does not specify a limit: the insurer pays in full.",
        "The document does not grant the buyer any right to return the goods.",
        "Nein, der Vertrag enthält keine Verlängerung.",
        "Der Vertrag gibt dem Käufer keinen Anspruch auf Rückgabe.",
        "Es werden keine Informationen an Dritte weitergegeben.",
        "Die Namen dürfen nicht genannt werden.",
        "Le contrat ne fournit pas de place de parking.",
        "Le document ne donne pas le droit de revendre.",
        "Aucune information n'est transmise à l'assureur.",
        "No, el contrato no ofrece garantía.",
        "No se puede encontrar aparcamiento después de las ocho.",
        "Il contratto non contiene un termine minimo.",
        "Nessuna informazione viene condivisa con l'assicuratore.",
        "O contrato não fornece mobília.",
        "Het contract bevat geen boeteclausule.",
        "Er worden geen gegevens met derden gedeeld.",
        "Umowa nie zawiera okresu próbnego.",
        "Договор не содержит срока окончания.",
        "合同不提供家具。",
        "المبنى لا يحتوي على مصعد.",
    ],
)
def test_what_is_not_granted_or_shared_is_an_answer(reply: str) -> None:
    assert not abstains(reply)


@pytest.mark.parametrize(
    "reply",
    [
        "The passages say nothing about the architect.",
        "Neither of the texts states a price.",
        "None of the documents gives a year.",
        "From the excerpts it remains unclear who paid.",
        "The agreement is silent on this point.",
        "The documents do not say who paid, so the payer is unknown.",
        "The date of the vote is not disclosed in the documents.",
        "This name isn't in the passages.",
        "Die Zahl ist im Text nicht vorhanden.",
        "Le nom n'apparaît pas dans le texte.",
        "Il nome non è presente nel testo.",
        "O nome não está presente no texto.",
        "Kein Dokument erwähnt den Architekten.",
        "Darüber steht nichts in den Unterlagen.",
        "Le texte reste muet sur ce point.",
        "Aucun des documents ne précise le prix.",
        "Ninguno de los documentos menciona al arquitecto.",
        "El nombre no consta en los documentos.",
        "Nessuno dei documenti indica il prezzo.",
        "Nenhum dos documentos menciona o arquiteto.",
        "Geen van de documenten noemt de architect.",
        "Texten säger inget om arkitekten.",
        "Det framgår inte av texten.",
        "Dokumentet nevner ikke prisen.",
        "Det står ikke i teksten.",
        "Teksten siger intet om prisen.",
        "Dokumentet nævner ikke arkitekten.",
        "Teksti ei kerro hintaa.",
        "Asiakirjoissa ei ole tietoa arkkitehdista.",
        "Żaden z dokumentów nie podaje ceny.",
        "Text neuvádí cenu.",
        "V dokumentech to není uvedeno.",
        "У тексті немає інформації про ціну.",
        "Текст не згадує архітектора.",
        "Το κείμενο δεν αναφέρει την τιμή.",
        "Δεν υπάρχουν πληροφορίες για την τιμή στο έγγραφο.",
        "הטקסט אינו מזכיר את המחיר.",
        "אין מידע על כך במסמכים.",
        "पाठ में कीमत की कोई जानकारी नहीं है।",
        "दस्तावेज़ में वास्तुकार का उल्लेख नहीं है।",
        "Văn bản không nêu giá.",
        "Không có thông tin về giá trong tài liệu.",
    ],
)
def test_a_document_that_does_not_tell_is_a_refusal(reply: str) -> None:
    assert abstains(reply)


@pytest.mark.parametrize(
    "reply",
    [
        "Hundar är inte tillåtna på rummen.",
        "Hunder er ikke tillatt på rommene.",
        "Hunde er ikke tilladt på værelserne.",
        "Koiria ei sallita huoneissa.",
        "Psi nejsou v pokojích povoleni.",
        "Собаки в номерах не дозволені.",
        "Τα σκυλιά δεν επιτρέπονται στα δωμάτια.",
        "אסור להכניס כלבים לחדרים.",
        "कमरों में कुत्तों की अनुमति नहीं है।",
        "Không được mang chó vào phòng.",
    ],
)
def test_a_negative_in_further_languages_is_an_answer(reply: str) -> None:
    assert not abstains(reply)
