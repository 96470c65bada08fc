"""Slides: titles, tables, notes, and boxes."""

from __future__ import annotations

from lxml import etree
from pptx import Presentation
from pptx.util import Inches

from hybrid.corpus.readers.read import read
from tests.corpus.files import saved


def test_slides() -> None:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "Harbour plan"
    table = slide.shapes.add_table(3, 3, Inches(1), Inches(2), Inches(6), Inches(2)).table
    for i, row in enumerate((["Pier", "Length", "Opens"], ["North", "240 m", "2027"], ["South", "90 m", "2029"])):
        for j, text in enumerate(row):
            table.cell(i, j).text = text
    slide.notes_slide.notes_text_frame.text = "The architect is Lea Sonntag."
    second = deck.slides.add_slide(deck.slide_layouts[6])
    box = second.shapes.add_textbox(Inches(1), Inches(1), Inches(4), Inches(1))
    box.text_frame.text = "Questions to Mr Demir"
    hidden = deck.slides.add_slide(deck.slide_layouts[6])
    hidden._element.set("show", "0")
    found = read("a.pptx", saved(deck))
    assert "Pier: North | Length: 240 m | Opens: 2027" in found.text
    assert "The architect is Lea Sonntag." in found.text
    assert found.page_of(found.text.index("Demir")) == 2
    assert [heading.title for heading in found.headings] == ["Harbour plan", "Slide 2"]
    assert found.remarks == ("1 hidden slide left out",)


def test_a_box_with_an_equation_and_raised_figures_on_a_slide() -> None:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    boxes = [slide.shapes.add_textbox(Inches(1), Inches(at), Inches(4), Inches(1)) for at in (1, 2, 3)]
    paragraph = boxes[0].text_frame.paragraphs[0]
    for text, rise in (("A run of 10", None), ("4", "30000"), (" parts.", None)):
        run = paragraph.add_run()
        run.text = text
        if rise:
            run.font._element.set("baseline", rise)
    boxes[1].text_frame.text = "The load by this rule is 8 kN."
    boxes[2].text_frame.text = "The last box."
    element, tree = boxes[1]._element, slide.shapes._spTree
    compatible = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
    either = etree.Element(f"{compatible}AlternateContent")
    tree.replace(element, either)
    etree.SubElement(either, f"{compatible}Choice").append(element)
    etree.SubElement(either, f"{compatible}Fallback").append(etree.fromstring(etree.tostring(element)))
    found = read("a.pptx", saved(deck))
    assert "A run of 10^4 parts." in found.text
    assert found.text.index("parts") < found.text.index("The load by this rule is 8 kN.") < found.text.index("last box")
    assert found.text.count("8 kN") == 1
