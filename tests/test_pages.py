"""PDF pages as they read: plain letters, whole words, running lines apart."""

from __future__ import annotations

import pytest

from hybrid.readers.pages import plain, unbroken, without_running_lines


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


def pages(*bodies: str) -> list[str]:
    return [f"Port of Orlane - Rules\n{body}\nPage {n} of {len(bodies)}" for n, body in enumerate(bodies, 1)]


def test_a_sentence_goes_on_over_a_page_break() -> None:
    for bodies in (("The charge is", "27 euros."), ("The charge is", "27 euros.", "Keys are lent.")):
        found = without_running_lines(pages(*bodies))
        assert found[0].startswith("[header: Port of Orlane - Rules]\n")
        assert "The charge is 27 euros." in " ".join(" ".join(found).split())


def test_what_only_looks_like_a_running_line_stays() -> None:
    two = ["Fees\nThe fee is 9 euros.\nIt is due in May.", "More\nThe fee is 8 euros.\nIt is due in June."]
    assert without_running_lines(two) == two
    rows = [f"Item | Price\nBolt {n} | 2.00\nother {n} words" for n in range(4)]
    assert all("Item | Price" in text for text in without_running_lines(rows))
