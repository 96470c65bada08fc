"""Web pages: what a reader sees, and its place in the source."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.readers.read import read
from tests.corpus.documents import html, original, outline

PAGE = """<!doctype html>
<html><head><title>Ignored when there is an h1</title><style>p {}</style></head>
<body><script>var x = "<p>no</p>";</script>
<h1>Lease &amp; <b>License</b></h1>
<p>The   tenant
   pays &euro;&#160;500 &#x41;&lt;b
<br>monthly.</p><noscript>no</noscript>
<table><tr><th>Item</th><th>Price</th></tr>
<tr><td><p>Rent</p></td><td></td><td>500</td></tr></table>
<h2>Code</h2>
<pre>a
  b&gt;c</pre><ul><li>one</li><li>two <i>in</i>line</li></ul>
<template><p>no</p></template><p>AT&T &#bogus; x &unknown; y</p>
</body></html>
"""
SOUP = [
    *("<p>", "</p>", "<b>", "</b>", "<td>", "<tr>", "<table>", "</table>", "<pre>", "</pre>", "<h2>", "</h2>", "<li>"),
    *("&amp;", "&#", "&#65;", "<", "</", "<!--x-->", "<!", "<![x", "<br/>", "\r\n", " ", "word", "zwei ", "é", ";"),
]


class TestHtml:
    def test_text(self) -> None:
        assert read("a.html", PAGE.encode()).text == (
            "Lease & License\n\nThe tenant pays €\u00a0500 A<b\nmonthly.\n\nItem: Rent | Price: | 500\n\nCode\n\n"
            "a\n  b>c\n\none\ntwo inline\n\nAT&T &#bogus; x &unknown; y"
        )

    def test_headings(self) -> None:
        document = read("a.html", PAGE.encode())
        assert outline(document) == [(1, "Lease & License"), (2, "Code")]
        assert document.text.startswith("Code", document.headings[1].start)

    @pytest.mark.parametrize("passage", ["monthly.", "The", "tenant", "a\n  b", "c", "500", "AT&T &#bogus; x", "Rent"])
    def test_runs_are_found_in_the_source(self, passage: str) -> None:
        for source in (PAGE, PAGE.replace("\n", "\r\n")):
            text = passage.replace("\n", "\r\n") if source != PAGE else passage
            assert original(read("a.html", source.encode()), source, text) == text

    def test_a_passage_over_tags_and_entities(self) -> None:
        document = read("a.html", PAGE.encode())
        assert original(document, PAGE, "Lease & License") == "Lease &amp; <b>License"
        assert original(document, PAGE, "tenant pays") == "tenant\n   pays"

    def test_title_without_h1(self) -> None:
        document = read("a.htm", b"<title>Rules &amp; Co</title><h2>A</h2><p>text")
        assert document.text == "Rules & Co\n\nA\n\ntext"
        assert outline(document) == [(1, "Rules & Co"), (2, "A")]

    def test_declared_encoding(self) -> None:
        assert read("a.html", '<meta charset="windows-1251"><p>Договор'.encode("cp1251")).text == "Договор"
        assert read("a.html", '<meta charset="nonsense"><p>caf\xe9'.encode("latin-1")).text == "café"

    @pytest.mark.parametrize(
        ("source", "text"),
        [
            ("<p>a</p><div style='display:none'>x <b>y</b><div>z</div> w</div><p>b</p>", "a\n\nb"),
            ("<p>a<span hidden>x</span>b <i hidden=''>y</i>c</p>", "ab c"),
            ("<p>a</p><p style='color:red; DISPLAY : None !important'>x</p><p>b</p>", "a\n\nb"),
            ("<p style='display:none; display:block'>a</p><p hidden style='display:block'>b</p>", "a\n\nb"),
            ("<p class='hidden' style='display:nonesuch'>a</p>", "a"),
            ("<p hidden>x<p>a<p hidden>y<div>b</div>", "a\n\nb"),  # an end tag may be left out
            ("<ul><li>a<li hidden>x<ul><li>y</ul>z<li>b</ul>c", "a\nb\n\nc"),
            ("<table><tr><td>a<td hidden>x<td>b<tr hidden><td>y<tr><td>c</table>d", "a | b\nc\n\nd"),
            ("<table><tr><td><div hidden>x</td><td>a</td></tr></table>b", "a\n\nb"),
            ("<b><div hidden>x</b>y</p>z</div>a", "a"),  # none of these ends what is hidden around it
            ("<p>a<br>b<input hidden>c<img hidden alt=x>", "a\nbc"),  # nothing is inside these
            ("<h1>A<span hidden>x</span></h1><h2 hidden>y</h2><table hidden><tr><td>z</table>b", "A\n\nb"),
            ("<pre hidden>x</pre>a  b<template>y<p>z</template>", "a b"),
        ],
    )
    def test_what_an_element_hides_is_left_out(self, source: str, text: str) -> None:
        document = read("a.html", source.encode())
        assert document.text == text
        assert original(document, source, text[-1]) == text[-1]
        assert all(title == "A" for _, title in outline(document))

    def test_time_is_linear_in_what_is_never_closed(self) -> None:
        source = "<div><b><li><td>" * 10_000 + "<p>end" * 10_000
        began = time.process_time()
        assert read("a.html", source.encode()).text.endswith("end")
        assert time.process_time() - began < 20

    def test_no_visible_text(self) -> None:
        with pytest.raises(Unreadable, match="no text in this html file"):
            read("a.html", b"<html><script>x</script></html>")

    @given(st.lists(st.sampled_from(SOUP)))
    def test_any_soup(self, parts: list[str]) -> None:
        """Every stretch between anchors that is as long as its source is its source, or white space for white space."""
        source = "".join(parts) + " end"
        document = read("a.html", source.encode())
        outline(document)
        for a, b in zip(document.anchors, document.anchors[1:], strict=False):
            run = document.text[a.text : b.text].rstrip()
            assert a.text <= b.text
            assert a.source <= b.source
            assert a.line == source.count("\n", 0, a.source) + 1
            if "&" not in source and "|" not in run:
                assert source.startswith(run, a.source)


class TestForms:
    def test_a_page_shows_what_is_chosen_and_filled_in(self) -> None:
        page = (
            "<form>Name: <input value='Ann Roth'><input type=hidden value=x> <input type=checkbox checked> urgent<br>"
            "Country: <select><option>Peru<option selected>Chile<option>Cuba</select> (ship to)</form>"
        )
        assert html(page) == ["Name: Ann Roth \u2612 urgent", "Country: Chile (ship to)"]

    @pytest.mark.parametrize(
        ("equation", "text"),
        [
            ("<semantics><mrow><mi>E</mi><mo>=</mo><mi>m</mi><msup><mi>c</mi><mn>2</mn></msup></mrow>"
             "<annotation encoding='application/x-tex'>E=mc^2</annotation></semantics>", "E = mc^2"),
            ("<mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mi>c</mi></mfrac>", "(a + b)/c"),
            ("<mn>3</mn><mo>&times;</mo><msup><mn>10</mn><mrow><mo>-</mo><mn>6</mn></mrow></msup>", "3 x 10^-6"),
            ("<munderover><mo>&sum;</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi></munderover><mi>i</mi>",
             "sum_(i = 1)^n i"),
            ("<msqrt><mi>x</mi><mo>+</mo><mn>1</mn></msqrt>", "sqrt(x + 1)"),
        ],
    )  # fmt: skip
    def test_equations_of_a_page(self, equation: str, text: str) -> None:
        assert html(f"<p>It is <math>{equation}</math>.") == [f"It is {text}."]
