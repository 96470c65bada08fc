"""Questions about agreements: answers with checked quotations, and clauses side by side."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hybrid.pipelines.legal.answer import SILENT, UNSUPPORTED
from hybrid.pipelines.legal.pipeline import Legal, settings
from hybrid.pipelines.legal.question import Question, cuad, named

from hybrid import Hybrid, Settings
from hybrid.errors import InputError
from hybrid.index.embedding import Embedder
from hybrid.reading.window import passage_piece
from tests.pipelines.legal.agreements import CORPUS, LEASE, SUPPLY
from tests.session.doubles import Model


@pytest.fixture(scope="module")
def legal(embedder: Embedder) -> Iterator[Legal]:
    with Hybrid(settings(Settings())) as hybrid:
        hybrid.embedder = embedder
        yield Legal(hybrid, CORPUS)


class TestAsk:
    def test_the_amendment_comes_first_and_the_old_clause_says_so(self, legal: Legal) -> None:
        (finding,) = [f for f in legal.ask("When does the term of the lease end?") if f.document == "lease.txt"]
        first, *others = finding.statements
        assert first.document == "lease-amendment.txt"
        assert "2027" in first.text
        old = next(s for s in others if "2025" in s.text)
        assert old.clause == "2 Term > 2.1 Initial Term"
        assert old.amended_by == ("lease-amendment.txt",)

    def test_every_quotation_stands_where_it_is_said_to(self, legal: Legal) -> None:
        questions = ["Who may terminate?", "What is the rent?", "Which law governs?", *cuad()]
        found = [s for f in legal.ask(questions) for s in f.statements]
        assert len(found) > 10
        for s in found:
            assert CORPUS[s.document][s.start : s.end] == s.quote
            assert CORPUS[s.document].count("\n", 0, s.start) + 1 == s.line

    def test_what_is_not_addressed_is_said(self, legal: Legal) -> None:
        found = list(legal.ask([q for q in cuad() if q.name in ("Insurance", "Source Code Escrow")]))
        assert [f.status for f in found] == ["not addressed"] * 4
        assert {f.text for f in found} == {SILENT}
        assert sum(f.usage.prompt_tokens for f in found) < 400  # no clause has a cue, so none was read

    def test_categories_are_answered_from_their_clauses(self, legal: Legal) -> None:
        wanted = named(cuad(), ["Governing Law", "Anti-Assignment", "Termination For Convenience", "Renewal Term"])
        found = {(f.document, f.question): f for f in legal.ask(wanted)}
        law, assign, leave, renew = (found["lease.txt", q.ask] for q in wanted)
        assert "Massachusetts" in law.text
        assert law.statements[0].clause == "6 Governing Law"
        assert "without the consent of Landlord" in assign.text
        assert "ninety days" in leave.text
        assert "once for three years" in renew.text
        assert "Germany" in found["supply.txt", wanted[0].ask].text

    def test_definitions_and_references_travel_with_what_is_read(self, legal: Legal) -> None:
        passages = [p for p in legal.store.passages_of("lease.txt") if "except to an Affiliate" in p.text]
        widen = legal.library.reading("lease.txt", Question(ask="May the lease be assigned?"))
        read_ = widen("May the lease be assigned?", legal.store, [passage_piece(passages[0], 1.0)])
        definition = next(p for p in read_ if p.heading.startswith('definition of "Affiliate"'))
        assert definition.heading == 'definition of "Affiliate" in 1 Definitions > 1.1'
        assert LEASE[definition.start : definition.end] == definition.text
        term = [p for p in legal.store.passages_of("lease.txt") if "March 31, 2025" in p.text]
        read_ = widen("How long?", legal.store, [passage_piece(term[0], 1.0)])
        text = "\n".join(p.text for p in read_)
        assert "unpaid for thirty days" in text  # Section 4, which 2.1 refers to
        changed = [p for p in read_ if p.document == "lease-amendment.txt"]
        assert changed
        assert changed[0].heading.startswith("amendment, changes what is below")

    @pytest.mark.parametrize(
        ("asked", "silent"),
        [
            ("When does the agreement with Latch Tools end?", {"lease.txt"}),
            ("Which law governs the contract between Corvid Metals and Latch Tools?", {"lease.txt"}),
            ("Which law governs the lease with harbor point?", set()),  # no name: it has no capitals
            ("Which law governs the office lease of 2020 with Harbor Point LLC?", {"supply.txt"}),
            ("Which law governs the agreement with Quill Systems and Latch Tools?", set()),
            ("Which law governs the agreement with Lessor?", set()),  # nobody is called that
        ],
    )
    def test_an_agreement_with_somebody_else_is_not_asked(self, legal: Legal, asked: str, silent: set[str]) -> None:
        assert {m.document for m in legal.library.matters if legal.library.elsewhere(m, asked)} == silent

    def test_what_is_said_of_an_agreement_with_somebody_else(self, legal: Legal) -> None:
        lease, supply = legal.ask("Which law governs the agreement with Latch Tools?")
        assert (lease.status, lease.usage.calls, lease.route) == ("not addressed", 0, "")
        assert lease.reason == "The question is on an agreement with Latch Tools, who is not named here."
        assert (supply.status, supply.usage.calls > 0) == ("addressed", True)

    def test_an_empty_question_is_a_sentence(self, legal: Legal) -> None:
        with pytest.raises(InputError, match="There is no question"):
            list(legal.ask(" "))


class TestModels:
    @pytest.mark.parametrize(
        ("reply", "status", "statements", "withheld"),
        [
            ("The tenant pays rent of $14,500 each month in advance.", "addressed", 1, 0),
            ("The tenant pays rent of $19,900 each month in advance.", "unsupported", 0, 1),
            ("The tenant pays rent of $14,500 each month in advance. Penguins breed in winter.", "addressed", 1, 1),
        ],
    )
    def test_what_nothing_supports_is_not_said(
        self, embedder: Embedder, reply: str, status: str, statements: int, withheld: int
    ) -> None:
        with Hybrid(settings(Settings()), engine=Model(reply)) as hybrid:
            hybrid.embedder = embedder
            (finding,) = Legal(hybrid, {"lease.txt": LEASE}).ask("What is the rent?", route="rag")
        assert (finding.status, len(finding.statements), finding.withheld) == (status, statements, withheld)
        if not statements:
            assert finding.text == UNSUPPORTED
        else:
            assert finding.statements[0].clause == "3 Rent"
            assert "Penguins" not in finding.text


class TestCompare:
    def test_clauses_side_by_side(self, legal: Legal) -> None:
        found = {one.document: one for one in legal.compare("governing law")}
        assert found["lease.txt"].clause == "6 Governing Law"
        assert "Germany" in found["supply.txt"].text
        assert found["lease-amendment.txt"].text == ""
        one = found["supply.txt"]
        assert SUPPLY[one.start : one.end] == one.text

    def test_found_by_its_text_where_no_title_has_the_words(self, legal: Legal) -> None:
        found = {one.document: one for one in legal.compare("parties")}
        assert "Harbor Point" in found["lease.txt"].text
        assert found["lease.txt"].by == "text"
