"""A report written: one page that needs nothing else, the same as Markdown and JSON, and its figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template

from hybrid.evals.folder import RunFailed, RunInfo, make_folder, write
from hybrid.evals.record import Record, records
from hybrid.evals.report import figures
from hybrid.evals.report.data import Example, Question, Reply, Report, Section, Table, cut, right, short
from hybrid.evals.report.rows import Row, by, way_of

_SHOWN = {
    "failed": "failed",
    "wrong": "wrong (score 0)",
    "below": "below full score",
    "differ": "where arms differ",
    "skipped": "skipped",
}
_LONG = 24  # rows from which a table is folded


def save(report: Report, folder: Path) -> list[str]:
    """Write `report.html`, `report.md`, `report.json` and the figures into a folder; returns notes for the user.

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
    parts = [f"# {_title(report)}", f"**{_cell(report.data.verdict)}**", *(f"> {note}" for note in report.data.notes)]
    parts.append("\n".join(f"- {what}: {value}" for what, value in _facts(report.data.run)))
    for section in report.sections:
        if section.questions:
            parts += [f"## {section.title}", "The page report.html has them, to look through and to search."]
            continue
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
    parts = [f'<p class="verdict">{escape(report.data.verdict)}</p>', f"<p>{escape(report.data.run.suite.about)}</p>"]
    parts += [f'<p class="note">{escape(note)}</p>' for note in report.data.notes]
    parts.append("<nav>" + " ".join(f'<a href="#s{i}">{escape(s.title)}</a>' for i, s in enumerate(report.sections)))
    parts.append("</nav>")
    facts = "".join(f"<dt>{escape(what)}</dt><dd>{escape(value)}</dd>" for what, value in _facts(report.data.run))
    parts.append(f"<details><summary>What was run, on what</summary><dl>{facts}</dl></details>")
    for i, section in enumerate(report.sections):
        parts.append(f'<section id="s{i}"><h2>{escape(section.title)}</h2>')
        parts += [f"<p>{escape(text)}</p>" for text in section.text]
        drawn = "".join(f"<figure>{svg}</figure>" for _, svg in section.figures)
        parts.append(f'<div class="figures">{drawn}</div>' if drawn else "")
        parts += [_html_table(table) for table in section.tables]
        parts += [_html_example(example) for example in section.examples]
        parts += [_html_questions(section.questions)] if section.questions else []
        parts.append("</section>")
    page = (files("hybrid.evals.report") / "page.html").read_text("utf-8")
    return Template(page).substitute(title=escape(_title(report)), body="\n".join(parts))


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


def _html_questions(questions: Sequence[Question]) -> str:
    """All questions, with a filter; without scripts the page shows all and no filter."""
    arms = dict.fromkeys(reply.arm for question in questions for reply in question.replies)
    tasks = dict.fromkeys(question.task for question in questions)
    choosers = [
        _choice("show", {"": "all questions", **_SHOWN}),
        _choice("arm", {"": "all arms"} | {arm: arm for arm in arms}),
        _choice("task", {"": "all tasks"} | {task: task for task in tasks}),
    ]
    search = '<input type="search" id="q-text" placeholder="Search questions and replies" aria-label="Search">'
    return (
        f'<div class="choose" hidden>{"".join(choosers)}{search}<output id="q-count"></output></div>'
        f'<div id="questions">{"".join(map(_html_question, questions))}</div>'
    )


def _choice(name: str, options: Mapping[str, str]) -> str:
    inner = "".join(f'<option value="{escape(value)}">{escape(text)}</option>' for value, text in options.items())
    return f'<select id="q-{name}" aria-label="{name}">{inner}</select>'


