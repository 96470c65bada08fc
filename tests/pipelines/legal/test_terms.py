"""Definitions and references of a contract."""

from __future__ import annotations

from hybrid.pipelines.legal.terms import Terms

from tests.pipelines.legal.agreements import LEASE, contract


class TestTerms:
    def test_definitions_of_all_forms(self) -> None:
        text = (
            'This Agreement is made by Acme Inc. (the "Company") and Bolt AG.\n\n1. Definitions\n\n"Affiliate" means a '
            'company under common control.\n\n"Fee" has the meaning set forth in Section 2.1.\n\nNET SALES shall mean '
            'what is invoiced.\n\n2. Fees\n\n2.1 The Company pays 5 % of Net Sales (the "Fee") each year.\n'
        )
        found = Terms.of(contract(text)).definitions
        assert {"Company", "Affiliate", "Fee", "NET SALES"} <= set(found)
        assert "5 %" in text[found["Fee"].start : found["Fee"].end]  # followed to where it is defined

    def test_terms_in_use_and_those_that_explain_themselves(self) -> None:
        terms = Terms.of(contract(LEASE))
        assert [d.term for d in terms.used("except to an Affiliate.")] == ["Affiliate"]
        assert [d.term for d in terms.used("two Affiliates")] == ["Affiliate"]
        assert "Premises" in [d.term for d in terms.used("nothing", "Where are the premises?")]

    def test_references_are_resolved_in_the_same_document(self) -> None:
        terms = Terms.of(contract(LEASE))
        start = LEASE.index("2.1 Initial Term")
        assert [c.name for c in terms.references(start, start + 200)] == ["4 Termination"]

    def test_sections_of_a_statute_are_not_those_of_the_contract(self) -> None:
        text = "1. A\n\nUnder Section 2 of the Bankruptcy Code and Sections 2 and 3(b).\n\n2. B\n\nx\n\n3. C\n\ny\n"
        start = text.index("Under")
        assert [c.label for c in Terms.of(contract(text)).references(start, start + 40)] == []
        assert [c.label for c in Terms.of(contract(text)).references(start, start + 80)] == ["2", "3"]
