"""Figures as SVG, drawn here: readable on light and dark ground, on a phone, in print, and without seeing colours.

Lines and letters take the colour of the text around them; series have a colour of Okabe and Ito and their own shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from hybrid.evals.statistics import Estimate

WIDTH = 480
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # without the yellow and black ones
_CIVIDIS = ((0, 34, 78), (53, 69, 108), (102, 105, 112), (148, 142, 119), (200, 184, 102), (254, 232, 56))
_SCORES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_LETTER = 6.3  # width of a letter of 12 px, roughly
_HEADING = 26  # height of a figure's title
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 14, 14, 46  # margins of a plot with axes


@dataclass(frozen=True, slots=True)
class Point:
    """A mean at a price."""

    name: str
    x: float
    score: Estimate


def standalone(svg: str) -> str:
    """A figure as a file of its own, which brings its ground and follows the reader's light or dark."""
    style = (
        "<style>svg{color:#1c1e21;background:#fff}"
        "@media(prefers-color-scheme:dark){svg{color:#e4e6eb;background:#16181d}}</style>"
    )
    return svg.replace("</title>", f"</title>{style}", 1)


def scatter(title: str, points: Sequence[Point], worth: Sequence[str], x_label: str) -> str:
    """Score against cost with intervals; the points worth their price are joined."""
    height = 320
    top = max((p.x for p in points), default=0.0)
    ticks = _ticks(0, top or 1)
    x = _scale(0, ticks[-1], _LEFT, WIDTH - _RIGHT)
    y = _scale(0, 1, height - _BOTTOM, _TOP)
    parts = _axes(height, [(x(t), _short(t)) for t in ticks], x_label)
    on = sorted((p for p in points if p.name in worth), key=lambda p: p.x)
    if len(on) > 1:
        steps = " ".join(f"{x(p.x):.1f},{y(p.score.mean):.1f}" for p in on)
        parts.append(
            f'<polyline points="{steps}" fill="none" stroke="currentColor" stroke-opacity=".55" '
            'stroke-dasharray="5 4"/>'
        )
    for i, p in enumerate(points):
        parts.append(_whisker(x(p.x), y(p.score.low), y(p.score.high), _colour(i)))
        parts.append(_mark(i, x(p.x), y(p.score.mean), filled=p.name in worth))
    parts += _names([(p.name, x(p.x), y(p.score.mean)) for p in points], height)
    return _svg(title, height, parts)


def lines(
    title: str,
    series: Mapping[str, Sequence[tuple[str, Estimate]]],
    x_label: str,
    *,
    threshold: float | None = None,
    dead: Sequence[str] = (),
    y_label: str = "score",
) -> str:
    """Scores over ordered places, one line an arm; or anything else, from 0 to its highest value.

    Args:
        threshold: a score to mark.
        dead: places to shade.
    """
    places = list(dict.fromkeys(place for points in series.values() for place, _ in points))
    rows = -(-len(series) // 3)
    height = 290 + 18 * rows
    bottom = height - _BOTTOM - 18 * rows
    gap = (WIDTH - _RIGHT - _LEFT) / max(1, len(places))
    at = {place: _LEFT + gap * (i + 0.5) for i, place in enumerate(places)}
    top = max((score.high for points in series.values() for _, score in points), default=1.0) or 1.0
    marks = _SCORES if y_label == "score" else _ticks(0, top)
    y = _scale(0, marks[-1], bottom, _TOP)
    every = max(1, math.ceil(len(places) * max((len(p) for p in places), default=1) * _LETTER / (WIDTH - _LEFT - 20)))
    parts = [
        f'<rect x="{at[place] - gap / 2:.1f}" y="{_TOP}" width="{gap:.1f}" height="{bottom - _TOP}" '
        'fill="currentColor" fill-opacity=".10"/>'
        for place in dead
        if place in at
    ]
    shown = [(at[p], p if i % every == 0 else "") for i, p in enumerate(places)]
    parts += _axes(height - 18 * rows, shown, x_label, marks, y_label)
    if threshold is not None:
        parts.append(
            f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y(threshold):.1f}" y2="{y(threshold):.1f}" '
            'stroke="currentColor" stroke-dasharray="2 3"/>'
            + _text(WIDTH - _RIGHT, y(threshold) + 13, f"{threshold:g}", anchor="end")
        )
    for i, (name, points) in enumerate(series.items()):
        shift = (i - (len(series) - 1) / 2) * min(7.0, gap / (len(series) + 1))  # intervals side by side
        spots = [(at[place] + shift, score) for place, score in points]
        joined = " ".join(f"{x:.1f},{y(score.mean):.1f}" for x, score in spots)
        parts.append(f'<polyline points="{joined}" fill="none" stroke="{_colour(i)}" stroke-width="1.6"/>')
        for x, score in spots:
            parts += [_whisker(x, y(score.low), y(score.high), _colour(i)), _mark(i, x, y(score.mean))]
        column, row = i % 3, i // 3
        key_x, key_y = _LEFT + column * 142, height - 18 * rows + 18 * row + 6
        parts += [_mark(i, key_x, key_y), _text(key_x + 9, key_y + 4, _cut(name, 20))]
    return _svg(title, height, parts)