def _html_question(question: Question) -> str:
    rows = "".join(
        f'<tr data-arm="{escape(reply.arm)}" data-mark="{mark}"><th scope="row">{escape(reply.arm)}</th>'
        f'<td class="mark {mark}">{escape(told)}</td><td>{escape(reply.route or "-")}</td><td>{escape(reply.cost)}</td>'
        f'<td class="text">{escape(reply.text or "(nothing)")}</td></tr>'
        for reply in question.replies
        for mark, told in [_mark(reply)]
    )
    where = " ".join(filter(None, (question.task, short(question.length) if question.length else "", question.id)))
    scores = {reply.score for reply in question.replies if reply.status == "answered"}
    return (
        f'<article data-task="{escape(question.task)}"{" data-differ" if len(scores) > 1 else ""}>'
        f"<h3>{escape(question.question)}</h3>"
        f'<p class="gold"><b>Right</b> {escape(question.golds)} <span class="where">{escape(where)}</span></p>'
        f'<table class="replies"><thead><tr><th>arm</th><th>score</th><th>route</th><th>cost</th><th>reply</th></tr>'
        f"</thead><tbody>{rows}</tbody></table></article>"
    )


def _mark(reply: Reply) -> tuple[str, str]:
    """How a reply is marked, for the filter and for people."""
    if reply.status != "answered" or reply.score is None:
        return reply.status, reply.status
    mark = "right" if reply.score >= 1 else "wrong" if reply.score <= 0 else "partly"
    return mark, f"{reply.score:.2f}"


def _title(report: Report) -> str:
    return f"Evaluation: {report.data.run.suite.name}"


def _facts(run: RunInfo) -> list[tuple[str, str]]:
    """The suite, versions, machine and arms of a run, in a few lines."""
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


_MOST = 1_000  # questions on the page: more would be megabytes
_CUT = 400  # characters of a reply, and of what is right


def questions(folder: Path, rows: Sequence[Row]) -> Section:
    """All questions where they are a thousand or less, else those that failed or on which arms differ most."""
    asked = by(rows, lambda row: row.sample)
    shown = list(asked)
    if len(asked) > _MOST:
        telling = set(sorted(asked, key=lambda sample: _telling(asked[sample]), reverse=True)[:_MOST])
        shown = [sample for sample in asked if sample in telling]
    wanted, found = set(shown), dict[tuple[str, int | None, int, str], list[Record]]()
    for record in records(folder):
        if record.key[1:] in wanted:
            found.setdefault(record.key[1:], []).append(record)
    text = "What was asked, what is right, and what each arm replied, on which route, at what cost."
    if len(asked) > len(shown):
        text += (
            f" These are {len(shown):,} of {len(asked):,}: those that failed, and on which arms differ most. "
            "All stand in records.jsonl."
        )
    return Section("Question by question", [text], questions=[_question(found[sample]) for sample in shown])


def _telling(rows: Sequence[Row]) -> tuple[bool, float, float]:
    """The order for a reader: failures, then samples on which arms differ, then those that all got wrong."""
    scores = [row.score for row in rows if row.status == "answered"] or [0.0]
    return any(row.status == "failed" for row in rows), max(scores) - min(scores), -max(scores)


def _question(found: Sequence[Record]) -> Question:
    first, replies = found[0], [_reply(record) for record in found]
    return Question(first.task, first.length, first.id, first.asked, right(first.right, _CUT), replies)


def _reply(record: Record) -> Reply:
    return Reply(
        arm=record.arm,
        status=record.status,
        score=record.score,
        route=way_of(record),
        cost=_cost(record),
        text=cut(record.text if record.status == "answered" else record.reason, _CUT),
    )


def _cost(record: Record) -> str:
    """Money where there is some, else the GPU's time, and what was read and written."""
    cost, usage = record.cost, record.usage
    tokens = f"{usage.prompt_tokens - usage.cached_tokens + usage.output_tokens:,} tokens"
    if cost is not None and cost.dollars:
        return f"${cost.dollars:.2g}, {tokens}"
    if cost is not None and cost.gpu_seconds:
        return f"{cost.gpu_seconds:.2g} GPU-s, {tokens}"
    return tokens
