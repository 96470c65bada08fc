"""Amendments find the agreement that they change."""

from __future__ import annotations

import pytest
from hybrid.pipelines.legal.library import amendment_of, matters

from tests.pipelines.legal.agreements import AMENDMENT, CORPUS, LEASE, contract


class TestAmendments:
    def test_the_agreement_that_is_amended_is_found(self) -> None:
        contracts = {name: contract(text, name) for name, text in CORPUS.items()}
        found = {m.document: m for m in matters(contracts)}
        assert set(found) == {"lease.txt", "supply.txt"}
        (amendment,) = found["lease.txt"].amendments
        assert amendment.document == "lease-amendment.txt"
        assert (amendment.number, amendment.named) == (1, "Office Lease Agreement dated March 1, 2020")
        assert amendment.touches("2.1")
        assert amendment.touches("2.1(a)")
        assert not amendment.touches("2.10")

    def test_an_amendment_without_its_agreement_says_what_it_amends(self) -> None:
        contracts = {name: contract(CORPUS[name], name) for name in ("lease-amendment.txt", "supply.txt")}
        found = {m.document: m for m in matters(contracts)}
        assert found["lease-amendment.txt"].amends.startswith("Office Lease Agreement")
        assert found["supply.txt"].amendments == ()

    def test_another_date_and_other_parties_are_another_agreement(self) -> None:
        other = (
            LEASE.replace("March 1, 2020", "June 7, 2011").replace("Harbor Point", "Fen Row").replace("Quill", "Oak")
        )
        names = {"a.txt": contract(other, "a.txt"), "b.txt": contract(AMENDMENT, "b.txt")}
        assert [m.document for m in matters(names)] == ["a.txt", "b.txt"]

    @pytest.mark.parametrize(
        "opening",
        [
            "This First Amendment, dated as of May 5, 2022, is between Harbor Point LLC and Quill Studio, Inc.",
            "FIRST AMENDMENT to Office Lease Agreement is made on May 5, 2022 by Harbor Point LLC and Quill Studio.",
        ],
    )
    def test_the_date_of_an_amendment_is_not_that_of_its_agreement(self, opening: str) -> None:
        text = f"FIRST AMENDMENT TO OFFICE LEASE AGREEMENT\n\n{opening}\n\n1. Section 2.1 is deleted.\n"
        names = {"a.txt": contract(LEASE, "a.txt"), "b.txt": contract(text, "b.txt")}
        (matter,) = matters(names)
        assert matter.documents == ["a.txt", "b.txt"]

    def test_amended_and_restated_is_an_agreement(self) -> None:
        text = LEASE.replace("OFFICE LEASE", "AMENDED AND RESTATED OFFICE LEASE")
        assert amendment_of(contract(text)) is None