def heat(title: str, cells: Mapping[tuple[str, str], Estimate], rows: Sequence[str], columns: Sequence[str]) -> str:
    """Scores by depth (rows) and length (columns); dark is low, and every cell says its score and how many samples."""
    side, cell = 58, 30
    width = min(96.0, (WIDTH - side - 8) / max(1, len(columns)))
    height = cell * len(rows) + 56
    parts = []
    for r, row in enumerate(rows):
        parts.append(_text(side - 6, r * cell + cell / 2 + 4, row, anchor="end"))
        for c, column in enumerate(columns):
            score = cells.get((row, column))
            if score is None:
                continue
            red, green, blue = _cividis(score.mean)
            ink = "#000" if 0.299 * red + 0.587 * green + 0.114 * blue > 128 else "#fff"
            x, y = side + c * width, r * cell
            parts.append(
                f'<rect x="{x:.1f}" y="{y}" width="{width - 1:.1f}" height="{cell - 1}" '
                f'fill="rgb({red},{green},{blue})"><title>{escape(row)}, {escape(column)}: {score.mean:.2f} '
                f"[{score.low:.2f}, {score.high:.2f}], n = {score.n}</title></rect>"
            )
            said = f"{score.mean:.2f} n={score.n}" if width > 72 else f"{score.mean:.2f}"
            parts.append(_text(x + width / 2, y + cell / 2 + 4, said, anchor="middle", fill=ink))
    for c, column in enumerate(columns):
        parts.append(_text(side + (c + 0.5) * width, cell * len(rows) + 16, column, anchor="middle"))
    parts.append(_text(side, height - 18, "tokens of the prompt; rows: depth of the needle"))
    return _svg(title, height, parts)


def bars(title: str, values: Mapping[str, Estimate], x_label: str) -> str:
    """Means with intervals, one row each."""
    side, row = _side(values), 28
    height = row * len(values) + _BOTTOM
    ticks = _ticks(0, max((v.high for v in values.values()), default=1.0) or 1.0)
    x = _scale(0, ticks[-1], side, WIDTH - 60)
    parts = [
        f'<line x1="{x(t):.1f}" x2="{x(t):.1f}" y1="0" y2="{row * len(values)}" stroke="currentColor" '
        f'stroke-opacity=".15"/>{_text(x(t), row * len(values) + 15, _short(t), anchor="middle")}'
        for t in ticks
    ]
    for i, (name, value) in enumerate(values.items()):
        y = i * row + row / 2
        parts += [
            _text(side - 6, y + 4, _cut(name, 24), anchor="end"),
            f'<rect x="{side}" y="{y - 8}" width="{max(0.0, x(value.mean) - side):.1f}" height="16" '
            f'fill="{COLOURS[0]}" fill-opacity=".75"/>',
            f'<line x1="{x(value.low):.1f}" x2="{x(value.high):.1f}" y1="{y}" y2="{y}" stroke="currentColor" '
            'stroke-width="1.5"/>',
            _text(x(value.high) + 5, y + 4, f"n={value.n}"),
        ]
    parts.append(_text(side, height - 12, x_label))
    return _svg(title, height, parts)


def shares(title: str, rows: Mapping[str, Mapping[str, float]], legend: Sequence[str]) -> str:
    """Shares: each row is parts of 1, named by the legend."""
    side, row = _side(rows), 28
    height = row * len(rows) + 24 * -(-len(legend) // 3) + 12
    x = _scale(0, 1, side, WIDTH - 8)
    parts = []
    for i, (name, found) in enumerate(rows.items()):
        y, begun = i * row + 4, 0.0
        parts.append(_text(side - 6, y + 15, _cut(name, 24), anchor="end"))
        for k, part in enumerate(legend):
            share = found.get(part, 0.0)
            if share:
                parts.append(
                    f'<rect x="{x(begun):.1f}" y="{y}" width="{x(begun + share) - x(begun):.1f}" height="21" '
                    f'fill="{_colour(k)}" stroke="currentColor" stroke-opacity=".35"/>'
                )
                if share > 0.09:
                    parts.append(
                        _text(x(begun + share / 2), y + 15, f"{share:.0%}", anchor="middle", fill="#fff", halo=True)
                    )
            begun += share
    for k, part in enumerate(legend):
        key_x, key_y = 10 + k % 3 * 156, row * len(rows) + 20 + k // 3 * 22
        parts.append(f'<rect x="{key_x}" y="{key_y - 9}" width="11" height="11" fill="{_colour(k)}"/>')
        parts.append(_text(key_x + 16, key_y + 1, part))
    return _svg(title, height, parts)


# -- parts -------------------------------------------------------------------------------------------------------------


def _svg(title: str, height: float, parts: Sequence[str]) -> str:
    heading = f'<text x="2" y="14" font-weight="600" fill="currentColor">{escape(_cut(title, 72))}</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height + _HEADING:.0f}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="12"><title>{escape(title)}</title>{heading}'
        f'<g transform="translate(0 {_HEADING})">{"".join(parts)}</g></svg>'
    )


