"""Samples of a task, drawn and checked."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hybrid.evals.metrics.registry import METRICS
from hybrid.evals.sample import Sample
from hybrid.evals.tasks.registry import task

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
real = pytest.mark.skipif(not DATA.is_dir(), reason="the evaluation data of the project are not here")


def characters(texts: Sequence[str]) -> list[int]:
    """A quarter of the characters."""
    return [len(text) // 4 for text in texts]


def draw(name: str, n: int = 5, seed: int = 0, length: int | None = None, **options: Any) -> list[Sample]:
    made = task(name, **options)
    assert made.metric in METRICS
    assert made.source
    assert made.name == name
    samples = list(made.samples(characters, n, seed, length))
    assert samples == list(task(name, **options).samples(characters, n, seed, length))
    assert len({sample.id for sample in samples}) == len(samples)
    for sample in samples:
        assert sample.question.strip()
        assert sample.group
        for document, start, end in sample.ranges:
            assert 0 <= start < end <= len(sample.documents[document])
    return samples


def write(file: Path, rows: Sequence[object]) -> Path:
    text = "\n".join(json.dumps(row) for row in rows)
    file.write_bytes(gzip.compress(text.encode()) if file.suffix == ".gz" else text.encode())
    return file
