"""The pictures of docs/argument.md, from figures in docs/. Run `python -m hybrid.evals.research.docs_pictures`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
COLOURS = {"passages": "#0072B2", "whole, cold": "#D55E00", "whole, cached": "#009E73"}  # Okabe and Ito
PLAIN: Any = {
    "figure.figsize": (6.4, 3.6),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "hybrid",
}


def main() -> None:
    """Draw all of them."""
    import matplotlib as mpl

    mpl.use("svg")
    with mpl.rc_context(PLAIN):
        frontier((ROOT / "docs/routing.md").read_text("utf-8"), ROOT / "docs/frontier.svg")
        reading(json.loads((ROOT / "docs/measured/h200/answers.json").read_text("utf-8")), ROOT / "docs/h200.svg")
        depths((ROOT / "examples/testbed/README.md").read_text("utf-8"), ROOT / "docs/depths.svg")


def policies(page: str) -> dict[str, tuple[float, float]]:
    """Share of the long route's tokens, and score, of the policies in the table of docs/routing.md."""
    rows = re.findall(r"^\| \**(\w+)\**(?: \(no model known\))? \| \**([\d.]+)\** \|.*?\| \**(\d+) %", page, re.M)
    return {name: (float(tokens), float(score)) for name, score, tokens in rows}


def frontier(page: str, file: Path) -> None:
    """Score against tokens: the policies, and `calibrated` by what a right answer is worth."""
    found = policies(page)
    told = re.search(r"The frontier, by what a right answer is worth: (.*?)\n\n", page, re.S)
    assert told is not None
    line = re.findall(r"\$([\d.]+) \+([\d.]+) at (\d+) %", told[1].replace("\n", " "))
    base = found["calibrated"][1] - next(float(gain) for worth, gain, _ in line if worth == "0.30")
    figure, axes = _axes("tokens read, % of always reading the whole", "right answers, LaRA, mean of ten sets")
    axes.plot([float(t) for *_, t in line], [base + float(g) for _, g, _ in line], "-", color="#CC79A7", zorder=1)
    for worth, gain, tokens in line[:1] + line[-1:]:
        axes.annotate(
            f"${worth} a right answer",
            (float(tokens), base + float(gain)),
            (6, -12),
            textcoords="offset points",
            fontsize=8,
        )
    for name, (tokens, score) in found.items():
        bold = name == "calibrated"
        axes.plot(tokens, score, "o", color="#CC79A7" if bold else "#555555", markersize=9 if bold else 6)
        axes.annotate(
            name,
            (tokens, score),
            (-8 if tokens > 90 else 8, 5),
            textcoords="offset points",
            ha="right" if tokens > 90 else "left",
            weight="bold" if bold else "normal",
        )
    axes.axhline(base, color="#999999", linewidth=0.8, linestyle=":")
    axes.annotate(
        "the better fixed route of each set, by hindsight",
        (100, base),
        (0, 4),
        textcoords="offset points",
        ha="right",
        fontsize=8,
        color="#555555",
    )
    axes.set_xlim(0, 104)
    _save(figure, file)


def reading(answers: list[dict[str, Any]], file: Path) -> None:
    """Seconds of the engine by prompt: passages, whole documents cold and cached."""
    figure, axes = _axes("tokens in the prompt, thousands", "engine seconds a question, one H200")
    for kind, colour in COLOURS.items():
        own = [(a["prompt_tokens"] / 1000, a["engine_seconds"]) for a in answers if _kind(a) == kind]
        style = "o" if kind == "passages" else "o-"
        axes.plot(*zip(*sorted(own), strict=True), style, color=colour, label=kind)
    axes.legend(frameon=False)
    axes.set_xlim(0)
    axes.set_ylim(0)
    _save(figure, file)


def _kind(answer: dict[str, Any]) -> str:
    if answer["route"] == "rag":
        return "passages"
    return "whole, cached" if answer["cached_tokens"] > answer["prompt_tokens"] / 2 else "whole, cold"


def depths(page: str, file: Path) -> None:
    """Share of facts found by length and depth, of the carried model extended by YaRN."""
    import matplotlib.pyplot as plt

    part = page[page.index("YaRN x8") : page.index("Together, native")]
    rows = re.findall(r"^\| keys \| (\d+) \| " + r" \| ".join([r"([\d.]+)"] * 5), part, re.M)
    figure, axes = _axes("where the fact stands in the text", "tokens in the prompt")
    drawn = axes.imshow([[float(v) for v in row[1:]] for row in rows], cmap="cividis", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(5), ["start", "25 %", "50 %", "75 %", "end"])
    axes.set_yticks(range(len(rows)), [f"{int(row[0]):,}" for row in rows])
    for y, row in enumerate(rows):
        for x, value in enumerate(row[1:]):
            axes.text(x, y, value, ha="center", va="center", fontsize=9)
    plt.colorbar(drawn, ax=axes, label="share found, n = 20 in a cell")
    _save(figure, file)


def _axes(x: str, y: str) -> tuple[Any, Any]:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(layout="constrained")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    return figure, axes


def _save(figure: Any, file: Path) -> None:
    figure.savefig(file, metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    main()
