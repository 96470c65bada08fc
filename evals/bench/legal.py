"""The pipeline for legal files beside plain LlamaIndex: `python -m evals.bench.legal --data DIR`.

contracts   contracts with questions whose answers are spans (L-Eval, from CUAD); each contract its own corpus
clauses     the same questions by the name of their category, as `hybrid legal clauses` asks them
filings     quarterly and annual reports with questions that have an answer and questions that have none (LaRA)

The pipeline is run as users run it: `hybrid legal ... --json` on a folder with one file. LlamaIndex retrieves 8
chunks by vectors and BM25 with the same embedder, and the same engine quotes from them. Documents are split by their
number in the file, duplicates left out: the even ones were looked at while the pipeline was made, the odd ones are
reported.

best_subspan_em: the gold answer is in the reply; words: the share of the gold's content words that are. A quotation is
valid if the text has it word for word at the characters that are cited, which is checked against the data itself.
Intervals are 95 %, clustered by document.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from evals.bench.peers import LlamaIndexPipeline
from evals.metrics import best_subspan_em, content_words
from evals.statistics import difference, estimate
from hybrid.cli.common import console, print_json
from hybrid.cli.main import cli, guarded
from hybrid.embedding import Embedder
from hybrid.engines.extractive import Extractive
from hybrid.errors import InputError
from hybrid.prompts import Prompt
from hybrid.types import Piece

K = 8  # chunks LlamaIndex retrieves, as many as the pipeline's passages
_MARKS = re.compile(r" ?\[\d+\]")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question on one document; without golds the document does not answer it."""

    question: str
    golds: tuple[str, ...]
    category: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What one side said."""

    text: str
    abstained: bool
    tokens: int  # read, in the embedder's tokens
    quotes: int = 0
    valid: int = 0  # of them


@dataclass
class Arm:
    """Scores of one side by question."""

    scores: dict[str, dict[tuple[str, str], float]] = field(default_factory=dict)
    quotes: int = 0
    valid: int = 0

    def add(self, document: str, asked: Asked, reply: Reply) -> None:
        key = (document, asked.question)
        text = " ".join(_MARKS.sub("", reply.text).split())
        golds = [" ".join(gold.split()) for gold in asked.golds]
        if golds:
            self._put("best_subspan_em", key, 0.0 if reply.abstained else best_subspan_em(text, golds))
            self._put("words", key, 0.0 if reply.abstained else content_words(text, golds))
            self._put("false abstention", key, float(reply.abstained))
        else:
            self._put("abstention, no answer", key, float(reply.abstained))
        self._put("tokens read", key, reply.tokens)
        self.quotes += reply.quotes
        self.valid += reply.valid

    def _put(self, name: str, key: tuple[str, str], value: float) -> None:
        self.scores.setdefault(name, {})[key] = value


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True, help="Folder of the data sets.")
@click.option("--set", "sets", type=click.Choice(["contracts", "filings"]), multiple=True, help="Default: both.")
@click.option("--filings", default=10, show_default=True, help="Filings at most, the shorter ones first.")
@click.option("--looking", is_flag=True, help="The documents that were looked at, not those that are reported.")
@click.option(
    "--save", type=click.Path(path_type=Path), help="Append every reply to this file, one JSON object a line."
)
@click.option("--json", "as_json", is_flag=True)
def main(data: Path, sets: tuple[str, ...], filings: int, looking: bool, save: Path | None, as_json: bool) -> None:
    """Measure the pipeline for legal files."""
    rows: list[dict[str, Any]] = []
    engine = Extractive(Embedder())
    for name in sets or ("contracts", "filings"):
        documents = list(contracts(data) if name == "contracts" else reports(data))[0 if looking else 1 :: 2]
        documents = documents[:filings] if name == "filings" else documents
        arms: dict[str, Arm] = {}
        for number, (document, text, asked) in enumerate(documents, 1):
            click.echo(f"{name} {number} of {len(documents)}: {document}, {len(asked)} questions", err=True)
            for arm, replies in _sides(engine, document, text, asked):
                into = arms.setdefault(arm, Arm())
                for question, reply in zip(asked, replies, strict=True):
                    into.add(document, question, reply)
                    if save is not None:
                        _append(save, name, arm, document, question, reply)
        rows += [row for arm, found in arms.items() for row in _rows(name, arm, found, arms["LlamaIndex"])]
    if as_json:
        print_json(rows)
        return
    _table(rows)


def contracts(data: Path) -> Iterator[tuple[str, str, list[Asked]]]:
    """Different contracts of L-Eval with all their questions; the answer is a span of the text."""
    found: dict[str, dict[str, Asked]] = {}
    with gzip.open(data / "leval" / "legal_contract_qa.dev.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            for question, gold in zip(row["instructions"], row["outputs"], strict=True):
                category = re.search(r'related to "([^"]+)"', question)
                asked = Asked(question, (gold,), category[1] if category else "")
                found.setdefault(row["input"], {}).setdefault(question, asked)
    for number, (text, asked_) in enumerate(found.items()):
        yield f"contract-{number}.txt", text, list(asked_.values())


def reports(data: Path) -> Iterator[tuple[str, str, list[Asked]]]:
    """LaRA's filings by length and name; tasks that compare or reason are left out, their golds are essays."""
    with gzip.open(data / "lara" / "queries.dev.jsonl.gz", "rt", encoding="utf-8") as lines:
        queries = [row for row in map(json.loads, lines) if row["type"] == "financial"]
    number = 0
    for length in ("32k", "128k"):
        with gzip.open(data / "lara" / f"docs_{length}.dev.jsonl.gz", "rt", encoding="utf-8") as lines:
            rows = [row for row in map(json.loads, lines) if row["type"] == "financial"]
        for row in sorted(rows, key=lambda row: row["file"]):
            own = [q for q in queries if q["length"] == length and q["file"] == row["file"]]
            asked = [Asked(q["question"], (q["answer"],)) for q in own if q["task"] == "location"]
            asked += [Asked(q["question"], ()) for q in own if q["task"] == "hallu"]
            yield f"filing-{number}.txt", row["text"], list({a.question: a for a in asked}.values())
            number += 1


