"""What fits before a model, with the engine that needs none and counts exactly."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hybrid.chat.prompts import Prompt
from hybrid.engines.extractive import Extractive
from hybrid.errors import WindowError
from hybrid.index.embedding import Embedder
from hybrid.reading.window import fit, parts, room, sizes
from hybrid.settings import EngineSettings
from hybrid.types import Piece

QUESTION = "When does the lease end?"
real = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
texts = st.lists(
    st.sampled_from(["lease", "the end.\n", "1,000.50", "東京", "\n\n", "naïve 🙂", "x" * 40, "<|im_end|>", " "]),
    max_size=60,
).map(" ".join)
pieces = st.lists(
    st.builds(Piece, st.sampled_from(["a.txt", "a/longer/name of a file.md"]), texts, st.just(0), st.just("One > Two")),
    max_size=12,
)


def engine(embedder: Embedder, window: int) -> Extractive:
    return Extractive(embedder, EngineSettings(window=window))


@real
@given(pieces, st.integers(64, 600), st.integers(1, 40))
def test_what_is_kept_fits_and_nothing_is_lost(
    embedder: Embedder, ranked: list[Piece], window: int, max_tokens: int
) -> None:
    model = engine(embedder, window)
    found = fit(model, QUESTION, ranked, max_tokens)
    prompt = Prompt(QUESTION, found.kept)
    assert found.tokens == model.measure(prompt)
    assert found.tokens + max_tokens <= window
    at = {id(piece): i for i, piece in enumerate(ranked)}
    kept, out = ([at[id(piece)] for piece in group] for group in (found.kept, found.left_out))
    assert sorted([*kept, *out]) == list(range(len(ranked)))
    assert kept == sorted(kept)


@real
@given(texts, st.integers(64, 300), st.sampled_from(["a.txt", "a/longer/name of a file.md"]))
def test_parts_are_the_piece_and_each_fits(embedder: Embedder, text: str, window: int, name: str) -> None:
    model = engine(embedder, window)
    piece = Piece(name, text, 100, "Title")
    found = parts(model, QUESTION, piece, 16)
    assert "".join(part.text for part in found) == text
    at = 100
    for part in found:
        assert (part.document, part.heading, part.start) == (name, "Title", at)
        at = part.end
        assert model.measure(Prompt(QUESTION, (part,))) + 16 <= window


def test_all_is_kept_where_there_is_room(embedder: Embedder) -> None:
    ranked = [Piece("a.txt", "It ends in May.", 0), Piece("b.txt", "It began in June.", 0)]
    found = fit(engine(embedder, 1000), QUESTION, ranked, 100)
    assert (list(found.kept), found.left_out) == (ranked, ())


def test_a_piece_that_is_too_long_is_skipped_and_later_ones_tried(embedder: Embedder) -> None:
    ranked = [Piece("a.txt", "one", 0), Piece("b.txt", "lease " * 500, 0), Piece("c.txt", "three", 0)]
    found = fit(engine(embedder, 200), QUESTION, ranked, 50)
    assert [piece.text for piece in found.kept] == ["one", "three"]
    assert [piece.document for piece in found.left_out] == ["b.txt"]


def test_the_window_is_used_well(embedder: Embedder) -> None:
    ranked = [Piece("a.txt", "The lease ends in May of the next year. " * 5, i) for i in range(30)]
    found = fit(engine(embedder, 1000), QUESTION, ranked, 100)
    assert found.tokens > 650  # the rest is room for tags that this engine does not send
    assert len(found.left_out) > 5


def test_room(embedder: Embedder) -> None:
    model = engine(embedder, 500)
    frame = model.measure(Prompt(QUESTION, ()))
    assert room(model, QUESTION, 100) == 400 - frame

    model.counts_exactly = False
    assert room(model, QUESTION, 100) == 350 - frame
    found = fit(model, QUESTION, [Piece("a.txt", "lease " * 100, i) for i in range(5)], 100)
    assert len(found.kept) == 2  # three would fit if the counts were exact


def test_sizes_count_the_tags(embedder: Embedder) -> None:
    model = engine(embedder, 500)
    short, long = sizes(model, [Piece("a.txt", "lease", 0), Piece("a.txt", "lease " * 11, 0)])
    assert long - short == 10
    assert short > model.count(["lease"])[0] + 5
    assert sizes(model, []) == []


def test_parts_of_what_fits_is_the_piece_itself(embedder: Embedder) -> None:
    piece = Piece("a.txt", "It ends in May.", 0, passage=3)
    assert parts(engine(embedder, 1000), QUESTION, piece, 100) == [piece]


def test_parts_are_cut_at_blank_lines_where_there_are_some(embedder: Embedder) -> None:
    paragraph = "The lease ends in May of the next year.\n\n"
    found = parts(engine(embedder, 200), QUESTION, Piece("a.txt", paragraph * 40, 0), 50)
    assert len(found) > 3
    assert all(part.text.endswith("\n\n") for part in found)
    words = parts(engine(embedder, 200), QUESTION, Piece("a.txt", "lease " * 400, 0), 50)
    assert all(part.text.endswith(" ") for part in words)


def test_parts_that_are_denser_than_the_average(embedder: Embedder) -> None:
    model, text = engine(embedder, 200), "internationalization " * 200 + "1;2;" * 200 + "東京都" * 50
    found = parts(model, QUESTION, Piece("a.txt", text, 0), 50)
    assert "".join(part.text for part in found) == text
    assert max(model.measure(Prompt(QUESTION, (part,))) for part in found) <= 150


def test_a_question_that_fills_the_window(embedder: Embedder) -> None:
    model = engine(embedder, 100)
    question = "lease " * 60
    with pytest.raises(WindowError) as refused:
        room(model, question, 50)
    assert str(refused.value) == (
        f"The question takes {model.measure(Prompt(question, ()))} tokens and 50 are kept for the answer, but "
        f"{model.name} reads only 100. Shorten the question, lower engine.max_tokens, or use an engine with a larger "
        "window."
    )
    with pytest.raises(WindowError):
        fit(model, question, [], 50)


def test_no_room_for_any_part_is_said(embedder: Embedder) -> None:
    piece = Piece("contracts/lease of the flat.txt", "lease " * 100, 0, heading="Terms > Notice > Exceptions")
    with pytest.raises(WindowError, match=r"has room for \d+ tokens, too few for any part of 'contracts/lease of"):
        parts(engine(embedder, 64), QUESTION, piece, 45)
