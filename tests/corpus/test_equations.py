"""Equations of Word files in linear form."""

from __future__ import annotations

import pytest

from hybrid.text.sentences import sentences
from tests.corpus.word_files import paragraph, run, word


def r(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


class TestEquations:
    @pytest.mark.parametrize(
        ("equation", "text"),
        [
            (r("F=0.35") + r("\u00d7V+1200"), "F = 0.35 x V + 1200"),
            (f"<m:f><m:num>{r('a+b')}</m:num><m:den>{r('c')}</m:den></m:f>", "(a + b)/c"),
            (f"<m:f><m:num>{r('1')}</m:num><m:den>{r('2n')}</m:den></m:f>", "1/(2n)"),
            (f"<m:sSup><m:e>{r('x')}</m:e><m:sup>{r('2')}</m:sup></m:sSup>{r('-1')}", "x^2 - 1"),
            (f"{r('4.2&#215;')}<m:sSup><m:e>{r('10')}</m:e><m:sup>{r('-9')}</m:sup></m:sSup>", "4.2 x 10^-9"),
            (
                f"<m:sSubSup><m:e>{r('a')}</m:e><m:sub>{r('i')}</m:sub><m:sup>{r('n+1')}</m:sup></m:sSubSup>",
                "a_i^(n + 1)",
            ),
            (f"<m:rad><m:radPr><m:degHide/></m:radPr><m:deg/><m:e>{r('x')}</m:e></m:rad>", "sqrt(x)"),
            (f"<m:rad><m:deg>{r('3')}</m:deg><m:e>{r('x')}</m:e></m:rad>", "root_3(x)"),
            (
                f"<m:nary><m:naryPr><m:chr m:val='\u2211'/></m:naryPr><m:sub>{r('i=1')}</m:sub><m:sup>{r('n')}</m:sup>"
                f"<m:e>{r('i')}</m:e></m:nary>",
                "sum_(i = 1)^n i",
            ),
            (f"<m:d><m:e>{r('a')}</m:e><m:e>{r('b')}</m:e></m:d>", "(a | b)"),
            (
                "<m:d><m:dPr><m:begChr m:val='['/><m:endChr m:val=']'/></m:dPr><m:e><m:m>"
                + "".join(f"<m:mr><m:e>{r(a)}</m:e><m:e>{r(b)}</m:e></m:mr>" for a, b in ("12", "34"))
                + "</m:m></m:e></m:d>",
                "[1, 2; 3, 4]",
            ),
            (f"<m:func><m:fName>{r('sin')}</m:fName><m:e>{r('2x')}</m:e></m:func>", "sin(2x)"),
        ],
    )
    def test_in_linear_form(self, equation: str, text: str) -> None:
        assert word(paragraph(run("It is ") + f"<m:oMath>{equation}</m:oMath>" + run("."))).text == f"It is {text}."
        assert word(f"<w:p><m:oMathPara><m:oMath>{equation}</m:oMath></m:oMathPara></w:p>").text == text

    def test_an_equation_stands_with_the_sentence_that_announces_it(self) -> None:
        shown = f"<w:p><m:oMathPara><m:oMath>{r('F=0.35V')}</m:oMath></m:oMathPara></w:p>"
        text = word(paragraph(run("It rains. The fee is computed as follows.")) + shown + paragraph(run("Next."))).text
        assert text == "It rains. The fee is computed as follows. F = 0.35V\n\nNext."
        assert [text[a:b] for a, b in sentences(text)][1] == "The fee is computed as follows. F = 0.35V"
        assert word(paragraph(run("It rains.")) + shown).text == "It rains.\n\nF = 0.35V"
