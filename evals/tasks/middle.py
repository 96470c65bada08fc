"""Lost in the middle: the same question with its evidence at different places (arXiv 2307.03172).

Source: nelson-liu/lost-in-the-middle at commit 29b8a6d (MIT). Every record or question is asked once at each position,
so positions are compared on the same data. Layouts are the published ones, instructions our own; where distractors are
not the published ones, compare positions with each other and not with the paper's figures.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Annotated

from hybrid.evals.sample import Count, Sample, Tokens
from hybrid.evals.tasks.files import Fields, lines
from hybrid.evals.tasks.haystack import largest
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from hybrid.errors import InputError

_REPLY = 100
_PAIR_REPLY = 64  # a uuid takes up to 40 tokens where digits are tokens of their own


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class KeyValue:
    """Key-value retrieval: which value has this key?

    Args:
        path: a published file, such as kv-retrieval-140_keys.jsonl.gz; None to draw version-4 uuids with the seed.
        keys: pairs of each sample, of a file its first; None for the file's, or as many as the length holds.
        positions: places of the key asked for, from 0; None for five from first to last, as published for 140 keys.
        reserve: tokens that a chat template or an arm's own layout adds to the prompt; lengths count them in.
    """

    path: Path | None = None
    keys: Annotated[int, Field(ge=1)] | None = None
    positions: tuple[int, ...] | None = None
    reserve: Tokens = 0

    name = "middle/kv"
    source = "lost-in-the-middle (MIT), arXiv 2307.03172; keys and values are random"
    metric = "key_value"

    def samples(self, count: Count, n: int, seed: int, length: int | None = None) -> Iterator[Sample]:
        """`n` samples, position by position of each record; see `hybrid.evals.sample.Task`.

        `about` has length, tokens, keys, position (from 0) and depth (0 to 1). Samples of one record share their group.
        """
        records = list(_read_pairs(self.path)) if self.path is not None else None
        many = self._many(count, seed, length, records)
        places = _positions(self.positions, many, "keys")
        order = Random(f"middle/kv|{seed}").sample(range(len(records)), len(records)) if records else None
        for number in range(n):
            turn, position = number // len(places), places[number % len(places)]
            if records and order:
                if turn == len(records):
                    return
                pairs, key = records[order[turn]]
                pairs = _shortened(pairs, key, many)
            else:
                pairs = _pairs(Random(f"middle/kv|{seed}|{turn}"), many)
                key = pairs[0][0]
            wanted = next(pair for pair in pairs if pair[0] == key)
            rest = [pair for pair in pairs if pair[0] != key]
            prompt, text = _pairs_prompt([*rest[:position], wanted, *rest[position:]], key)
            tokens = count([prompt + "Value:"])[0] + _PAIR_REPLY
            if length is not None and tokens + self.reserve > length:
                raise InputError(
                    f"middle/kv with {many} keys takes {tokens + self.reserve} tokens with the reply, and the length "
                    f"is {length}; ask for fewer keys, or leave the option keys away."
                )
            at = text.index(f'"{wanted[0]}"')
            yield Sample(
                id=f"{many}-{seed}-{turn}-{position}",
                question=f'What is the value of the key "{key}"?',
                documents={"records.json": text},
                golds=(wanted[1],),
                group=f"{many}-{seed}-{turn}",
                prompt=prompt,
                prefix="Value:",
                max_tokens=_PAIR_REPLY,
                ranges=(("records.json", at, text.index("\n", at)),),
                about={
                    "length": length,
                    "tokens": tokens,
                    "keys": many,
                    "position": position,
                    "depth": round(position / max(1, many - 1), 4),
                },
            )

    def _many(
        self, count: Count, seed: int, length: int | None, records: list[tuple[list[tuple[str, str]], str]] | None
    ) -> int:
        most = min(len(pairs) for pairs, _ in records) if records else None
        if self.keys is not None or length is None:
            many = self.keys or most or 140
        else:

            def tokens(size: int) -> int:
                pairs = _pairs(Random(f"middle/kv|{seed}|fit"), size)
                # uuids differ in tokens by about two each; what other draws may take more is left free
                return count([_pairs_prompt(pairs, pairs[0][0])[0] + "Value:"])[0] + int(12 * size**0.5)

            found = largest(tokens, length - _PAIR_REPLY - self.reserve, 1)
            if found is None:
                raise InputError(f"middle/kv cannot be made in {length} tokens; ask for a greater length.")
            many = min(found, most or found)
        if most is not None and many > most:
            raise InputError(f"{self.path} has {most} keys to a record and {many} are asked for; set keys to {most}.")
        return many


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class MultiDocument:
    """Questions over several passages, of which one answers.

    Args:
        path: JSON Lines with `question`, `answers` and, in `ctxs`, the gold passage (`title`, `text`); either with the
            other passages in `ctxs` too, or with a `line` that the file of distractors names.
        distractors: JSON Lines with `line` and `distractors`, lines of other questions whose gold passages do not
            answer this one, best first; None where the passages are in `ctxs`.
        documents: passages in all.
        positions: places of the gold passage, from 0; None for five from first to last (three for ten documents).
        reserve: tokens that a chat template or an arm's own layout adds to the prompt; lengths count them in.
    """

    path: Path
    distractors: Path | None = None
    documents: Annotated[int, Field(ge=1)] = 20
    positions: tuple[int, ...] | None = None
    reserve: Tokens = 0

    name = "middle/qa"
    source = "lost-in-the-middle (MIT), arXiv 2307.03172; Natural Questions and Wikipedia, CC BY-SA"
    metric = "best_subspan_em"

    def samples(self, count: Count, n: int, seed: int, length: int | None = None) -> Iterator[Sample]:
        """`n` samples, position by position of each question; see `hybrid.evals.sample.Task`.

        `about` has length, tokens, documents, position (from 0) and depth (0 to 1). Samples of one question share
        their group.
        """
        rows = {row.data.get("line", number): row for number, row in enumerate(lines(self.path))}
        near = {row.number("line"): row for row in lines(self.distractors)} if self.distractors is not None else {}
        places = _positions(self.positions, self.documents, "documents")
        order = Random(f"middle/qa|{seed}").sample(list(rows), len(rows))
        for number in range(min(n, len(order) * len(places))):
            line, position = order[number // len(places)], places[number % len(places)]
            row = rows[line]
            gold, others = self._passages(row, near.get(line), rows)
            passages = [*others[:position], gold, *others[position:]]
            documents = {f"[{k}] {title}": text for k, (title, text) in enumerate(passages, 1)}
            question = row.text("question")
            shown = "\n".join(f"Document [{k}](Title: {title}) {text}" for k, (title, text) in enumerate(passages, 1))
            rule = (
                "Answer the question from the documents below; some of them do not help. Reply with the answer alone."
            )
            prompt = f"{rule}\n\n{shown}\n\nQuestion: {question}\n"
            tokens = count([prompt + "Answer:"])[0] + _REPLY
            if length is not None and tokens + self.reserve > length:
                raise InputError(
                    f"middle/qa with {self.documents} documents takes {tokens + self.reserve} tokens with the reply, "
                    f"and the length is {length}; ask for fewer documents or a greater length."
                )
            name = f"[{position + 1}] {gold[0]}"
            yield Sample(
                id=f"{self.documents}-{line}-{position}",
                question=question,
                documents=documents,
                golds=row.texts("answers"),
                group=str(line),
                prompt=prompt,
                prefix="Answer:",
                max_tokens=_REPLY,
                ranges=((name, 0, len(gold[1])),),
                about={
                    "length": length,
                    "tokens": tokens,
                    "documents": self.documents,
                    "position": position,
                    "depth": round(position / max(1, self.documents - 1), 4),
                },
            )

    def _passages(
        self, row: Fields, near: Fields | None, rows: Mapping[int, Fields]
    ) -> tuple[tuple[str, str], list[tuple[str, str]]]:
        contexts = row.objects("ctxs")
        gold = next((p for p in contexts if p.data.get("isgold")), contexts[0] if contexts else None)
        if gold is None:
            raise row.fault("ctxs", "is empty; it has to hold the gold passage")
        others = [passage for passage in contexts if passage is not gold and not passage.data.get("hasanswer")]
        if near is not None:
            for line in near.items("distractors")[: self.documents - 1]:
                if line not in rows or not rows[line].objects("ctxs"):
                    raise near.fault("distractors", f"names line {line!r}, which {self.path} does not have")
                others.append(rows[line].objects("ctxs")[0])
        if len(others) < self.documents - 1:
            raise row.fault(
                "ctxs" if near is None else "distractors",
                f"gives {len(others)} passages beside the gold one, and {self.documents - 1} are needed; set documents "
                f"to {len(others) + 1}",
            )
        kept = others[: self.documents - 1]
        return (gold.text("title"), gold.text("text")), [(p.text("title"), p.text("text")) for p in kept]


def _positions(asked: tuple[int, ...] | None, n: int, what: str) -> tuple[int, ...]:
    if asked is None:
        shares = (0.0, 0.5, 1.0) if n <= 10 else (0.0, 0.25, 0.5, 0.75, 1.0)
        return tuple(dict.fromkeys(int(share * (n - 1)) for share in shares))
    wrong = [place for place in asked if not 0 <= place < n]
    if wrong or not asked:
        raise InputError(f"Positions go from 0 to {n - 1} with {n} {what}, and cannot be {wrong or 'none'}.")
    return asked


def _read_pairs(path: Path) -> Iterator[tuple[list[tuple[str, str]], str]]:
    for row in lines(path):
        pairs = []
        for pair in row.items("ordered_kv_records"):
            if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(part, str) for part in pair):
                raise row.fault("ordered_kv_records", "has to hold pairs of texts")
            pairs.append((pair[0], pair[1]))
        if row.text("key") not in dict(pairs):
            raise row.fault("key", "is not among the ordered_kv_records")
        yield pairs, row.text("key")


def _shortened(pairs: list[tuple[str, str]], key: str, many: int) -> list[tuple[str, str]]:
    kept = [pair for pair in pairs if pair[0] != key][: many - 1]
    return [(key, dict(pairs)[key]), *kept]


def _pairs(rng: Random, many: int) -> list[tuple[str, str]]:
    def drawn() -> str:
        return str(uuid.UUID(int=rng.getrandbits(128), version=4))

    return [(drawn(), drawn()) for _ in range(many)]


def _pairs_prompt(pairs: list[tuple[str, str]], key: str) -> tuple[str, str]:
    """The prompt, and the records alone."""
    text = "{" + ",\n ".join(f'"{k}": "{v}"' for k, v in pairs) + "\n}"
    prompt = f"Below is a JSON object. Reply with the value of the key that is asked for.\n\n{text}\n\nKey: "
    return f'{prompt}"{key}"\n', text