def _sides(engine: Extractive, document: str, text: str, asked: Sequence[Asked]) -> Iterator[tuple[str, list[Reply]]]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "in").mkdir()
        (Path(folder) / "in" / document).write_bytes(text.encode("utf-8"))
        yield "hybrid legal ask", _ask(folder, text, asked)
        if all(a.category for a in asked):
            yield "hybrid legal clauses", _clauses(folder, text, asked)
    peer = LlamaIndexPipeline({document: text})
    yield "LlamaIndex", [_peer(engine, peer, document, a) for a in asked]


def _ask(folder: str, text: str, asked: Sequence[Asked]) -> list[Reply]:
    file = Path(folder) / "questions.toml"
    file.write_text("".join(f"[[question]]\nask = {json.dumps(a.question)}\n" for a in asked), encoding="utf-8")
    found = {f["question"]: f for f in _run(["ask", f"{folder}/in", "--questions", str(file)], folder)}
    return [_reply(found[a.question], text) for a in asked]


def _clauses(folder: str, text: str, asked: Sequence[Asked]) -> list[Reply]:
    only = [part for a in asked for part in ("--only", a.category)]
    found = {f["name"].lower(): f for f in _run(["clauses", f"{folder}/in", *only], folder)}
    return [_reply(found[a.category.lower()], text) for a in asked]


def _run(arguments: list[str], folder: str) -> list[dict[str, Any]]:
    out = io.StringIO()
    with redirect_stdout(out):
        code = guarded(cli, ["legal", *arguments, "--json", "--quiet", "--index", f"{folder}/index"])
    if code:
        raise InputError(f"hybrid legal {arguments[0]} ended with exit code {code}.")
    found: list[dict[str, Any]] = json.loads(out.getvalue())
    return found


def _reply(finding: dict[str, Any], text: str) -> Reply:
    said = finding["statements"]
    valid = sum(text[s["start"] : s["end"]] == s["quote"] for s in said)
    reply = " ".join(s["text"] for s in said)
    return Reply(reply, not said, finding["usage"]["prompt_tokens"], len(said), valid)


def _peer(engine: Extractive, peer: LlamaIndexPipeline, document: str, asked: Asked) -> Reply:
    pieces = tuple(Piece(document, node.get_content(), 0) for node in peer.fused(asked.question, K))
    completion = engine.ask(Prompt(asked.question, pieces), max_tokens=512)
    return Reply(completion.text, completion.abstained, completion.usage.prompt_tokens)


def _append(file: Path, name: str, arm: str, document: str, asked: Asked, reply: Reply) -> None:
    row = {"set": name, "arm": arm, "document": document, "question": asked.question, "golds": asked.golds}
    with file.open("a", encoding="utf-8") as out:
        out.write(json.dumps(row | {"reply": reply.text, "abstained": reply.abstained}, ensure_ascii=False) + "\n")


def _rows(name: str, arm: str, found: Arm, peer: Arm) -> Iterator[dict[str, Any]]:
    """One row a measure, with the paired difference to LlamaIndex."""
    for measure, scores in found.scores.items():
        groups = {key: key[0] for key in scores}
        apart = None if found is peer else difference(scores, peer.scores[measure], groups)
        yield {
            "data": name,
            "arm": arm,
            "measure": measure,
            "estimate": estimate(list(scores.values()), list(groups.values()))._asdict(),
            "against LlamaIndex": None if apart is None else apart._asdict(),
        }
    if found.quotes:
        yield {"data": name, "arm": arm, "measure": "valid quotations", "valid": found.valid, "quotes": found.quotes}


def _table(rows: Sequence[dict[str, Any]]) -> None:
    from rich.table import Table

    table = Table("data", "arm", "measure", "n", "documents", "mean", "minus LlamaIndex")
    for row in rows:
        if "quotes" in row:
            share = f"{row['valid']} of {row['quotes']}"
            table.add_row(row["data"], row["arm"], row["measure"], "", "", share, "")
            continue
        e, d = row["estimate"], row["against LlamaIndex"]
        digits = 0 if row["measure"] == "tokens read" else 3
        mean, apart = (_interval(x, digits) if x else "" for x in (e, d))
        table.add_row(row["data"], row["arm"], row["measure"], str(e["n"]), str(e["groups"]), mean, apart)
    console().print(table)


def _interval(x: dict[str, Any], digits: int) -> str:
    return f"{x['mean']:,.{digits}f} \\[{x['low']:,.{digits}f}, {x['high']:,.{digits}f}]"


if __name__ == "__main__":
    main()
