"""`hybrid calibrate window` on doubles whose reach is known, and what becomes of a profile."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hybrid.evals.window import Gauge, measure

from hybrid.chat.prompts import Prompt
from hybrid.chat.refusals import ABSTAIN
from hybrid.cli.main import cli, guarded
from hybrid.engines.base import Completion, OnText
from hybrid.errors import InputError, SettingsError
from hybrid.model.profile import FILE, Profile, Scored, load_profile, profile_for, save_profile
from hybrid.session.hybrid import Hybrid
from hybrid.settings import RoutingSettings, Settings
from hybrid.types import Usage
from tests.session.doubles import ByLetters


class Reader(ByLetters):
    """Finds what it is asked for, but nothing in prompts longer than its reach, nor in its blind depths."""

    name, window, concurrency = "reader at nowhere", 16_384, 4

    def __init__(self, reach: int, blind: tuple[float, float] = (2.0, 2.0)) -> None:
        self.reach, self.blind, self.asked = reach, blind, 0

    def ask(self, prompt: Prompt, *, max_tokens: int, on_text: OnText | None = None) -> Completion:
        self.asked += 1
        text = " ".join(piece.text for piece in prompt.pieces)
        key = re.search(r"number for (.+?)\?", prompt.question)
        assert key is not None
        found = re.search(rf"number for {re.escape(key[1])} is: (\d+)", text)
        if found is None:
            return Completion(ABSTAIN, Usage(calls=1), abstained=True)
        depth = found.start() / len(text)
        seen = self.measure(prompt) <= self.reach and not self.blind[0] <= depth <= self.blind[1]
        return Completion(found[1] if seen else ABSTAIN, Usage(calls=1), abstained=not seen)


def gauge(reader: Reader, budget: int = 200) -> Gauge:
    return Gauge(reader, "testbed/keys", 0, budget, {"unanswerable": 0.0})


def test_the_reach_is_found() -> None:
    reader = Reader(reach=1_500)
    found = measure(gauge(reader), 4_096)
    assert 1_500 / 1.35 < found.effective <= 1_550
    assert reader.asked == 200
    assert all(scored.score == 1 for scored in found.lengths if scored.at <= found.effective)
    assert {p.score for p in found.positions} == {1.0}
    assert found.dead_zone == ()
    assert sum(scored.n for scored in found.lengths) + sum(p.n for p in found.positions) >= 200


def test_a_blind_middle_is_found_and_looked_at_closer() -> None:
    found = measure(gauge(Reader(reach=10**9, blind=(0.4, 0.6))), 4_096, threshold=0.5)
    assert found.effective == 4_096
    assert len(found.positions) > 5  # depths were added where the score changes
    assert found.dead_zone
    assert all(0.35 < a <= b < 0.65 for a, b in found.dead_zone)
    curve = found.curve
    assert (curve[0], curve[4], curve[-1]) == (1.0, 0.0, 1.0)


def test_what_cannot_be_measured() -> None:
    with pytest.raises(InputError, match="Nothing is right even in 512 tokens"):
        measure(gauge(Reader(reach=0)), 16_384)
    with pytest.raises(InputError, match="too short to be measured"):
        measure(gauge(Reader(reach=0)), 700)
    with pytest.raises(InputError, match="50 samples are too few: give --samples 120 or more"):
        measure(gauge(Reader(reach=0), 50), 16_384)


@pytest.fixture
def profile() -> Profile:
    place = Scored(at=0.0, score=0.9, low=0.8, high=1.0, n=20)
    positions = (
        place,
        place.model_copy(update={"at": 0.25, "score": 0.4, "low": 0.2, "high": 0.6}),
        place.model_copy(update={"at": 0.5, "score": 0.3, "low": 0.1, "high": 0.5}),
        place.model_copy(update={"at": 0.75, "score": 0.7, "low": 0.5, "high": 0.9}),
        place.model_copy(update={"at": 1.0, "score": 1.0, "low": 0.9, "high": 1.0}),
    )
    return Profile(
        engine="m at localhost:8000",
        window=4096,
        task="testbed/keys",
        threshold=0.9,
        effective=2048,
        lengths=(place.model_copy(update={"at": 2048.0}),),
        positions=positions,
        length=2048,
        date="2026-01-31",
    )


def test_curve_and_dead_zone(profile: Profile) -> None:
    assert profile.dead_zone == ((0.25, 0.5),)
    assert profile.curve == pytest.approx((0.9, 0.65, 0.4, 0.35, 0.3, 0.5, 0.7, 0.85, 1.0))


def test_what_is_kept_of_the_best_score_follows_length_and_depth(profile: Profile) -> None:
    short = profile.lengths[0].model_copy(update={"at": 512.0, "score": 1.0, "low": 0.95, "high": 1.0})
    # 2 048 tokens are read at .66 over all depths, which is what the depths were measured at: mean of the curve
    whole = short.model_copy(update={"at": 2048.0, "score": 0.661, "low": 0.55, "high": 0.75})
    known = profile.model_copy(update={"lengths": (short, whole)})
    mean = sum(known.curve) / len(known.curve)
    assert known.kept(512) == known.kept(100) == 1.0
    assert known.kept(2048) == known.kept(10**6) == pytest.approx(0.661)
    assert known.kept(1024) == pytest.approx((1 + 0.661) / 2)  # half way by the logarithm
    blind = 1 - (1 - 0.661) * (1 - 0.3) / (1 - mean)
    assert known.kept(2048, [(0.5, 1.0)]) == pytest.approx(blind)
    assert known.kept(2048, [(1.0, 1.0)]) == 1.0
    assert known.kept(2048, [(0.5, 3.0), (1.0, 1.0)]) == pytest.approx((3 * blind + 1) / 4)
    assert known.kept(512, [(0.5, 1.0)]) == 1.0  # nothing is missed at that length, at no depth


def test_what_is_not_established_lowers_nothing(profile: Profile) -> None:
    noisy = profile.lengths[0].model_copy(update={"score": 0.8, "low": 0.6, "high": 1.0})
    best = noisy.model_copy(update={"at": 512.0, "score": 0.9, "low": 0.7, "high": 1.0})
    level = tuple(p.model_copy(update={"low": 0.0, "high": 1.0}) for p in profile.positions)
    known = profile.model_copy(update={"lengths": (best, noisy), "positions": level})
    assert known.dead_zone == ()
    assert known.kept(2048, [(0.5, 1.0)]) == 1.0


def test_a_dead_zone_lowers_what_is_expected_of_the_whole(
    profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    reader, lease = Reader(reach=10**9), "The rent of the mill is 900 dollars a month, due on the first. "
    filler = [f"Paragraph {i} says that the hay is dry and the barn is red." for i in range(90)]
    middle = {"text": "\n\n".join([*filler[:45], lease, *filler[45:]])}
    last = {"text": "\n\n".join([*filler, lease])}
    asked = Settings.model_validate({"retrieval": {"k": 2}})

    def expected(corpus: dict[str, str]) -> tuple[float, float]:
        with Hybrid(asked, engine=reader) as hybrid:
            decision = hybrid.decide("What is the rent of the mill?", corpus)
        return decision.expected["passages"], decision.expected["corpus"]

    before = expected(middle), expected(last)
    near = profile.positions[0].model_copy(update={"score": 0.66, "low": 0.6, "high": 0.7})
    lengths = (
        near.model_copy(update={"at": 512.0, "score": 1.0, "low": 0.95, "high": 1.0}),
        near.model_copy(update={"at": 1800.0}),
    )
    known = profile.model_copy(update={"engine": reader.name, "window": 16_384, "effective": 8_192, "lengths": lengths})
    save_profile(known, tmp_path / FILE)
    after = expected(middle), expected(last)
    assert after[0][1] < 0.8 * before[0][1]
    assert after[0][1] < after[1][1] <= before[1][1]
    assert after[1][1] == pytest.approx(before[1][1], rel=0.15)
    assert after[0][0] == pytest.approx(before[0][0], rel=0.02)  # passages are short


def test_a_profile_is_kept_for_its_engine(profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert profile_for("m at localhost:8000", None) is None
    save_profile(profile, tmp_path / FILE)
    assert load_profile(tmp_path / FILE) == profile
    assert profile_for("m at elsewhere:9000", None) == profile
    assert profile_for("other at localhost:8000", None) is None
    with pytest.raises(SettingsError, match="is of m at localhost:8000, not of other"):
        profile_for("other", FILE)
    data = json.loads((tmp_path / FILE).read_text())
    for broken in ({**data, "format": 9}, {**data, "surprise": 1}, []):
        (tmp_path / FILE).write_text(json.dumps(broken))
        with pytest.raises(SettingsError, match="is no profile"):
            load_profile(tmp_path / FILE)
    with pytest.raises(SettingsError, match="Cannot read the profile"):
        load_profile(tmp_path / "none.json")


def test_the_default_engine_has_no_window_to_measure(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(cli, ["calibrate", "window"]) == 2
    assert "reads every position alike" in capsys.readouterr().err


def test_a_profile_limits_the_window_and_orders_the_passages(
    profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    reader = Reader(reach=10**9)
    settings = Settings()
    assert Hybrid(settings, engine=reader).engine is reader
    save_profile(profile.model_copy(update={"engine": "reader at somewhere", "window": 16_384}), tmp_path / FILE)
    with Hybrid(settings, engine=reader) as hybrid:
        assert hybrid.engine.window == 2048
        assert hybrid._situating.ordering(hybrid.engine, 9)[:2] == ("curve", profile.curve)
        assert hybrid._situating.ordering(hybrid.engine, 8)[0] == "relevance"
        fact = "One of the special magic numbers... The special magic number for tea is: 12345."
        corpus = {f"{i}.txt": f"{fact if i == 3 else 'Nothing.'} " + "The hay is dry. " * 400 for i in range(4)}
        answer = hybrid.answer("What is the special magic number for tea?", corpus, route="long")
        assert answer.decision.chunkwise or answer.decision.rung == "documents"  # the whole fits 16 384, not 2 048
        assert any("is given at most 2,048 of 16,384 tokens" in note for note in answer.notes)
    chosen = Settings(routing=RoutingSettings(ordering="document"))
    assert Hybrid(chosen, engine=reader)._situating.ordering(reader, 9) == (
        "document",
        (),
        "document: you asked for it",
    )
    smaller = profile.model_copy(update={"engine": "reader at somewhere", "window": 8_192})
    save_profile(smaller, tmp_path / FILE)  # of the native server of the same model
    assert Hybrid(settings, engine=reader).engine.window == 16_384
    other = Reader(reach=1)
    other.name = "another"
    assert Hybrid(settings, engine=other).engine.window == 16_384
    named = Settings(routing=RoutingSettings(profile=FILE))
    with pytest.raises(SettingsError, match="is of reader at somewhere, not of another"):
        _ = Hybrid(named, engine=other).engine.window
