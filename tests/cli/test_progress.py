"""What is said of long work."""

from __future__ import annotations

from itertools import pairwise

import pytest

from hybrid.cli.progress import _LongBuild, duration


def told(monkeypatch: pytest.MonkeyPatch, times: list[float], total: int) -> list[str]:
    """What is said while one text after the other is embedded at these seconds."""
    lines: list[str] = []
    build = _LongBuild()
    for done, at in enumerate(times, 1):
        monkeypatch.setattr("hybrid.cli.progress.time.monotonic", lambda at=at: at)
        build.step("embedding", done, total, lines.append)
    return lines


def test_a_long_build_is_told_once_with_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = told(monkeypatch, [i / 10 for i in range(200)], 6_000)
    assert line.startswith("Embedding 6,000 passages takes about 10 min more.")


def test_a_short_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, [i / 10 for i in range(200)], 250) == []


def test_a_pause_is_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model is loaded for eight seconds after the first two: the rate is that of the work."""
    times = [i / 10 for i in range(20)] + [10 + i / 10 for i in range(100)]
    assert max(b - a for a, b in pairwise(times)) > 8
    (line,) = told(monkeypatch, times, 6_000)
    assert "about 10 min" in line


def test_a_slow_model_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = told(monkeypatch, [3.0 * i for i in range(9)], 100)
    assert "about 5 min" in line


@pytest.mark.parametrize(("seconds", "said"), [(40, "40 s"), (840, "14 min"), (9000, "2.5 h")])
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said
