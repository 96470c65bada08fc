"""Words in all spellings: folded, in scripts without blanks, numbers, dates, part codes, related and misspelt words."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from hybrid import Hybrid, Settings
from hybrid.chat.prompts import Prompt
from hybrid.engines.extractive import Extractive
from hybrid.index.embedding import Embedder
from hybrid.index.lexical import identifiers, query_words, words
from hybrid.text.amendments import amended
from hybrid.text.asking import kind_of
from hybrid.text.languages import language_of, near, root
from hybrid.text.words import fold, fold_at
from hybrid.types import Piece


@pytest.fixture(scope="module")
def engine() -> Extractive:
    return Extractive(Embedder())


def ask(engine: Extractive, question: str, text: str) -> str:
    return engine.ask(Prompt(question, (Piece("text.txt", text, 0),)), max_tokens=300).text


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ﬁnance", "finance"), ("Ｃａｆé", "Cafe"), ("e\u0301t\u00e9", "ete"), ("Straße", "Strasse"), ("ｶﾞｽ", "ガス"),
        ("서울 が", "서울 が"), ("co\u00adoperate", "cooperate"), ("CO₂", "CO2"), ("10⁹", "10^9"), ("plain", "plain"),
    ],
)  # fmt: skip
def test_folding(text: str, folded: str) -> None:
    assert fold(text) == folded
    found, at = fold_at(f"a {text} b")
    if at is not None:
        assert len(at) == len(f"a {text} b") + 1
        assert found[at[len(text) + 3] :] == "b"


@pytest.mark.parametrize(
    "spelling",
    ["1,250,000", "1.250.000", "1 250 000", "1'250'000", "1.25 million", "1,25 Millionen", "125万", "$1.25m"],
)
def test_a_number_is_found_in_any_spelling(spelling: str) -> None:
    assert "1250000" in identifiers(spelling)
    assert "1250000" in words("1250000")


@pytest.mark.parametrize(
    "spelling",
    ["2024-03-05", "5 March 2024", "March 5, 2024", "5. März 2024", "5 mars 2024", "05.03.2024", "2024年3月5日"],
)
def test_a_date_is_found_in_any_spelling(spelling: str) -> None:
    assert "2024-03-05" in identifiers(spelling)


def test_ordinary_numbers_are_what_they_were() -> None:
    assert identifiers("form 10-K of 12 May, 30km, 5pm") == ["10k"]
    assert identifiers("3/5/2024") == ["2024-05-03", "2024-03-05"]
    assert set(identifiers("1.250")) == {"1250", "1.25"}


def test_words_of_scripts_without_blanks() -> None:
    assert set(query_words("电话分机号是多少?")) <= set(words("前台电话分机号为7714"))
    assert "ประ" in words("ประเทศไทย")
    assert query_words("보증은 어디에") == ["보증"]


def test_languages_and_kinds() -> None:
    assert [language_of(q) for q in ("Wann endet der Vertrag?", "When does it end?", "Où est la gare ?")] == [
        "de", "en", "fr",
    ]  # fmt: skip
    asked = ["何時開始?", "谁是经理?", "몇 개입니까?", "どこですか", "Warum?", "What is her e-mail address?"]
    assert [kind_of(q) for q in asked] == ["when", "who", "number", "where", "why", "number"]


def test_related_words() -> None:
    assert root("delivery") == root("delivered") == "deliver"
    assert root("termination") == root("terminate")
    assert root("employer") != root("employee")
    assert root("Kündigungen".lower(), "de") == root("kündigung", "de")


def test_misspelt_words() -> None:
    assert near("desposit", {"deposit", "dispute", "despot"}) == ["deposit"]
    assert near("teh", {"the"}) == []
    assert "termination" in near("terminatoin", {"termination", "determination"})


TEXT = """\
The tenant pays a security deposit of 2,480 euros before moving in.

Either party may terminate the lease with three months' notice.

