"""Documents to passages: cut at headings, definitions, sentences, never longer than the embedder reads.

semantic-text-splitter cuts prose and Markdown by structure and code by its syntax tree. This file sizes the cuts in the
embedder's tokens, and gives every passage its place in the original and the titles above it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from hybrid.corpus.readers.code.definitions import one_line
from hybrid.document import Document, Heading, Location
from hybrid.index.embedding import Embedder
from hybrid.settings import PassageSettings
from hybrid.types import Passage

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Range = tuple[int, int, int]  # start, end, tokens

_BLOCK = 100_000  # characters given to the splitter at once: it slows down on one very long text
_LARGEST_SYNTAX = 2_000_000  # characters; larger sources are split as text
_LONGEST_TOKEN = 8  # characters per token on average; a text with more has words the tokenizer does not know
_HEADING_TOKENS = 40  # room for the titles in front of a passage
_CONTEXT_CHARS = 100  # of titles and file name in front of a passage
_CODE_TOKENS = 200  # longest passage of code: in longer ones, several small definitions would share a vector


@dataclass(frozen=True, slots=True)
class Cut:
    """A passage before it has an id."""

    start: int
    end: int
    text: str
    heading: str
    location: Location
    tokens: int

    def passage(self, number: int, document: str, ordinal: int) -> Passage:
        """The passage under an id, in its place among those of a document."""
        place = (self.start, self.end, self.location, self.heading)
        return Passage(number, document, ordinal, self.text, *place, self.tokens)

    def context(self, document: str = "") -> str:
        """The titles above and the text, as the embedder reads them; with the document's name, as words are indexed.

        The name is not embedded: it says little about one passage, and so a renamed file keeps its vectors.
        """
        titles = " > ".join(title for title in (document, self.heading) if title)
        return f"{titles[-_CONTEXT_CHARS:]}\n{self.text}" if titles else self.text


class Chunker:
    """Splits documents into passages of at most `settings.tokens` of the embedder's tokens.

    The titles above a passage are embedded with it; together they stay within what the embedder reads.
    """

    def __init__(self, embedder: Embedder, settings: PassageSettings | None = None) -> None:
        self.embedder = embedder
        self.settings = settings or PassageSettings()

    @cached_property
    def capacity(self) -> int:
        """Tokens of text in a passage."""
        return max(16, min(self.settings.tokens, self.embedder.max_tokens - _HEADING_TOKENS))

    def split(self, document: Document) -> list[Cut]:
        """The passages of a document, in order; together they hold all its text except white space."""
        starts = {heading.start for heading in document.headings}
        code = document.kind == "code"
        capacity = min(self.capacity, _CODE_TOKENS) if code else self.capacity
        sized = self._sized(document, capacity)
        return self._cuts(document, self._joined(sized, starts, set(document.pages), capacity, code=code))

    def _cuts(self, document: Document, ranges: Sequence[Range]) -> list[Cut]:
        outline = Outline(document.headings)
        return [
            Cut(start, end, document.text[start:end], outline.path(start, end), document.locate(start, end), tokens)
            for start, end, tokens in ranges
        ]

    def _sized(self, document: Document, capacity: int) -> list[Range]:
        """Ranges with their tokens, none above `capacity`.

        The text is cut by characters first, at this document's own characters per token, and what is too long then is
        cut by tokens: asking the tokenizer about every place the splitter considers would take twenty times as long.
        """
        blocks = [(start, document.text[start:end]) for start, end in _blocks(document)]
        if not blocks:
            return []
        per_token = sum(len(text) for _, text in blocks) / max(1, sum(self.embedder.count([t for _, t in blocks])))
        characters = max(16, round(capacity * min(per_token, _LONGEST_TOKEN) * 0.9))
        splitter = self._splitter(document, characters)
        cuts = [
            (offset + start, text)
            for (offset, _), found in zip(blocks, splitter.chunk_all_indices([t for _, t in blocks]), strict=True)
            for start, text in found
        ]
        if document.kind in ("code", "notebook"):
            cuts = _at_definitions(cuts, document)
        sized: list[Range] = []
        exact = _text_splitter("text", capacity, self.embedder.tokenizer)
        for (start, text), tokens in zip(cuts, self.embedder.count([text for _, text in cuts]), strict=True):
            if tokens <= capacity:
                sized.append((start, start + len(text), tokens))
                continue
            parts = exact.chunk_indices(text)
            for (at, part), count in zip(parts, self.embedder.count([p for _, p in parts]), strict=True):
                sized.append((start + at, start + at + len(part), count))
        return sized

    def _joined(
        self, ranges: list[Range], headings: set[int], pages: set[int], capacity: int, *, code: bool
    ) -> list[Range]:
        """The ranges, joined to their neighbours while they fit: a closing bracket alone answers nothing.

        No range is joined across the beginning of a page, and only a tiny one across the beginning of a section. In
        code only small ranges are joined, so that a passage begins where a definition does.
        """
        joined: list[Range] = []
        for start, end, tokens in ranges:
            if joined:
                before, last, count = joined[-1]
                gap = range(last, start + 1)
                apart = not pages.isdisjoint(gap) or (count * 8 > capacity and not headings.isdisjoint(gap))
                fits = tokens + count <= capacity and end - before <= capacity * _LONGEST_TOKEN
                worth = not code or min(tokens, count) * 4 < capacity
                if worth and fits and not apart:
                    joined[-1] = (before, end, tokens + count)
                    continue
            joined.append((start, end, tokens))
        return joined

    def _splitter(self, document: Document, characters: int) -> Any:
        parsed = len(document.text) <= _LARGEST_SYNTAX and not one_line(document.text)
        if document.kind == "code" and document.language and parsed:
            splitter = _code_splitter(document.language, characters)
            if splitter is not None:
                return splitter
        markdown = document.kind in ("markdown", "notebook")
        return _text_splitter("markdown" if markdown else "text", characters, None)


class Outline:
    """The headings of a document as a tree, which tells the titles above a place."""

    def __init__(self, headings: Sequence[Heading]) -> None:
        self._starts = [heading.start for heading in headings]
        self._paths: list[str] = []
        stack: list[Heading] = []
        for heading in headings:
            while stack and stack[-1].level >= heading.level:
                stack.pop()
            stack.append(heading)
            self._paths.append(" > ".join(h.title for h in stack))

    def path(self, start: int, end: int) -> str:
        """Titles above the range, outermost first; a heading that begins early in the range counts as above it."""
        reach = start + (end - start) // 4
        i = bisect_right(self._starts, reach) - 1
        return self._paths[i] if i >= 0 else ""


def _at_definitions(cuts: Sequence[tuple[int, str]], document: Document) -> list[tuple[int, str]]:
    """The cuts, cut again wherever a definition begins, so that no cut ends inside the definition before it.

    Small ones are joined again later. A comment above a definition stays with it, as no heading stands between them.
    """
    starts = [heading.start for heading in document.headings]
    found: list[tuple[int, str]] = []
    for start, text in cuts:
        end = start + len(text)
        inner = starts[bisect_right(starts, start) : bisect_left(starts, end)]
        for at, to in pairwise([start, *dict.fromkeys(inner), end]):
            part = document.text[at:to].rstrip()
            if part:
                found.append((at, part))
    return found


def _blocks(document: Document) -> Iterator[tuple[int, int]]:
    """Stretches of the text to split one by one: pages, so that a passage has one page, or the whole.

    A stretch of more than 100 000 characters is cut at the last blank line, else line, else blank before that.
    """
    if document.kind == "code" and len(document.text) <= _LARGEST_SYNTAX:
        yield 0, len(document.text)
        return
    bounds = [*document.pages, len(document.text)] if document.pages else [0, len(document.text)]
    for begin, end in pairwise(bounds):
        at = begin
        while end - at > _BLOCK:
            found = (document.text.rfind(mark, at + _BLOCK // 2, at + _BLOCK) for mark in ("\n\n", "\n", " "))
            cut = next((place + 1 for place in found if place > 0), at + _BLOCK)
            yield at, cut
            at = cut
        if at < end:
            yield at, end


@lru_cache(maxsize=64)
def _text_splitter(kind: str, capacity: int, tokenizer: Tokenizer | None) -> Any:
    """A splitter into `capacity` tokens, or characters where there is no tokenizer."""
    from semantic_text_splitter import MarkdownSplitter, TextSplitter

    splitter = MarkdownSplitter if kind == "markdown" else TextSplitter
    return splitter(capacity) if tokenizer is None else splitter.from_huggingface_tokenizer(tokenizer, capacity)


@lru_cache(maxsize=256)
def _code_splitter(language: str, characters: int) -> Any | None:
    """A splitter along the language's syntax; None where there is no grammar that can be used."""
    from semantic_text_splitter import CodeSplitter

    try:
        from tree_sitter_language_pack import get_binding

        return CodeSplitter(get_binding(language), characters)  # type: ignore[arg-type]
    except (LookupError, ValueError, TypeError, AttributeError, ImportError):
        return None
