"""The table of what contracts say on a list of questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hybrid.pipelines.legal.answer import Finding
from hybrid.pipelines.legal.question import Question

from hybrid.document import Document


@dataclass(frozen=True, slots=True)
class Table:
    """What contracts say on a list of questions: one finding for each contract and question, contract by contract."""

    questions: tuple[Question, ...]
    findings: tuple[Finding, ...]
    sources: Mapping[str, Document] = field(default_factory=dict)  # the documents, for their text and their paths
    unread: Sequence[str] = ()  # what could not be read and is in none of the findings

    def documents(self) -> dict[str, list[Finding]]:
        """The findings by contract, in the order of the questions."""
        found: dict[str, list[Finding]] = {}
        for finding in self.findings:
            found.setdefault(finding.document, []).append(finding)
        return found

    def title(self, finding: Finding) -> str:
        """The name of a finding's question."""
        return next((q.title for q in self.questions if q.ask == finding.question), finding.question)
