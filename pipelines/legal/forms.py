"""How clauses are usually written: whether a sentence says something on a subject, and what speaks against it.

The forms of the 41 categories are carried in `clause_forms.toml`. A sentence in the form of its subject that nothing
speaks against is evidence; a sentence that only shares words with it is none.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

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