The insurance sum is 1.25 million euros. Coffee is served in the café at noon.
"""


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What is the securty depsoit?", "2,480"),
        ("How long is the notice for termination?", "three months"),
        ("What is 1,250,000 euros?", "insurance sum"),
        ("Where is coffee served, in the cafe?", "café"),
    ],
)
def test_a_question_finds_other_spellings(engine: Extractive, question: str, expected: str) -> None:
    assert expected in ask(engine, question, TEXT)


PARTS = "\n\n".join(
    f"Part BX-44{n}-{s} costs {n}.00 euros and is delivered within {n - 20 + (s == 'A')} days."
    for n in range(30, 40)
    for s in "AB"
)


def test_the_sister_of_a_part_is_never_quoted(engine: Extractive) -> None:
    assert ask(engine, "How much does BX-4436-A cost?", PARTS).count("BX-") == 1
    reply = ask(engine, "How many days does delivery of BX-4436-A take?", PARTS)
    assert "BX-4436-A" in reply
    assert "17 days" in reply
    assert ask(engine, "How much does BX-4499-C cost?", PARTS) == "The documents do not say."


def test_a_long_text_of_another_script_is_read_quickly(engine: Extractive) -> None:
    text = "会議は東京で開催されます。" * 5000 + "停車場の番号は４４１７です。"
    began = time.process_time()
    assert "４４１７" in ask(engine, "停車場の番号は何ですか?", text)
    assert time.process_time() - began < 20


LEASE = """\
LEASE AGREEMENT

This Lease Agreement is dated 4 March 2022 and made between Harbour Estates Ltd and Maren Olsen.

1. Rent. The monthly rent is 1,240 euros.

2. Deposit. The tenant pays a security deposit of 2,480 euros.
"""
AMENDMENT = """\
FIRST AMENDMENT TO LEASE AGREEMENT

This First Amendment amends the Lease Agreement dated 4 March 2022 between Harbour Estates Ltd and Maren Olsen.

1. Clause 1 is amended as follows: the monthly rent is 1,380 euros from 1 January 2025.
"""


def test_amendments_are_known() -> None:
    other = LEASE.replace("4 March 2022", "9 May 2019")
    assert amended({"a": AMENDMENT, "l": LEASE, "o": other}) == {"l": ("a",)}
    assert amended({"l": LEASE, "o": other}) == {}


def test_what_an_amendment_says_comes_first() -> None:
    corpus = {"lease.txt": LEASE, "amendment.txt": AMENDMENT}
    shown: list[str] = []
    with Hybrid(Settings()) as hybrid:
        answer = hybrid.answer("How much is the rent per month?", corpus, on_text=shown.append)
        assert answer.citations[0].document == "amendment.txt"
        assert answer.text.index("1,380") < answer.text.index("1,240")
        assert "amendment.txt amends lease.txt: what it says comes first." in answer.notes
        assert "".join(shown) == answer.text
        kept = hybrid.answer("What is the security deposit?", corpus)
    assert kept.citations[0].document == "lease.txt"
    assert not any("amends" in note for note in kept.notes)


def test_folded_offsets_are_those_of_the_text() -> None:
    text = "ﬁrst Straße ende"
    folded, at = fold_at(text)
    assert at is not None
    assert folded[at[text.index("ende")] :] == "ende"
    assert np.all(np.diff(at) >= 0)


def test_old_indexes_are_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("The deposit is 2,480 euros.", "utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with Hybrid(Settings()) as hybrid:
        assert "2,480" in hybrid.answer("What is the deposit?", tmp_path / "a.txt").text
    monkeypatch.setattr("hybrid.session.corpora.WORDS", 99)
    monkeypatch.setattr("hybrid.index.database.WORDS", 99)
    with Hybrid(Settings()) as hybrid:
        assert "2,480" in hybrid.answer("What is the deposit?", tmp_path / "a.txt").text
    assert len(list((tmp_path / "cache" / "hybrid-context").iterdir())) == 2
