"""A report written: one page that needs nothing else, the same as Markdown and JSON, and its figures."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from string import Template

from evals import figures
from evals.report.section import Example, Report, Table
from evals.run import RunFailed, RunInfo, make_folder, write

_LONG = 24  # rows from which a table is folded


def save(report: Report, folder: Path) -> list[str]:
    """Write `report.html`, `report.md`, `report.json` and the figures into a folder; returns what has to be said.

    Raises:
        InputError: the folder cannot be made.
        RunFailed: it cannot be written.
    """
    drawn = folder / "figures"
    make_folder(drawn)
    convert = _converter()
    for section in report.sections:
        for name, svg in section.figures:
            alone = figures.standalone(svg)
            write(drawn / f"{name}.svg", alone)
            if convert is not None:
                png = drawn / f"{name}.png"
                try:
                    convert(bytestring=svg.encode(), write_to=str(png), output_width=2 * figures.WIDTH)
                except OSError as error:
                    raise RunFailed(
                        f"Cannot write {png}: {error.strerror or error}. Make room and try again."
                    ) from None
    write(folder / "report.json", report.data.model_dump_json(indent=1))
    write(folder / "report.md", markdown(report))
    write(folder / "report.html", html(report))
    return [] if convert else ["Figures are SVG only; install cairosvg for PNG as well."]


def _converter() -> Callable[..., object] | None:
    if find_spec("cairosvg") is None:
        return None
    made: Callable[..., object] = import_module("cairosvg").svg2png
    return made


def markdown(report: Report) -> str:
    """The report as Markdown; figures are beside it."""
    parts = [f"# {_title(report)}", *(f"> {note}" for note in report.data.notes)]
    parts.append("\n".join(f"- {what}: {value}" for what, value in _facts(report.data.run)))
    for section in report.sections:
        parts += [f"## {section.title}", *section.text]
        parts += [f"![{name}](figures/{name}.svg)" for name, _ in section.figures]
        for table in section.tables:
            lines = [table.head, ["---"] * len(table.head), *table.rows]
            parts.append("\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines))
        for example in section.examples:
            replies = "\n".join(f"- {who}: {_cell(text)}" for who, text in example.replies)
            asked = f"Question: {_cell(example.question)}\n\nRight: {_cell(example.golds)}"
            parts.append(f"### {_cell(example.title)}\n\n{asked}\n\n{replies}")
    return "\n\n".join(parts) + "\n"


def _cell(text: str) -> str:
    """Text on one line that breaks no table and is no markup."""
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())


def html(report: Report) -> str:
    """The report as one page that needs nothing else."""
    parts = [f'<p class="note">{escape(note)}</p>' for note in report.data.notes]
    facts = "".join(f"<dt>{escape(what)}</dt><dd>{escape(value)}</dd>" for what, value in _facts(report.data.run))
    parts.append(f"<details><summary>What was run, on what</summary><dl>{facts}</dl></details>")
    for section in report.sections:
        parts.append(f"<section><h2>{escape(section.title)}</h2>")
        parts += [f"<p>{escape(text)}</p>" for text in section.text]
        drawn = "".join(f"<figure>{svg}</figure>" for _, svg in section.figures)
        parts.append(f'<div class="figures">{drawn}</div>' if drawn else "")
        parts += [_html_table(table) for table in section.tables]
        parts += [_html_example(example) for example in section.examples]
        parts.append("</section>")
    return Template(_PAGE).substitute(
        title=escape(_title(report)), about=escape(report.data.run.suite.about), body="\n".join(parts)
    )


def _html_table(table: Table) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in table.head)
    rows = "".join(
        "<tr>" + "".join(f"<td{_aligned(cell)}>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows
    )
    whole = f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    if len(table.rows) <= _LONG:
        return whole
    return f"<details><summary>{escape(table.title or 'Table')}: {len(table.rows)} rows</summary>{whole}</details>"


def _aligned(cell: str) -> str:
    return ' class="number"' if cell[:1] in "+-0123456789" and cell != "-" else ""


def _html_example(example: Example) -> str:
    replies = "".join(f"<dt>{escape(who)}</dt><dd>{escape(text)}</dd>" for who, text in example.replies)
    return (
        f"<details><summary>{escape(example.title)}</summary><dl><dt>Question</dt><dd>{escape(example.question)}</dd>"
        f"<dt>Right</dt><dd>{escape(example.golds)}</dd>{replies}</dl></details>"
    )


def _title(report: Report) -> str:
    return f"Evaluation: {report.data.run.suite.name}"


def _facts(run: RunInfo) -> list[tuple[str, str]]:
    """What was run on what, in a few lines."""
    last = run.sessions[-1]
    facts = [
        ("begun", run.sessions[0].begun),
        ("seeds", ", ".join(map(str, run.suite.seeds))),
        ("lengths counted with", f"the tokenizer of the arm {run.counted_with}" if run.counted_with else "an estimate"),
        ("versions", ", ".join(f"{name} {number}" for name, number in last.versions.items())),
        ("machine", ", ".join(f"{what}: {value}" for what, value in last.hardware.items() if value)),
    ]
    for name, about in run.arms.items():
        engines = ", ".join(f"{e['name']}, window {e['window']:,}" for e in about.get("engines", ()))
        facts.append((f"arm {name}", "; ".join(filter(None, (about["kind"], about.get("target", ""), engines)))))
    return facts


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<style>
:root { --ink: #1c1e21; --ground: #fff; --soft: #f2f4f7; --line: #d4d8de; --note: #fdf3d8; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e6eb; --ground: #16181d; --soft: #22262d; --line: #3a404a; --note: #3a3218; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1rem; color: var(--ink); background: var(--ground);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
p, dd { max-width: 44rem; overflow-wrap: anywhere; }
.note { background: var(--note); padding: .5rem .75rem; border-radius: .25rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(26rem, 100%), 1fr)); gap: 0 1.5rem; }
figure { margin: 1rem 0; max-width: 40rem; } figure svg { width: 100%; height: auto; display: block; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { background: var(--soft); } td.number { text-align: right; white-space: nowrap; }
@media (max-width: 40rem) { th, td { white-space: nowrap; } }
details { margin: .5rem 0; border: 1px solid var(--line); border-radius: .25rem; padding: .4rem .75rem; }
summary { cursor: pointer; } dt { font-weight: 600; margin-top: .5rem; } dd { margin: 0; white-space: pre-wrap; }
@media print { body { max-width: none; color: #000; background: #fff; } section { break-inside: auto; }
  details::details-content { content-visibility: visible; block-size: auto; }
  figure, tr { break-inside: avoid; } h2, summary { break-after: avoid; } thead { display: table-header-group; }
  .wide { overflow: visible; } table { font-size: .65rem; } td.number { white-space: normal; }
  th, td { padding: .15rem .3rem; } }
</style>
</head>
<body>
<h1>$title</h1>
<p>$about</p>
$body
</body>
</html>
"""
