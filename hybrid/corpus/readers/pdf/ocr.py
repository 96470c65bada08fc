"""Scanned pages as text, where the extra `ocr` is installed: RapidOCR with the models of its package, on the CPU.

Nothing is downloaded. A page takes seconds, so only scanned pages are read this way.
"""

from __future__ import annotations

import logging
import threading
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

PACKAGES = ("rapidocr", "onnxruntime", "pypdfium2")
DOTS = 2.0  # per point: 144 per inch
_LARGEST = 4_000  # dots along a side; larger pages are drawn smaller
LOCK = threading.Lock()  # pypdfium2 and the engine serve one thread at a time


def installed() -> bool:
    """Whether scanned pages can be read."""
    return all(find_spec(package) is not None for package in PACKAGES)


def read_page(data: bytes, number: int) -> str:
    """The text on a page of a PDF, numbered from 1, line by line; empty where nothing is recognised."""
    import numpy as np
    import pypdfium2

    with LOCK:
        document = pypdfium2.PdfDocument(data)
        try:
            page = document[number - 1]
            scale = min(DOTS, _LARGEST / max(1.0, *page.get_size()))
            picture = np.array(page.render(scale=scale).to_pil().convert("RGB"))
        finally:
            document.close()
        found = _engine()(picture)
    if found.txts is None:
        return ""
    return lines([(box, text) for box, text in zip(found.boxes, found.txts, strict=True)])


def lines(found: list[tuple[Any, str]]) -> str:
    """Recognised pieces, with corners of the shape (4, 2), in lines from top to bottom and from left to right."""
    placed = [(min(y for _, y in box), max(y for _, y in box), min(x for x, _ in box), text) for box, text in found]
    rows: list[list[tuple[float, float, float, str]]] = []
    for piece in sorted(placed):
        middle = (piece[0] + piece[1]) / 2
        if rows and rows[-1][0][0] <= middle <= rows[-1][0][1]:
            rows[-1].append(piece)
        else:
            rows.append([piece])
    return "\n".join("  ".join(text for *_, text in sorted(row, key=lambda piece: piece[2])) for row in rows)


@lru_cache(maxsize=1)
def _engine() -> Any:
    from rapidocr import RapidOCR

    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    engine = RapidOCR(params={"Global.log_level": "error"})
    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    return engine
