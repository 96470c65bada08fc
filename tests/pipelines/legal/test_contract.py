"""The clauses of a contract: their numbers, ranges and the clauses around them."""

from __future__ import annotations

import gzip
import json
import re
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hybrid.pipelines.legal.clause import label_key
from hybrid.pipelines.legal.contract import Contract

from hybrid.corpus.readers.read import read
from tests.corpus.word_files import make_docx, number_headings
from tests.pipelines.legal.agreements import LEASE, contract

DATA = Path(__file__).parents[4] / "shared" / "data" / "leval" / "legal_contract_qa.dev.jsonl.gz"


def labels(text: str) -> list[str]:
    return [clause.label for clause in contract(text).clauses if clause.label]


class TestClauses:
    def test_paths_ranges_and_the_innermost(self) -> None:
        lease = contract(LEASE)
        paths = {clause.path for clause in lease.clauses}
        assert {"2 Term > 2.1 Initial Term", "4 Termination > (b)", "Signatures", "6 Governing Law"} <= paths
        assert {"Exhibit A PREMISES", "Preamble"} <= paths
        found = lease.at(LEASE.index("ninety days"))
        assert found is not None
        assert (found.label, found.kind) == ("4(b)", "clause")
        assert LEASE[found.start : found.end].strip().endswith("after the second year.")
        assert [c.label for c in lease.above(found)] == ["4"]

    def test_every_clause_lies_in_the_one_around_it(self) -> None:
        found = contract(LEASE).clauses
        assert found[0].start == 0
        assert max(clause.end for clause in found) == len(LEASE)
        for before, after in pairwise(found):
            assert before.start < after.start
            assert after.level > before.level or before.end <= after.start

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("1. Term\n\nA year.\n\n12 March 2024\n\n2. Rent\n\n1.5 million shares.\n", ["1", "2"]),
            ("1. Term. It runs. 1.1 Start. Now. 1.2 End. Then. 2. Rent. See 1.5 above.", ["1", "1.1", "1.2", "2"]),
            ("ARTICLE IV TERM\n\n4.1 Start\n\nNow.\n\nARTICLE V RENT\n\n5.1 Sum\n\nFive.\n",
             ["Article IV", "4.1", "Article V", "5.1"]),
            ("Section 2.3 Rent\n\n(a) One.\n\n(b) Two:\n\n(i) x.\n\n(ii) y.\n\n(c) Three.\n",
             ["2.3", "2.3(a)", "2.3(b)", "2.3(b)(i)", "2.3(b)(ii)", "2.3(c)"]),
            ("1. List\n\n(q) nothing comes before it.\n", ["1"]),
            ("1. A\n\nx\n\nSCHEDULE 1\n\n1. B\n\ny\n\n2. C\n\nz\n", ["1", "Schedule 1", "1", "2"]),
            ("CONTENTS\n\nARTICLE 1 Term 1\n\nARTICLE 2 Rent 7\n\nARTICLE 1 Term\n\nx\n\nARTICLE 2 Rent\n\ny\n",
             ["Article 1", "Article 2"]),
            ("No numbers here, only prose that goes on.\n\nAnd a second paragraph.\n", []),
        ],
    )  # fmt: skip
    def test_marks(self, text: str, expected: list[str]) -> None:
        assert labels(text) == expected

    def test_letters_go_on_from_h_to_i(self) -> None:
        text = "1. List\n\n" + "\n\n".join(f"({letter}) item." for letter in "abcdefghij")
        assert labels(text) == ["1", *(f"1({letter})" for letter in "abcdefghij")]

    def test_around_reads_whole_clauses_up_to_the_limit(self) -> None:
        lease = contract(LEASE)
        at = LEASE.index("ninety days")
        start, end = lease.around(at, at + 10, 400)
        assert LEASE[start:end].startswith("4. Termination")
        start, end = lease.around(at, at + 10, 120)
        assert LEASE[start:end].strip().startswith("(b) Tenant")

    def test_labels_as_references_name_them(self) -> None:
        assert label_key("Sections 2.0") == "2"
        assert label_key("Article IV") == label_key("ARTICLE 4") == "article 4"
        assert label_key("Section 4 (b)") == "4(b)"

    def test_time_is_linear(self) -> None:
        text = "\n\n".join(f"{i % 97 + 1}.{i % 13} Clause. (a) one; (b) two." for i in range(20_000))
        began = time.process_time()
        contract(text)
        assert time.process_time() - began < 20

    @pytest.mark.skipif(not DATA.is_file(), reason="the contracts of L-Eval are not here")
    def test_real_contracts(self) -> None:
        with gzip.open(DATA, "rt", encoding="utf-8") as lines:
            texts = [json.loads(line)["input"] for line in lines]
        corio, touchstar = contract(texts[0]), contract(texts[2])
        assert "8 INDEMNIFICATION > 8.1 By Commerce One" in {c.path for c in corio.clauses}
        found = touchstar.at(texts[2].index("The arbitrators shall apply"))
        assert found is not None
        assert found.label == "10.12(b)(v)"
        assert [str(n) for n in range(1, 15)] == [c.label for c in corio.clauses if re.fullmatch(r"\d+", c.label)][:14]


def test_clauses_of_a_word_file_by_the_numbers_word_counts() -> None:
    levels = '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>'
    numbering = (
        f'<w:numbering {{ns}}><w:abstractNum w:abstractNumId="0">{levels}</w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>'
    )

    def build(document: Any) -> None:
        number_headings(document)
        for title, text in (("Term", "The term is one year."), ("Governing Law", "French law governs.")):
            document.add_heading(title, 1)
            document.add_paragraph(text)

    found = Contract.of(read("a.docx", make_docx(build, numbering=numbering)))
    assert [c.path for c in found.clauses] == ["1 Term", "2 Governing Law"]
