"""PDF pages as they read: plain letters, whole words, running lines apart."""

from __future__ import annotations

import pytest

from hybrid.corpus.readers.pdf.pages import plain, unbroken, without_running_lines


def test_ligatures_and_wide_letters_are_plain() -> None:
    assert (
        plain("e\ufb03ciency o\ufb00er \ufb01nal \uff21\uff11 secu\u00adrity") == "efficiency offer final A1 security"
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("the can-\ncellation charge", "the cancellation\n charge"),
        ("the secu- \n  rity deposit", "the security\n deposit"),
        ("a well-\nknown architect", "a well-known\n architect"),
        ("cost-\nbased pay, the cost-based pay", "cost-based\n pay, the cost-based pay"),
        ("the years 2019-\n2020", "the years 2019-2020"),
        ("part AX-\n4418 of it", "part AX-4418 of it"),
        ("Anne-\nMarie came", "Anne-\nMarie came"),
        ("a list:\n- one\n- two", "a list:\n- one\n- two"),
        ("the Ver-\nfassung", "the Verfassung\n"),
    ],
)
def test_words_broken_at_a_line_end(text: str, found: str) -> None:
    (got,) = unbroken([text])
    assert " ".join(got.split()) == " ".join(found.split())


def test_a_word_broken_over_a_page_break() -> None:
    found = unbroken(
        ["The tenant pays the secu-\n", "\nrity deposit of 900 euros.", "A well-", "known firm paints it."]
    )
    assert found[:2] == ["The tenant pays the security", "deposit of 900 euros."]
    assert " ".join(found[2:]).split() == "A well-known firm paints it.".split()
    assert unbroken(["All of this-", "Nothing of that"]) == ["All of this-", "Nothing of that"]


def pages(*bodies: str) -> list[str]:
    return [f"Port of Orlane - Rules\n{body}\nPage {n} of {len(bodies)}" for n, body in enumerate(bodies, 1)]


def test_a_sentence_goes_on_over_a_page_break() -> None:
    for bodies in (("The charge is", "27 euros."), ("The charge is", "27 euros.", "Keys are lent.")):
        found = without_running_lines(pages(*bodies))
        assert found[-1].endswith("\n\n[header or footer: Port of Orlane - Rules]")
        assert "The charge is 27 euros." in " ".join(" ".join(found).split())


def test_a_title_page_has_no_header_and_the_sentence_after_it_is_whole() -> None:
    texts = ["A lease.\nOf a hall.", "Acme Lease\nThe tenant pays", "Acme Lease\n410 euros.", "Acme Lease\nThe end."]
    whole = " ".join(" ".join(without_running_lines(texts)).split())
    assert "The tenant pays 410 euros. The end. [header or footer: Acme Lease]" in whole


@pytest.mark.parametrize("count", [2, 3, 4])
def test_forms_of_one_page_each_keep_their_own_numbers(count: int) -> None:
    totals = (512, 733, 98, 4)
    texts = [f"Invoice No. {4411 + 2 * n}\nGoods\nTotal: {totals[n]} EUR\nPage {n + 1}" for n in range(count)]
    found = without_running_lines(texts)
    for n in range(count):
        assert f"Invoice No. {4411 + 2 * n}" in found[n]
        assert f"Total: {totals[n]} EUR" in found[n]


def test_what_only_looks_like_a_running_line_stays() -> None:
    two = ["Fees\nThe fee is 9 euros.\nIt is due in May.", "More\nThe fee is 8 euros.\nIt is due in June."]
    assert without_running_lines(two) == two
    rows = [f"Item | Price\nBolt {n} | 2.00\nother {n} words" for n in range(4)]
    assert all("Item | Price" in text for text in without_running_lines(rows))
