"""Questions that are asked of every contract, and the table of what the contracts say.

The 41 categories of CUAD are carried in `cuad.toml`; a file of your own has the same form, or one question a line.
"""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hybrid.errors import InputError
from hybrid.text.words import STOP, stems

if TYPE_CHECKING:
    from hybrid.pipelines.legal.answer import Finding, Statement

    from hybrid.document import Document

Format = Literal["csv", "markdown", "html", "json"]


class Question(BaseModel):
    """A question with what tells a clause on its subject."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ask: str = Field(min_length=1)
    name: str = ""  # of the column; the question itself where empty
    cues: tuple[str, ...] = ()  # one of these is in every clause on the subject
    all: tuple[str, ...] = ()  # and one of these too
    where: Literal["anywhere", "beginning"] = "anywhere"

    @property
    def title(self) -> str:
        """What it is called in a table."""
        return self.name or self.ask

    @cached_property
    def stems(self) -> frozenset[str]:
        """The words of its name, for titles of clauses."""
        return frozenset(stems(self.name, STOP))

    @staticmethod
    def words(title: str) -> frozenset[str]:
        """The words of a clause's title."""
        return frozenset(stems(title, STOP))

    def fits(self, text: str) -> float:
        """How many of the cues are in a text, long ones counting more; 0 where it is not on the subject."""
        flat = " ".join(text.lower().split())
        found = [cue for cue in self.cues if cue in flat]
        beside = [word for word in self.all if word in flat]
        if not found or (self.all and not beside):
            return 0.0
        return sum(0.5 + 0.5 * len(cue.split()) for cue in found) + 0.5 * len(beside)


@lru_cache(maxsize=1)
def cuad() -> tuple[Question, ...]:
    """The 41 categories of CUAD as questions."""
    stored = tomllib.loads((files("hybrid.pipelines.legal") / "cuad.toml").read_text("utf-8"))
    return tuple(Question.model_validate(entry) for entry in stored["question"])


def recognised(asked: str) -> Question:
    """The category that a question names: in quotation marks, or as it is where its name has two words or more."""
    text = " ".join(asked.lower().split())
    quoted = re.findall(r"[\"“'‘]([^\"”'’]+)[\"”'’]", text)
    named = {question.name.lower(): question for question in cuad()}
    written = [name for name in named if " " in name and re.search(rf"\b{re.escape(name)}\b", text)]
    # quotation marks say which is meant: a question on a "Perpetual License" may speak of a license grant too
    for name in (*quoted, *sorted(written, key=len, reverse=True)):
        if name in named:
            return named[name]
    return Question(ask=asked)


def questions_in(file: str | Path, text: str | None = None) -> tuple[Question, ...]:
    """The questions in a file: tables [[question]] in TOML, or one a line.

    Args:
        text: what the file holds, where that is known.

    Raises:
        InputError: a file that cannot be read, has no question, or a table with a wrong key.
    """
    try:
        text = Path(file).read_text(encoding="utf-8-sig") if text is None else text
        if Path(file).suffix.lower() == ".toml":
            found = [Question.model_validate(entry) for entry in tomllib.loads(text).get("question", [])]
        else:
            lines = (line.strip() for line in text.splitlines())
            found = [Question(ask=line) for line in lines if line and not line.startswith("#")]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InputError(f"Cannot read the questions in {file}: {reason}.") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"The questions in {file} are not valid TOML: {error}.") from None
    except (ValidationError, TypeError, AttributeError) as error:
        raise InputError(
            f"The questions in {file} have to be tables [[question]] with the key ask, and name, cues, all or where "
            f"beside it: {_fault(error)}."
        ) from None
    if not found:
        raise InputError(f"There is no question in {file}: write one a line, or tables [[question]] in TOML.")
    return tuple(found)


def _fault(error: Exception) -> str:
    if isinstance(error, ValidationError):
        fault = error.errors()[0]
        return f"{'.'.join(map(str, fault['loc']))}: {fault['msg'].lower()}"
    return str(error)


@dataclass(frozen=True, slots=True)
class Table:
    """What contracts say on a list of questions: one finding for each contract and question, contract by contract."""

    questions: tuple[Question, ...]
    findings: tuple[Finding, ...]
    sources: Mapping[str, Document] = field(default_factory=dict)  # the documents, for their text and their paths
    unread: Sequence[str] = ()  # what is in none of the findings, because it could not be read

    def text(self, form: Format) -> str:
        """The table in one of the forms."""
        return FORMATS[form](self)

    def documents(self) -> dict[str, list[Finding]]:
        """The findings by contract, in the order of the questions."""
        found: dict[str, list[Finding]] = {}
        for finding in self.findings:
            found.setdefault(finding.document, []).append(finding)
        return found

    def title(self, finding: Finding) -> str:
        """The name of a finding's question."""
        return next((q.title for q in self.questions if q.ask == finding.question), finding.question)


