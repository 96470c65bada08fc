"""The pipeline for legal files beside plain LlamaIndex: `python -m hybrid.evals.bench.legal --data DIR`.

contracts   contracts with questions whose answers are spans (L-Eval, from CUAD), each of which names its category;
            each contract its own corpus. `hybrid legal clauses` is asked the same by the category's name
in words    the same questions in CUAD's words without the name, as somebody asks who does not know the categories
parties     questions of one contract, with a party of that one named, asked of a contract that does not know the party
filings     quarterly and annual reports with questions that have an answer and questions that have none (LaRA)

Questions without an answer: for `contracts` and `in words` the categories of which a contract has not one of the words
in legal.toml, a list that is wide on purpose; for `parties` the name alone, which is not in the text, decides. That a
pipeline which looks for cues refuses the former by name is next to certain: `in words` is the harder half.

The pipeline is run as users run it: `hybrid legal ... --json` on a folder with one file. LlamaIndex retrieves 8
chunks by vectors and BM25 with the same embedder, and the same engine quotes from them; with --before the pipeline
without the settings file stands in its place. Documents are told apart by their number in the file, duplicates left
out: the even ones were looked at while the pipeline was made, the odd ones are reported on their own.

best_subspan_em: the gold answer is in the reply; words: the share of the gold's content words that are. A quotation is
valid if the text has it word for word at the characters that are cited, which is checked against the data itself.
Intervals are 95 %, clustered by document.
"""

from __future__ import annotations

import io
import json
import re
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import click
from hybrid.evals.bench.peers import LlamaIndexPipeline
from hybrid.evals.cli.common import DATA
from hybrid.evals.metrics.published import best_subspan_em
from hybrid.evals.metrics.words import content_words, unmarked
from hybrid.evals.replay import DOCUMENTS, QUERIES
from hybrid.evals.statistics import SCORE, difference, estimate

from hybrid.chat.prompts import Prompt
from hybrid.cli.common import console, grouped, print_json
from hybrid.cli.dash import Place
from hybrid.cli.main import cli, guarded
from hybrid.engines.extractive import Extractive
from hybrid.errors import InputError
from hybrid.files import read_lines
from hybrid.index.embedding import Embedder
from hybrid.types import Piece

CONFIG = "hybrid.toml"
FILE = Place(exists=True, dir_okay=False, path_type=Path)
K = 8  # chunks LlamaIndex retrieves, as many as the pipeline's passages
SETS = ("contracts", "filings")
KINDS = ("contracts", "in words", "parties", "filings")
TOKENS = "tokens read"
PARTY_QUESTIONS = 6  # of other contracts, asked of each

