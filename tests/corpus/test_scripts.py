"""Raised and lowered text stays apart from its line."""

from __future__ import annotations

import pytest

from hybrid.corpus.readers.read import read


class TestScripts:
    @pytest.mark.parametrize(
        ("source", "text"),
        [
            ("3 x 10<sup>6</sup> litres", "3 x 10^6 litres"),
            ("10<sup>-3</sup>", "10^-3"),
            ("450 m<sup>2</sup>", "450 m^2"),
            ("(a + b)<sup>2</sup>", "(a + b)^2"),
            ("2<sup>n+1</sup>", "2^(n+1)"),
            ("the 1<sup>st</sup> of May", "the 1st of May"),
            ("Acme<sup>TM</sup>", "AcmeTM"),
            ("500<sup><a href='#n'>1</a></sup> EUR", "500[1] EUR"),
            ("$500<sup>1</sup>", "$500[1]"),
            ("a word<sup>2</sup>, a stop.<sup>3</sup>", "a word[2], a stop.[3]"),
            ("<sup>1</sup> See annex", "1 See annex"),
            ("H<sub>2</sub>O and CO<sub>2</sub>", "H2O and CO2"),
            ("log<sub>10</sub>5", "log_10 5"),
            ("x<sub>1</sub> + x<sub>i+1</sub>", "x_1 + x_(i+1)"),
            ("<b>10<sup>6</b> x", "10^6 x"),
        ],
    )
    def test_what_is_raised_or_lowered_stays_apart(self, source: str, text: str) -> None:
        assert read("a.html", f"<p>{source}".encode()).text == text

    def test_in_a_cell_and_in_a_heading(self) -> None:
        page = "<h1>In m<sup>2</sup></h1><table><tr><th>m<sup>2</sup><th>n</tr><tr><td>10<sup>3</sup><td>2</tr></table>"
        document = read("a.html", page.encode())
        assert document.text == "In m^2\n\nm^2: 10^3 | n: 2"
        assert document.headings[0].title == "In m^2"
