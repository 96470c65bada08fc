"""How sure a cell of the table of clauses is: its evidence, the confidence measured for it, and what is doubtful.

Evidence is a sentence in one of the usual forms of its subject that nothing speaks against, or, for silence, a contract
without a word of the subject. The confidence of a kind of evidence is how often its cells were right on contracts with
known answers; `clause_confidence.toml` has the counts. A cell of a kind that was wrong too often is doubtful and says
why. `clause_forms.toml` has the forms.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from hybrid.pipelines.legal.answer import Finding, Statement
from hybrid.pipelines.legal.clause import Clause
from hybrid.pipelines.legal.contract import Contract
from hybrid.pipelines.legal.library import Library
from hybrid.pipelines.legal.question import Question, cuad

from hybrid.text.sentences import sentences

_MONTH = r"(?:january|february|march|april|may|june|july|august|september|october|november|december)"
_NUMBERS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|eighteen|twenty|thirty|forty|sixty|ninety|"
    "hundred"
)
_SHORTHANDS = {
    "{date}": rf"(?:the )?(?:\d{{1,2}}(?:st|nd|rd|th)?(?: day)?(?: of)? {_MONTH},? \d{{4}}|"
    rf"{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}|\d{{1,2}}[./-]\d{{1,2}}[./-]\d{{2,4}}|\d{{4}}-\d\d-\d\d)",
    "{period}": rf"(?:\b(?:\d+|{_NUMBERS}|[a-z]+-[a-z]+)(?: [a-z]+)?(?: ?\(\d+\))?[ -](?:calendar |further |"
    r"additional |consecutive |business |working |more )?(?:day|week|month|quarter|year)s?\b)",
    "{amount}": rf"(?:(?:[$€£]|usd |eur |gbp )? ?\d[\d,.]*|\b(?:{_NUMBERS})\b)",
    "{not}": r"\b(?:not|n't|n’t|neither|nor|never|cannot)\b",
}
# patterns that make any clause doubtful, and why
_DOUBTS = (
    (r"\bintentionally (omitted|left blank)|\[?\breserved\b\]?\W*$|\bnot (used|applicable)\W*$|\bn/a\b",
     "the clause is left empty"),
    (r"\b(no longer appl|is deleted|are deleted|ceases? to apply)", "the clause is set aside"),
    (r"_{3,}|\[(?!page )[^\]\d][^\]]{0,40}\]|\[ *\]|\btbd\b|to be (agreed|determined|negotiated)",
     "something is left open"),
    (r"^\W*(see|as (set out|provided|described) in)\b|\bsee (exhibit|schedule|section|clause|annex|appendix|house)",
     "it only refers elsewhere"),
    (r"^[\d.]*\W{0,3}[\"“][^\"”]{1,60}[\"”] (means|shall mean|has the meaning|is defined)", "it is only a definition"),
    (r"\brepresents?( and warrants?)? (that|and warrants)\b|\bfull (right|power)\b", "it is an assurance about facts"),
    (r"(?<!this )\b(previous|prior|former|earlier|framework) (\w+ )?(agreement|contract|lease) (of|dated|between)|"
     r"\boffer letter\b|\bwhich was\b", "it is on another agreement"),
)  # fmt: skip
_DOUBT = tuple((re.compile(pattern), said) for pattern, said in _DOUBTS)
_LONG = 120  # words; more say several things
_VERB = re.compile(r"\b(?:is|are|be|shall|will|may|must|has|have|does|do|appl\w+|govern\w+)\b")
_SHORT = 5  # words; less is a heading or a fragment


@dataclass(frozen=True, slots=True)
class Forms:
    """The forms of one subject."""

    forms: tuple[re.Pattern[str], ...]
    against: tuple[re.Pattern[str], ...] = ()
    words: tuple[str, ...] = ()  # a text without any of these does not touch the subject
    expected: bool = False  # nearly every contract says it
    single: bool = False  # there is one value
    short: bool = False  # a few words are enough
    firm: bool = False  # telling in long contracts too

    def has(self, sentence: str) -> bool:
        """Whether a sentence, `flat`, has one of the forms."""
        return any(form.search(sentence) for form in self.forms)

    def doubt(self, sentence: str, written: str) -> str:
        """What speaks against a sentence of one of the forms, in words; empty if nothing does.

        Args:
            sentence: `flat`, after its lead-in.
            written: as it stands in the document.
        """
        for pattern, said in _DOUBT:
            if pattern.search(sentence):
                return said
        if any(pattern.search(sentence) for pattern in self.against):
            return "the clause may deny it, set a condition, or be on something else"
        if not self.short:
            if len(re.findall(r"[^\W\d]+", sentence)) < _SHORT or _is_heading(written):
                return "it is only a heading or a few words"
            if written[:1].islower() and sentence == flat(written) and " | " not in written:
                return "it is only a part of a sentence"
        if len(sentence.split()) > _LONG:
            return "it is one of several things that a long sentence says"
        return ""

    def value(self, sentence: str) -> frozenset[str]:
        """The dates of a sentence, else its periods, else the laws it names."""
        for shorthand in ("{date}", "{period}"):
            if found := re.findall(_SHORTHANDS[shorthand], sentence):
                return frozenset(date.removeprefix("the ") for date in found)
        laws = re.findall(
            r"\blaws? of (?:the )?(?:state of |province of |commonwealth of )?([a-z]+)|\b([a-z]+) law\b", sentence
        )
        return frozenset(a or b for a, b in laws) - {"conflict", "conflicts", "governing", "applicable", "choice"}

    def touched(self, text: str) -> str:
        """The first word of the subject that a text, `flat`, has; empty if it has none."""
        return next((word for word in self.words if word in text), "")


def _is_heading(written: str) -> bool:
    """Whether a text is short and its words begin with capitals, as titles do."""
    words = re.findall(r"[^\W\d_]{4,}", written)
    capitals = sum(word[0].isupper() for word in words)
    return len(words) <= 10 and capitals >= 0.8 * len(words) and not (written.isupper() or _VERB.search(written))


def flat(text: str) -> str:
    """Small letters and single spaces."""
    return " ".join(text.lower().split())


@lru_cache(maxsize=1)
def forms() -> dict[str, Forms]:
    """The forms of the 41 categories by their names."""
    stored = tomllib.loads((files("hybrid.pipelines.legal") / "clause_forms.toml").read_text("utf-8"))
    return {
        name: Forms(
            tuple(map(_pattern, entry["forms"])),
            tuple(map(_pattern, entry.get("against", ()))),
            tuple(entry.get("words", ())),
            **dict.fromkeys(entry.get("flags", ()), True),
        )
        for name, entry in stored.items()
    }


def _pattern(written: str) -> re.Pattern[str]:
    for name, pattern in _SHORTHANDS.items():
        written = written.replace(name, pattern)
    return re.compile(written)


CERTAIN = 0.95  # measured confidence from which a kind of evidence counts as certain
TOP = 600  # characters in which a contract's own title stands
_BEGINNING = 5_000
_MANY = 10_000  # characters; a longer contract says many things in similar words
_LEADS = re.compile(r"(?:[:,\u2014-]|\b(?:not|shall|will|may|must|to|by|that|if|or|and))\s*\Z")
_TITLE, _PARTIES = "Document Name", "Parties"
_BOTH = re.compile(r"\b(?:between|among)\b.{3,400}\band\b")
_PREAMBLE = 1_500  # characters in which the parties are named

FORM, LONG, DOUBTED = "usual form", "usual form in a long contract", "usual form with a doubt"
WORDS, RANKED = "words of the subject", "nearest sentence"
SILENT, TOUCHED, UNASKED = "no word of the subject", "words of the subject but no clause", "nothing near enough"
KINDS = (FORM, LONG, DOUBTED, WORDS, RANKED, SILENT, TOUCHED, UNASKED)


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence of a contract in one of a subject's forms."""

    start: int  # characters in `Document.text`
    end: int
    clause: Clause | None
    said: str  # `flat`, after its lead-in
    titled: bool  # the clause's title, or one around it, has the subject's name
    fit: float  # `Question.fits`
    doubt: str

    @property
    def rank(self) -> tuple[bool, bool, float, int]:
        """The best line has the least."""
        return bool(self.doubt), not self.titled, -self.fit, self.start