def _axes(
    height: float,
    ticks: Sequence[tuple[float, str]],
    x_label: str,
    marks: Sequence[float] = _SCORES,
    y_label: str = "score",
) -> list[str]:
    """Scores from 0 to 1 on the left, or other marks from 0 on; the given ticks below."""
    bottom = height - _BOTTOM
    y = _scale(0, marks[-1], bottom, _TOP)
    said = [(t, f"{t:.1f}" if y_label == "score" else f"{t / 1000:g}k" if t >= 1000 else _short(t)) for t in marks]
    parts = [
        f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y(t):.1f}" y2="{y(t):.1f}" stroke="currentColor" '
        f'stroke-opacity=".15"/>{_text(_LEFT - 6, y(t) + 4, text, anchor="end")}'
        for t, text in said
    ]
    for at, label in ticks:
        half = len(label) * _LETTER / 2
        parts += [_text(min(at, WIDTH - 2 - half), bottom + 16, label, anchor="middle")] if label else []
    parts.append(_text((_LEFT + WIDTH - _RIGHT) / 2, height - 12, x_label, anchor="middle"))
    parts.append(_text(12, (_TOP + bottom) / 2, y_label, anchor="middle", turn=True))
    return parts


def _names(points: Sequence[tuple[str, float, float]], height: float) -> list[str]:
    """A name beside each point, moved down where it would cover another."""
    placed: list[tuple[float, float, float]] = []  # left, right, line
    parts = []
    for name, x, y in sorted(points, key=lambda point: point[2]):
        said = _cut(name, 26)
        width = len(said) * _LETTER
        left = x + 9 if x + 9 + width < WIDTH - 2 else max(2.0, x - 9 - width)
        line = y + 4
        while any(left < b and left + width > a and abs(line - other) < 13 for a, b, other in placed):
            line += 3
        line = min(line, height - _BOTTOM - 3)
        placed.append((left, left + width, line))
        parts.append(_text(left, line, said, halo=False))
    return parts


def _mark(i: int, x: float, y: float, *, filled: bool = True) -> str:
    """The shape of a series: circle, square, triangle, diamond, cross, triangle downwards, then again."""
    colour = _colour(i)
    fill = colour if filled else "none"
    style = f'fill="{fill}" stroke="{colour}" stroke-width="1.8"'
    shape = i % 6
    if shape == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.2" {style}/>'
    if shape == 1:
        return f'<rect x="{x - 3.9:.1f}" y="{y - 3.9:.1f}" width="7.8" height="7.8" {style}/>'
    if shape == 4:
        return f'<path d="M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8" {style}/>'
    if shape == 5:
        return f'<path d="M{x:.1f} {y + 5:.1f}l5 -8.6h-10z" {style}/>'
    moves = "l5 8.6h-10z" if shape == 2 else "l5 5l-5 5l-5 -5z"
    return f'<path d="M{x:.1f} {y - 5:.1f}{moves}" {style}/>'


def _whisker(x: float, low: float, high: float, colour: str) -> str:
    return f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}" stroke="{colour}" stroke-width="1.6"/>'


def _text(
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    fill: str = "currentColor",
    turn: bool = False,
    halo: bool = False,
) -> str:
    turned = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turn else ""
    around = ' stroke="#000" stroke-opacity=".55" stroke-width="2.5" paint-order="stroke"' if halo else ""
    where = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{where} fill="{fill}"{turned}{around}>{escape(text)}</text>'


def _colour(i: int) -> str:
    return COLOURS[i % len(COLOURS)]


def _cividis(share: float) -> tuple[int, int, int]:
    """A colour between dark blue and yellow that grows lighter evenly, also for colour-blind readers."""
    place = min(1.0, max(0.0, share)) * (len(_CIVIDIS) - 1)
    low = min(int(place), len(_CIVIDIS) - 2)
    red, green, blue = (
        round(a + (b - a) * (place - low)) for a, b in zip(_CIVIDIS[low], _CIVIDIS[low + 1], strict=True)
    )
    return red, green, blue


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """Places between `start` and `end` for values between `low` and `high`."""
    slope = (end - start) / ((high - low) or 1.0)
    return lambda value: start + (value - low) * slope


def _ticks(low: float, high: float) -> list[float]:
    """Four to six round numbers from `low` to beyond `high`."""
    step = 10 ** math.floor(math.log10((high - low) / 4))
    step = next(step * m for m in (1, 2, 2.5, 5, 10) if (high - low) / (step * m) <= 5)
    return [low + i * step for i in range(math.ceil((high - low) / step - 1e-9) + 1)]


def _short(value: float) -> str:
    """A number in few letters."""
    if value >= 10_000:
        return f"{value / 1000:,.0f}k"
    return f"{value:,.0f}" if value >= 10 or value == 0 else f"{value:.3g}"


def _side(names: Mapping[str, object]) -> float:
    """Room for names left of a plot."""
    return min(170.0, max((len(_cut(name, 24)) for name in names), default=1) * _LETTER + 14)


def _cut(text: str, size: int) -> str:
    return text if len(text) <= size else f"{text[: size - 1]}…"