_COLUMNS = (
    "document", "question", "status", "text", "clause", "page", "line", "source", "start", "end", "amended by",
    "confidence", "doubtful", "doubt",
)  # fmt: skip


def _csv(table: Table) -> str:
    """One row for each statement, and one for each question without any."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for finding in table.findings:
        row: list[Any] = [finding.document, table.title(finding), finding.status]
        sure = [finding.confidence, "?" if finding.doubtful else "", finding.doubt]
        for s in finding.statements:
            place = [s.clause, s.page, s.line, s.document, s.start, s.end, "; ".join(s.amended_by)]
            writer.writerow([_harmless(cell) for cell in [*row, s.text, *place, *sure]])
        if not finding.statements:
            empty = [""] * (len(_COLUMNS) - len(row) - len(sure))
            writer.writerow([_harmless(cell) for cell in [*row, *empty, *sure]])
    return out.getvalue()


def _harmless(cell: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if isinstance(cell, str) and re.match(r"[=+\-@\t\r]", cell) else cell


def _markdown(table: Table) -> str:
    """A table for each contract: a row for each question."""
    lines: list[str] = []
    for name, findings in table.documents().items():
        lines += [f"## {_flat(name)}", ""]
        if findings[0].amendments:
            lines += [f"Amended by {', '.join(map(_flat, findings[0].amendments))}.", ""]
        if findings[0].amends:
            lines += [f"Amends {_flat(findings[0].amends)}, which is not among the documents.", ""]
        shown = [finding for finding in findings if finding.statements or finding.doubtful or finding.withheld]
        if shown:
            lines += ["| question | answer | clause | sure |", "|---|---|---|---|"]
        for finding in sorted(shown, key=lambda finding: not finding.statements):  # silence last
            said = "<br>".join(_flat(s.text) for s in finding.statements) or f"*{finding.told}*"
            places = "<br>".join(_flat(_place(finding, s)) for s in finding.statements)
            lines.append(f"| {_flat(table.title(finding))} | {said} | {places} | {_sure(finding)} |")
        if silent := [_flat(table.title(finding)) for finding in findings if finding not in shown]:
            lines += ["", f"Not addressed, with no word of it in the text: {', '.join(silent)}."]
        lines.append("")
    if table.unread:
        lines += ["## Not read", "", *(f"- {_flat(one)}" for one in table.unread), ""]
    return "\n".join(lines)


def _sure(finding: Finding) -> str:
    """The measured confidence of a cell; a doubtful one begins with a question mark and says why."""
    share = "" if finding.confidence is None else f"{finding.confidence:.0%}".replace("%", " %")
    return f"? {share}, doubtful: {_flat(finding.doubt)}" if finding.doubtful else share


def _place(finding: Finding, statement: Statement) -> str:
    """Clause and page, with the document where that is an amendment."""
    own = statement.document == finding.document
    return statement.place if own else f"{statement.document}: {statement.place}"


def _flat(text: str) -> str:
    return re.sub(r"([|\\`*_<>\[\]])", r"\\\1", " ".join(text.split()))


def _html(table: Table) -> str:
    from hybrid.pipelines.legal.page import page

    return page(table)


def _json(table: Table) -> str:
    rows = [{"name": table.title(finding), **finding.model_dump()} for finding in table.findings]
    return json.dumps(rows, ensure_ascii=False, indent=2) + "\n"


FORMATS: Mapping[Format, Callable[[Table], str]] = {"csv": _csv, "markdown": _markdown, "html": _html, "json": _json}


def named(questions: Sequence[Question], wanted: Sequence[str]) -> tuple[Question, ...]:
    """The questions of those names, in the order of the list.

    Raises:
        InputError: a name that none of them has.
    """
    known = {q.title.lower(): q for q in questions}
    missing = [name for name in wanted if name.lower() not in known]
    if missing:
        raise InputError(f"There is no question {missing[0]!r}; choose from: {', '.join(q.title for q in questions)}.")
    return tuple(known[name.lower()] for name in dict.fromkeys(name for name in wanted))