def forms_of(question: Question) -> Forms | None:
    """The forms of a category's question; None for any other question."""
    return forms().get(question.name) if question in cuad() else None


def lines(contract: Contract, question: Question) -> list[Line]:
    """The sentences of a contract in a form of the question, best first."""
    known = forms_of(question)
    if known is None:
        return []
    found = []
    for start, end, clause, said in _sentences(contract):
        if question.where == "beginning" and start > (TOP if question.name == _TITLE else _BEGINNING):
            break
        if question.name == _PARTIES and start > _PREAMBLE:
            break
        if known.has(said):
            doubt = known.doubt(said, contract.document.text[start:end])
            fit = 0.0 if question.where == "beginning" else question.fits(said)
            found.append(Line(start, end, clause, said, _titled(contract, clause, question), fit, doubt))
    return sorted(found, key=lambda line: line.rank)


def chosen(question: Question, found: Sequence[Line]) -> list[Line]:
    """The lines that are shown: the best, and for a subject with one value those that give another value."""
    known = forms_of(question)
    sure = [line for line in found if not line.doubt]
    if known is None or not sure:
        return list(found[:1])
    if question.name == _TITLE:
        return sure[:1]
    if question.name == _PARTIES:  # one sentence names them all, or each has its own
        both = [line for line in sure if _BOTH.search(line.said)]
        return both[:1] or sure[:4]
    if known.single:
        return _differing(known, sure)[:3]
    return sure[:1]


