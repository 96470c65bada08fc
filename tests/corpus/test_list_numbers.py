"""The numbers that OpenDocument gives to lists and headings."""

from __future__ import annotations

from tests.corpus.opendocuments import odf


def levels(kind: str, name: str, *each: str) -> str:
    """A style of lists or of the outline, from the properties of its levels."""
    tag = "list-level-style-number" if kind == "list" else "outline-level-style"
    told = "".join(f"<text:{tag} text:level='{at}' {look}/>" for at, look in enumerate(each, 1))
    return f"<text:{kind}-style style:name='{name}'>{told}</text:{kind}-style>"


def item(text: str, *inner: str, start: str = "") -> str:
    given = f" text:start-value='{start}'" if start else ""
    return f"<text:list-item{given}><text:p>{text}</text:p>{''.join(inner)}</text:list-item>"


def listed(*items: str, look: str = "") -> str:
    return f"<text:list {look}>{''.join(items)}</text:list>"


LEGAL = levels(
    "list",
    "Legal",
    "style:num-format='1' style:num-suffix='.'",
    "style:num-format='1' text:display-levels='2'",
    "style:num-format='a' style:num-prefix='(' style:num-suffix=')'",
)


def test_the_numbers_of_lists_of_a_text_document() -> None:
    legal = "text:style-name='Legal'"
    deepest = listed(item("Renewal"), item("End"))
    inner = listed(item("Rent"), item("Term", deepest))
    aside = "<text:list-header><text:p>Aside</text:p></text:list-header>"
    found = odf(
        "odt",
        "<office:text>"
        + listed(item("Parties"), item("Lease", inner, "<text:p>On it.</text:p>"), aside, look=f"xml:id='one' {legal}")
        + "<text:p>As agreed.</text:p>"
        + listed(item("Law"), look=f"text:continue-list='one' {legal}")
        + listed(item("Notices"), item("Costs", start="9"), look=f"text:continue-numbering='true' {legal}")
        + listed(item("New"), f"<text:list-item>{listed(item('Deep'))}</text:list-item>", look=legal)
        + listed(item("Point"), look="text:style-name='Dots'")
        + "</office:text>",
        styles=LEGAL
        + "<text:list-style style:name='Dots'><text:list-level-style-bullet text:level='1' text:bullet-char='*'/>"
        "</text:list-style>",
    )
    assert found.text.split("\n\n") == [
        "1. Parties", "2. Lease", "2.1 Rent", "2.2 Term", "(a) Renewal", "(b) End", "On it.", "Aside", "As agreed.",
        "3. Law", "4. Notices", "9. Costs", "1. New", "1.1 Deep", "Point",
    ]  # fmt: skip


def test_the_numbers_of_headings_of_a_text_document() -> None:
    def h(text: str, level: int, properties: str = "") -> str:
        return f"<text:h text:outline-level='{level}' {properties}>{text}</text:h>"

    off = "<style:style style:name='Off' style:family='paragraph' style:list-style-name=''/>"
    off += "<style:style style:name='Below' style:family='paragraph' style:parent-style-name='Off'/>"
    found = odf(
        "odt",
        "<office:text><text:tracked-changes>" + h("Gone", 1) + "</text:tracked-changes>"
        + h("Preface", 1, "text:style-name='Below'") + h("Scope", 1) + h("Lease", 1) + h("Parties", 2) + h("Term", 2)
        + h("Listless", 2, "text:is-list-header='true'") + h("Annex", 1, "text:restart-numbering='true' "
        "text:start-value='7'") + h("<text:number>A.4</text:number>Kept", 2)
        + f"<text:list text:style-name='Legal'><text:list-item>{h('Listed', 1)}</text:list-item></text:list>"
        "</office:text>",
        styles=LEGAL + off,
        common=levels("outline", "Outline", "style:num-format='1'", "style:num-format='1' text:display-levels='2'"),
    )  # fmt: skip
    assert [heading.title for heading in found.headings] == [
        "Preface", "1 Scope", "2 Lease", "2.1 Parties", "2.2 Term", "Listless", "7 Annex", "A.4 Kept", "1. Listed",
    ]  # fmt: skip


def test_forms_of_numbers_of_a_text_document() -> None:
    forms = ("A", "i", "I", "a' style:num-letter-sync='true", "a")
    styles = "".join(levels("list", f"F{at}", f"style:num-format='{form}'") for at, form in enumerate(forms))
    styles += levels("list", "Own", "style:num-format='1' loext:num-list-format='&#167; %1% -'").replace(
        "<text:list-style", "<text:list-style xmlns:loext='urn:loext'"
    )
    lists = "".join(
        listed(item("x", start=start), look=f"text:style-name='{name}'")
        for name, start in (("F0", "2"), ("F1", "4"), ("F2", "9"), ("F3", "28"), ("F4", "28"), ("Own", "3"))
    )
    found = odf("odt", f"<office:text>{lists}</office:text>", styles=styles)
    assert found.text.split() == ["B", "x", "iv", "x", "IX", "x", "bb", "x", "ab", "x", "\u00a7", "3", "-", "x"]
