"""Whether a model's reply says that the documents do not answer.

A refusal speaks of the documents, or of what somebody can find in them: "The text does not mention it", "I cannot find
it". A correct negative speaks of the subject and is an answer: "Water is not available after 22:00". So is what a
contract does not grant or contain: "The contract does not include parking". A contract is silent only where it does not
say something, and whoever names a clause has read it. The sentence that the prompt asks for comes first; the rest, in
refusals.toml, is for models that use words of their own, in their language. A reply that may be either is an answer:
readers can judge a text that they see.
"""

from __future__ import annotations

import re

from hybrid.files import carried, joined

ABSTAIN = "NOT IN THE DOCUMENTS"
LONGEST = 600  # characters of a refusal in a model's own words

_CITES = re.compile(r"[\[\u3010\u3014\uff3b]\s*(?:\^|text|source|passage|doc\w*)?\s*\d+", re.IGNORECASE)
_FRAME = re.compile(r"[*_`#>\"'“”„«»\u2018\u2019\s]+")  # Markdown and quotation marks around a reply
_CORRECTS = re.compile(r"[.;]\s+(?:in fact|instead|rather), (?!no )", re.IGNORECASE)
_QUOTED = re.compile(r"[\"“„«][^\"“”„«»]*$")  # somebody's own words
_ALONE = re.compile(r"\W*(?:\w+ ){0,2}unilateral", re.IGNORECASE)  # one side may not determine it

_CARRIED = carried(__name__)


def _sign(name: str) -> re.Pattern[str]:
    return re.compile(joined(_CARRIED["signs"][name]), re.IGNORECASE)


_LONE, _YET, _NEAR, _FRONTED, _NO_MORE = map(_sign, ("lone", "yet", "near", "fronted", "no_more"))
_SORRY, _SAYS_WHICH, _PART = map(_sign, ("sorry", "says_which", "part"))
_REPORTED, _REASON, _CASE, _RULE = map(_sign, ("reported", "reason", "case", "rule"))


def _ways() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What says in any language that documents do not say something, and what names documents in any."""
    silent, documents = [], []
    for language in (table for name, table in _CARRIED.items() if name not in ("parts", "signs")):
        parts = {name: joined(part) for name, part in {**_CARRIED["parts"], **language.get("parts", {})}.items()}
        documents += [parts["document"]] if "document" in parts else []
        ways = [
            joined(way, **parts) if isinstance(way, str) else _near(*(joined(one, **parts) for one in way))
            for way in language["ways"]
        ]
        silent.append(f"(?:{'|'.join(ways)})")
    return re.compile("|".join(silent), re.IGNORECASE), re.compile(rf"\b(?:{'|'.join(documents)})\b", re.IGNORECASE)


def _near(one: str, other: str) -> str:
    """Both within a sentence, in either order."""
    return rf"(?:{one})[^.]{{0,60}}(?:{other})|(?:{other})[^.]{{0,60}}(?:{one})"


SILENCE, ANY_DOCUMENT = _ways()


def abstains(reply: str) -> bool:
    """Whether a model's reply says that the documents do not answer.

    It does with the agreed sentence at its beginning, or anywhere if it is short; as "N/A" or the like; or if it is
    short, cites nothing, and refuses in its first sentence without going on to tell something.
    """
    flat = " ".join(reply.split())
    plain = _FRAME.sub(" ", flat).strip().upper()
    if not plain:
        return True
    if plain.startswith(ABSTAIN) or (ABSTAIN in plain and len(flat) < 4 * len(ABSTAIN)):
        return True
    if _LONE.fullmatch(re.sub(r"\s*\[\d+\]|[*_]{2}", "", flat)):
        return True
    if len(flat) >= LONGEST or _CITES.search(flat):
        return False
    said = _SORRY.sub("", flat.lstrip("*_\"' "))
    if not said:
        return True
    first = _first_sentence(said)
    found = SILENCE.search(first)
    if found is None or _tells(first, found, flat[: flat.index(first)]):
        return False
    return not _goes_on(said[found.end() :], fronted=_FRONTED.match(first) is not None)


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.!?])\s|(?<=[。！？])", text, maxsplit=1)[0]


def _tells(sentence: str, found: re.Match[str], lead: str) -> bool:
    """Whether a sentence with words of a refusal, behind the text `lead`, still tells something of the subject."""
    before, clause = sentence[: found.start()], re.split("[,;，]", sentence[: found.end()])[-1]
    of_subject = _SAYS_WHICH.match(sentence) or _PART.search(sentence) or _QUOTED.search(lead + before)
    if of_subject and not ANY_DOCUMENT.search(_PART.sub("", sentence)):
        return True
    if (
        _REPORTED.search(before)
        or _RULE.search(clause)
        or _ALONE.match(sentence[found.end() :])
        or _CASE.search(re.split("[,;]", before)[-1].rstrip())
    ):
        return True
    return _REASON.search(before) is not None and not _NO_MORE.search(before)


def _goes_on(rest: str, *, fronted: bool) -> bool:
    """Whether the text after a refusal tells something; `fronted`: that is a reason, and the main clause follows."""
    if _CORRECTS.search(rest):
        return True
    yet = _YET.search(rest) or (re.search(r",\s+\S+\s+\S+\s+\S+|，.{4}", rest) if fronted else None)
    if yet is None:
        return False
    after = _first_sentence(rest[yet.start() :].lstrip(" ."))
    return not (SILENCE.search(after) or _NO_MORE.search(after) or _NEAR.search(after))
