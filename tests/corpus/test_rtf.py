"""Rich text: its tables, and what is deleted, hidden or struck out."""

from __future__ import annotations

from hybrid.corpus.readers.read import read


def test_rich_text() -> None:
    text = (
        r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}\f0 The caretaker is Herr Gr\'fcn.\par Moscow: \u1052?\u1086?"
        r"\par \trowd Route\cell Adult\cell Child\cell\row \trowd Island\cell 21.00\cell 10.50\cell\row \pard End.\par}"
    )
    found = read("a.rtf", text.encode("ascii"))
    assert "The caretaker is Herr Grün." in found.text
    assert "\u041c\u043e" in found.text
    assert "Route: Island | Adult: 21.00 | Child: 10.50" in found.text


def test_rich_text_without_what_is_deleted_hidden_or_struck() -> None:
    text = (
        r"{\rtf1\ansi{\fonttbl{\f0 Arial;}}{\stylesheet{\s3\strike Struck;}}{\header\pard Deed of Orlow Mill\par}"
        r"{\headerf\pard Deed of Orlow Mill\par}{\footer\pard Page {\field{\*\fldinst PAGE}}\par}"
        r"\pard The rent is {\deleted\revauthdel1 8\'300 }{\revised 950 }marks.{\v The heirs know nothing.}\par "
        r"A well of 10{\super 3} litres{\super\chftn}{\*\footnote\pard {\super\chftn} Measured in May.\par}, "
        r"{\strike\b dry}{\strike  now} full, of CO{\sub 2}.{\*\annotation ask Lea}\par\plain\v gone\v0  Kept.\par}"
    )
    found = read("a.rtf", text.encode("ascii"))
    assert found.text.count("[header: Deed of Orlow Mill]") == 1
    assert "Page" not in found.text
    assert "The rent is 950 marks.\n" in found.text
    assert "A well of 10^3 litres [footnote: Measured in May.], full, of CO2." in found.text
    assert "Kept." in found.text
    assert "gone" not in found.text
    assert found.remarks == (
        "2 passages of hidden text left out",
        "1 struck-out passage left out",
        "1 comment left out",
        "tracked changes read as accepted",
    )
