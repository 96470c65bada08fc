"""An embedder that remembers: the same questions and sentences stand in many cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from hybrid.index.embedding import Embedder, Progress, Vectors


class Remembering(Embedder):
    """Embeds every text once: the same questions and sentences stand in many cases. Kept in half precision."""

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[tuple[str, str], Vectors] = {}

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        """As the parent's."""
        return self._once("question", texts, super().encode_query)

    def encode_documents(
        self, texts: Sequence[str], progress: Progress | None = None, *, part: bool = False
    ) -> Vectors:
        """As the parent's."""
        return self._once("document", texts, super().encode_documents)

    def _once(self, kind: str, texts: Sequence[str], encode: Callable[[list[str]], Vectors]) -> Vectors:
        new = [text for text in dict.fromkeys(texts) if (kind, text) not in self._known]
        for text, vector in zip(new, encode(new), strict=True):
            self._known[kind, text] = vector.astype(np.float16)
        return np.array([self._known[kind, text] for text in texts], np.float32).reshape(len(texts), self.dimension)