WORDS: dict[str, dict[str, str]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
# The shortest name of a party of each contract, in the order of the data
PARTIES = (
    "Corio", "Tarek El Moussa", "TouchStar", "Xencor", "Cisco", "Papa John's", "Sonos", "VerticalNet", "Allscripts",
    "RevMed",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """A question on one document; without golds the document does not answer it."""

    question: str
    golds: tuple[str, ...]
    category: str = ""
    data: str = "contracts"


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply of one side."""

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
        text = unmarked(reply.text)
        golds = [" ".join(gold.split()) for gold in asked.golds]
        if golds:
            self._put("best_subspan_em", key, 0.0 if reply.abstained else best_subspan_em(text, golds))
            self._put("words", key, 0.0 if reply.abstained else content_words(text, golds))
            self._put("false abstention", key, float(reply.abstained))
        else:
            self._put("abstention, no answer", key, float(reply.abstained))
        self._put(TOKENS, key, reply.tokens)
        self.quotes += reply.quotes
        self.valid += reply.valid

    def _put(self, name: str, key: tuple[str, str], value: float) -> None:
        self.scores.setdefault(name, {})[key] = value


@click.command()
@DATA
@click.option("--set", "sets", type=click.Choice(SETS), multiple=True, help="Default: both.")
@click.option("--kind", "kinds", type=click.Choice(KINDS), multiple=True, help="Of questions. Default: all.")
@click.option("--held", is_flag=True, help="Only the documents that were not looked at.")
@click.option("--config", type=FILE, help="Settings file for our side, such as one with a reranker or a model.")
@click.option("--before", is_flag=True, help="Beside our side without --config, in place of LlamaIndex.")
@click.option("--alone", is_flag=True, help="Without LlamaIndex.")
@click.option("--json", "as_json", is_flag=True)
def main(
    data: Path,
    sets: tuple[str, ...],
    kinds: tuple[str, ...],
    held: bool,
    config: Path | None,
    before: bool,
    alone: bool,
    as_json: bool,
) -> None:
    """Measure the pipeline for legal files."""
    if before and (config is None or alone):
        raise click.UsageError("--before compares with what --config changes: give --config, and leave out --alone.")
    engine = None if alone or before else Extractive(Embedder())
    ways = {"": config, ", before": None} if before else {"": config}
    arms: dict[tuple[str, str], Arm] = {}
    looked: set[str] = set()
    for name in sets or SETS:
        documents = list(asked_contracts(data) if name == "contracts" else reports(data))
        looked |= {document for document, _, _ in documents[::2]}
        for number, (document, text, asked) in enumerate(documents, 1):
            wanted = [a for a in asked if not kinds or a.data in kinds]
            if not wanted or (held and document in looked):
                continue
            click.echo(f"{name} {number} of {len(documents)}: {document}, {len(wanted)} questions", err=True)
            for arm, question, reply in _sides(engine, document, text, wanted, ways):
                arms.setdefault((question.data, arm), Arm()).add(document, question, reply)
    rows: list[dict[str, Any]] = []
    for (of, arm), found in arms.items():
        peer = f"{arm}, before" if before else "LlamaIndex"
        rows += _rows(of, arm, found, arms.get((of, peer)), looked)
    (print_json if as_json else _table)(rows)


def contracts(data: Path) -> Iterator[tuple[str, str, list[Asked]]]:
    """Different contracts of L-Eval with all their questions; the answer is a span of the text."""
    found: dict[str, dict[str, Asked]] = {}
    for row in read_lines(data / "leval" / "legal_contract_qa.dev.jsonl.gz"):
        for question, gold in zip(row["instructions"], row["outputs"], strict=True):
            category = re.search(r'related to "([^"]+)"', question)
            asked = Asked(question, (gold,), category[1] if category else "")
            found.setdefault(row["input"], {}).setdefault(question, asked)
    for number, (text, asked_) in enumerate(found.items()):
        yield f"contract-{number}.txt", text, list(asked_.values())


def asked_contracts(data: Path) -> Iterator[tuple[str, str, list[Asked]]]:
    """The contracts with the questions of all sets: those that they answer and those that they cannot."""
    found = list(contracts(data))
    for number, (document, text, asked) in enumerate(found):
        named = [*asked, *silent(text)]
        worded = [Asked(in_words(a.question), a.golds, "", "in words") for a in named]
        others = [(i, a) for i, (_, _, theirs) in enumerate(found) if i != number for a in theirs]
        yield document, text, [*named, *worded, *foreign(text, others)]


def silent(text: str) -> Iterator[Asked]:
    """Questions in L-Eval's wording on the categories that have none of their `WORDS` in a contract."""
    flat = " ".join(text.lower().split())
    for category, of in WORDS.items():
        if not re.search(of["words"], flat):
            question = (
                f'Highlight the parts (if any) of this contract related to "{category}" that should be reviewed by a '
                f"lawyer. Details: {of['ask']}"
            )
            yield Asked(question, (), category)


def foreign(text: str, others: Sequence[tuple[int, Asked]]) -> Iterator[Asked]:
    """Questions of other contracts with a party of theirs, drawn from those whose party is not in this one's text.

    Args:
        others: each with the number of its contract.
    """
    flat = " ".join(text.lower().split())
    drawn = Random(f"0 {len(text)}").sample(list(others), len(others))
    absent = ((i, a) for i, a in drawn if PARTIES[i].lower() not in flat)
    for number, asked in islice(absent, PARTY_QUESTIONS):
        yield Asked(f"In the agreement with {PARTIES[number]}: {in_words(asked.question)}", (), "", "parties")


def in_words(question: str) -> str:
    """CUAD's own wording of a question, without the category's name."""
    return " ".join(question.partition("Details: ")[2].split())


def reports(data: Path) -> Iterator[tuple[str, str, list[Asked]]]:
    """LaRA's filings by length and name; tasks that compare or reason are left out, their golds are essays."""
    queries = [row for row in read_lines(data / "lara" / QUERIES) if row["type"] == "financial"]
    number = 0
    for length in ("32k", "128k"):
        rows = [row for row in read_lines(data / "lara" / DOCUMENTS.format(length)) if row["type"] == "financial"]
        for row in sorted(rows, key=lambda row: row["file"]):
            own = [q for q in queries if q["length"] == length and q["file"] == row["file"]]
            asked = [Asked(q["question"], (q["answer"],), "", "filings") for q in own if q["task"] == "location"]
            asked += [Asked(q["question"], (), "", "filings") for q in own if q["task"] == "hallu"]
            yield f"filing-{number}.txt", row["text"], list({a.question: a for a in asked}.values())
            number += 1


def _sides(
    engine: Extractive | None, document: str, text: str, asked: Sequence[Asked], ways: Mapping[str, Path | None]
) -> Iterator[tuple[str, Asked, Reply]]:
    """Every question with the reply of each side, by arm: ours in each way, by its settings file."""
    named = [a for a in asked if a.category]
    for way, config in ways.items():
        with tempfile.TemporaryDirectory() as folder:
            if config is not None:
                (Path(folder) / CONFIG).write_bytes(config.read_bytes())
            (Path(folder) / "in").mkdir()
            (Path(folder) / "in" / document).write_bytes(text.encode("utf-8"))
            replies = _ask(folder, text, asked)
            yield from ((f"hybrid legal ask{way}", *both) for both in zip(asked, replies, strict=True))
            if named:
                replies = _clauses(folder, text, named)
                yield from ((f"hybrid legal clauses{way}", *both) for both in zip(named, replies, strict=True))
    if engine is None:
        return
    peer = LlamaIndexPipeline({document: text})
    yield from (("LlamaIndex", a, _peer(engine, peer, document, a)) for a in asked)


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
    if (Path(folder) / CONFIG).is_file():
        arguments = [*arguments, "--config", f"{folder}/{CONFIG}"]
    with redirect_stdout(out):
        code = guarded(cli, ["legal", *arguments, "--json", "--quiet", "--index", f"{folder}/index"])
    if code:
        raise InputError(f"hybrid legal {arguments[0]} ended with exit code {code}.")
    found: list[dict[str, Any]] = json.loads(out.getvalue())
    return found


def _reply(finding: dict[str, Any], text: str) -> Reply:
    said = finding["statements"]
    text = text.removeprefix("\ufeff")  # the mark of an encoding, which is no character of the file's text
    valid = sum(text[s["start"] : s["end"]] == s["quote"] for s in said)
    reply = " ".join(s["text"] for s in said)
    return Reply(reply, not said, finding["usage"]["prompt_tokens"], len(said), valid)


def _peer(engine: Extractive, peer: LlamaIndexPipeline, document: str, asked: Asked) -> Reply:
    nodes = peer.fused(asked.question, K)  # at their places: a piece from 0 on is taken for a whole document
    pieces = tuple(Piece(document, node.get_content(), node.start_char_idx or 0) for node in nodes)
    completion = engine.ask(Prompt(asked.question, pieces), max_tokens=512)
    return Reply(completion.text, completion.abstained, completion.usage.prompt_tokens)


def _rows(name: str, arm: str, found: Arm, peer: Arm | None, looked: set[str]) -> Iterator[dict[str, Any]]:
    """One row a measure and part of the documents, with the paired difference to the other side."""
    for measure, scores in found.scores.items():
        within = None if measure == TOKENS else SCORE
        parts = {
            "not looked at": {key: score for key, score in scores.items() if key[0] not in looked},
            "looked at": {key: score for key, score in scores.items() if key[0] in looked},
            "all": scores,
        }
        for part, values in parts.items():
            if not values:
                continue
            groups = {key: key[0] for key in values}
            apart = None if peer is None or found is peer else difference(values, peer.scores[measure], groups)
            yield {
                "data": name,
                "documents": part,
                "arm": arm,
                "measure": measure,
                "estimate": estimate(list(values.values()), list(groups.values()), within)._asdict(),
                "less the other": None if apart is None else apart._asdict(),
            }
    if found.quotes:
        yield {
            "data": name,
            "documents": "all",
            "arm": arm,
            "measure": "valid quotations",
            "valid": found.valid,
            "quotes": found.quotes,
        }


def _table(rows: Sequence[dict[str, Any]]) -> None:
    out = console()
    for name in dict.fromkeys((row["data"], row["documents"]) for row in rows):
        own = [row for row in rows if (row["data"], row["documents"]) == name]
        out.print(f"\n[bold]{name[0]}[/], {name[1]} documents", highlight=False)
        cells = [_cells(row) for row in own]
        out.print(grouped(["measure", "arm", "n / of", "mean", "minus the other"], cells))


def _cells(row: dict[str, Any]) -> list[str]:
    if "quotes" in row:
        return [row["measure"], row["arm"], "", f"{row['valid']} of {row['quotes']}", ""]
    e, d = row["estimate"], row["less the other"]
    digits = 0 if row["measure"] == TOKENS else 2
    mean, apart = (_interval(x, digits) if x else "" for x in (e, d))
    return [row["measure"], row["arm"], f"{e['n']} / {e['groups']}", mean, apart]


def _interval(x: dict[str, Any], digits: int) -> str:
    return f"{x['mean']:,.{digits}f} \\[{x['low']:,.{digits}f}, {x['high']:,.{digits}f}]"


if __name__ == "__main__":
    main()