def _differing(known: Forms, sure: Sequence[Line]) -> list[Line]:
    kept = list(sure[:1])
    for line in sure[1:]:
        value = known.value(line.said)
        if all(value and not (value <= (other := known.value(k.said)) or other <= value) for k in kept):
            kept.append(line)
    return kept


def weighed(library: Library, question: Question, found: Finding) -> Finding:
    """A finding with its evidence, confidence and doubt."""
    kind, doubt = _weigh(library, question, found)
    confidence = confidences()[kind]
    doubtful = kind not in (FORM, SILENT) or confidence < CERTAIN
    return found.model_copy(
        update={"evidence": kind, "confidence": confidence, "doubtful": doubtful, "doubt": doubt if doubtful else ""}
    )


@lru_cache(maxsize=1)
def confidences() -> dict[str, float]:
    """The share of cells that were right, for each kind of evidence: (right + 1) / (n + 2)."""
    stored = tomllib.loads((files("hybrid.pipelines.legal") / "clause_confidence.toml").read_text("utf-8"))
    return {kind: round((stored[kind]["right"] + 1) / (stored[kind]["n"] + 2), 2) for kind in KINDS}


def _weigh(library: Library, question: Question, found: Finding) -> tuple[str, str]:
    known = forms_of(question)
    if not found.statements:
        return _silence(library, known, question, found)
    if known is None:
        return RANKED, "it is the sentence nearest to the question; nobody has checked it"
    if len(found.statements) > 1 and known.single:
        values = {known.value(flat(s.quote)) for s in found.statements if s.document == found.document}
        if len(values) > 1:
            return DOUBTED, "clauses give different answers"
    changed = {name for s in found.statements for name in s.amended_by}
    if changed - {s.document for s in found.statements}:
        return DOUBTED, "an amendment changes this clause"
    kinds = [_of(library, known, s) for s in found.statements]
    return min(kinds, key=lambda kind: (WORDS, DOUBTED, LONG, FORM).index(kind[0]))


def _of(library: Library, known: Forms, statement: Statement) -> tuple[str, str]:
    contract = library.contract(statement.document)
    at = contract.document.text.find(statement.quote)
    clause = contract.at(at) if at >= 0 else None
    said = flat(f"{_lead(contract, clause)} {statement.quote}")
    if not known.has(said):
        return WORDS, "it has words of the subject, but is not written as such clauses are"
    if doubt := known.doubt(said, statement.quote):
        return DOUBTED, doubt
    if not known.firm and len(contract.document.text) > _MANY:
        return LONG, "in a contract of this length another clause may say it better, or this one be on something else"
    return FORM, ""


def _silence(library: Library, known: Forms | None, question: Question, found: Finding) -> tuple[str, str]:
    if known is None:
        return UNASKED, "no sentence is near enough to the question"
    names = [found.document, *found.amendments]
    if any(library.notes(name) for name in names):
        return TOUCHED, "some pages could not be read"
    if known.expected:
        return TOUCHED, "nearly every contract says it, but no such clause was recognised"
    for name in names:
        contract = library.contract(name)
        text = flat(contract.document.text)
        word = known.touched(text) or next((cue for cue in question.cues if cue in text), "")
        if word:
            return TOUCHED, f"no such clause was recognised, but {_where(contract, word)}"
    return SILENT, ""


def _where(contract: Contract, word: str) -> str:
    """Where the first word on a subject stands, in words."""
    text = contract.document.text
    match = re.search(r"\s+".join(map(re.escape, word.split())), text, re.IGNORECASE)
    clause = contract.at(match.start()) if match else None
    whole = re.compile(r"[\w-]*").match(text, match.end()) if match else None
    shown = " ".join(text[match.start() : whole.end()].split()) if match and whole else word
    place = f" in {clause.path}" if clause is not None and clause.path else ""
    return f"\u201c{shown}\u201d stands{place or ' there'}"


def _titled(contract: Contract, clause: Clause | None, question: Question) -> bool:
    """Whether the title of a clause, or of one around it, has a word of the subject's name."""
    if clause is None:
        return False
    titles = [clause.title, *(above.title for above in contract.above(clause))]
    return any(question.stems & Question.words(title) for title in titles if title)


def _sentences(contract: Contract) -> Iterator[tuple[int, int, Clause | None, str]]:
    """The sentences of a contract with their clause and, `flat`, their words after the lead-in."""
    for clause in contract.clauses:
        own = contract.own(clause)
        for start, end in sentences(own):
            at = clause.start + start
            yield at, clause.start + end, clause, flat(f"{_lead(contract, clause)} {own[start:end]}")


def _lead(contract: Contract, clause: Clause | None) -> str:
    """The lead-in of an item of a list: "The Employee shall not" before "(a) ..."."""
    if clause is None or not clause.label.endswith(")"):
        return ""
    above = next(iter(contract.above(clause)), None)
    own = contract.own(above) if above is not None else ""
    if not _LEADS.search(own):
        return ""
    start, end = sentences(own)[-1]
    return own[start:end]
