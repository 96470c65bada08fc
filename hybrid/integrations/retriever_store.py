"""What a retriever of LlamaIndex finds, as a store: the seam to a corpus that is too large for one machine.

The retriever searches wherever it does, and the nodes it finds become our candidates. It is never asked for whole
documents: these come from a corpus, from a function, or from the nodes that the server holds.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

from llama_index.core import VectorStoreIndex
from llama_index.core.schema import BaseNode

from hybrid.corpus.corpus import CorpusLike
from hybrid.document import Document
from hybrid.errors import DocumentGone, InputError
from hybrid.index.chunking import Chunker, Outline
from hybrid.index.embedding import Embedder, Vectors
from hybrid.index.fusion import Ids, Mode, Ranking, fuse
from hybrid.index.lexical import WordIndex
from hybrid.index.protocol import Entry, Store
from hybrid.integrations.nodes import place_in, relevances, text_of
from hybrid.integrations.originals import Fetch, OfCorpus, OfVectorStore, Original, of_texts, parsed
from hybrid.types import Candidate, Passage

UNKNOWN_TOKENS = 1_000_000_000  # of a corpus nobody has counted: more than any window holds
REST = "(documents that were not found)"
_WIDE = 20  # candidates by which documents are ranked
_KEPT = 128  # whole documents kept for the next questions
_KEYS = ("file_path", "file_name", "ref_doc_id")  # metadata that name a document, the first that is there


def from_vector_store(
    vector_store: Any,
    embedding: Any,
    *,
    k: int = _WIDE,
    documents: CorpusLike | Callable[[str], str | None] | None = None,
    key: str | None = None,
    tokens: int = UNKNOWN_TOKENS,
) -> RetrieverStore:
    """The nodes of a vector store of LlamaIndex, as a corpus to ask.

    Args:
        vector_store: one that keeps the nodes' text, as servers do.
        embedding: the `BaseEmbedding` its vectors were made with.
        k: nodes to ask for.
        documents: where whole documents are; None: they are put together from their nodes, if the store can list them.
        key: as for `RetrieverStore`.
        tokens: likewise.

    Raises:
        InputError: the store keeps vectors only.
    """
    if not vector_store.stores_text:
        raise InputError(
            f"A {type(vector_store).__name__} keeps no text, so nothing it finds can be read; give a RetrieverStore "
            "the retriever of an index that does."
        )
    retriever = VectorStoreIndex.from_vector_store(vector_store, embed_model=embedding).as_retriever(similarity_top_k=k)
    whole = documents if documents is not None else OfVectorStore(vector_store, (key,) if key else _KEYS)
    return RetrieverStore(retriever, whole, key=key, tokens=tokens)


class RetrieverStore(Store):
    """The nodes that a retriever of LlamaIndex finds, in the place of our index: give it to any `Hybrid`.

    A node that stands in a known document word for word is a passage of it, with its place, sections and citations.
    Any other node is a document of its own. The retriever decides how many nodes it finds. Whole documents that were
    found are kept; one that no longer holds a node that is found is fetched again.

    Args:
        retriever: a `BaseRetriever`.
        documents: where whole documents are: a corpus as `Corpus.of` takes it, or a function that gives the text of a
            name; None: nowhere, and the long route reads the nodes that were found.
        key: the metadata that name a document; None: file_path, file_name or the id of the source.
        tokens: of the whole corpus, as far as you know. Where there is no corpus in `documents`, nobody has counted
            them, and policies take the corpus as larger than any window.
        embedder: counts tokens; nothing is embedded.
    """

    def __init__(
        self,
        retriever: Any,
        documents: CorpusLike | Callable[[str], str | None] | None = None,
        *,
        key: str | None = None,
        tokens: int = UNKNOWN_TOKENS,
        embedder: Embedder | None = None,
    ) -> None:
        self.retriever = retriever
        self._embedder = embedder or Embedder()
        self._chunker = Chunker(self._embedder)
        self._corpus: OfCorpus | None = None
        if isinstance(documents, OfVectorStore):
            self._fetch: Fetch = documents
        elif callable(documents):
            self._fetch = of_texts(documents)
        elif documents is not None:
            self._fetch = self._corpus = OfCorpus(documents)
        else:
            self._fetch = lambda name: None
        self._keys = (key,) if key else _KEYS
        self._tokens = tokens
        self._lock = threading.RLock()
        self._kept: OrderedDict[str, Original] = OrderedDict()
        self._sizes: dict[str, Entry] = {}  # of every document that was ever kept
        self._changes = 1
        self._words: tuple[bytes, WordIndex] | None = None  # made last, with the ids of its passages

    # -- searching -----------------------------------------------------------------------------------------------

    @property
    def notes(self) -> Sequence[str]:
        if self._corpus is not None or self._tokens != UNKNOWN_TOKENS:
            return ()
        return (
            f"Nobody has counted this corpus: it is taken as {UNKNOWN_TOKENS:,} tokens, more than any window holds. "
            "Give `tokens` where you know better.",
        )

    def search(
        self,
        question: str,
        k: int,
        mode: Mode = "fused",
        documents: Sequence[str] | None = None,
        vector: Vectors | None = None,
    ) -> list[Candidate]:
        """What the retriever finds, best first; within named documents the passages that share the question's words."""
        if documents is not None:
            ranked = fuse([], self.matching(question, k, self.ids_of(documents)))[:k]
            passages = self.passages([number for number, _ in ranked])
            return [Candidate(passages[n], score, None, score) for n, score in ranked if n in passages]
        found = [node for node in self.retriever.retrieve(question) if text_of(node.node).strip()][:k]
        scored = zip(found, relevances(found), strict=True)
        return [Candidate(self._passage(node.node), score, None, None) for node, score in scored]

    def matching(self, question: str, k: int, among: Ids) -> Ranking:
        key = among.tobytes()
        made = self._words
        if made is None or made[0] != key:
            texts = {p.id: f"{p.document} > {p.heading}\n{p.text}" for p in self.passages(among.tolist()).values()}
            self._words = made = (key, WordIndex(sorted(texts.items())))
        return made[1].search(question, k)

    # -- passages and documents ----------------------------------------------------------------------------------

    @property
    def generation(self) -> int:
        """Counts the documents that turned out to have changed."""
        return self._changes

    def entries(self, names: Sequence[str] | None = None) -> list[Entry]:
        """Documents by name: those of the corpus where one was given, else those seen and one that stands for the rest.

        Sizes of documents that were not read yet are estimated.
        """
        if names is not None:
            return [whole.entry for name in sorted(set(names)) if (whole := self._whole(name)) is not None]
        if self._corpus is not None:
            return sorted({**self._corpus.entries(), **self._sizes}.values(), key=lambda entry: entry.name)
        seen = sorted(self._sizes.values(), key=lambda entry: entry.name)
        rest = max(1, self._tokens - sum(entry.tokens for entry in seen))
        return [*seen, Entry(REST, None, "text", rest, 0)]

    def document(self, name: str) -> Document:
        if name == REST:
            raise InputError(
                "Not all of this corpus is here, so it cannot be read as a whole; force another rung, name the "
                "documents to read, or give the corpus itself as `documents`."
            )
        whole = self._whole(name)
        if whole is None:
            raise DocumentGone(name)
        return whole.document

    def passages(self, ids: Sequence[int]) -> dict[int, Passage]:
        wanted = {int(number) for number in ids}
        return {passage.id: passage for passage in self._all() if passage.id in wanted}

    def sample(self, count: int) -> list[Passage]:
        kept = self._all()
        return kept[:: max(1, len(kept) // count)]

    def passages_of(self, name: str) -> list[Passage]:
        whole = self._whole(name)
        return whole.passages if whole is not None else []

    def __len__(self) -> int:
        return len(self._all())

    def close(self) -> None:
        """Does nothing: the retriever belongs to its caller."""

    def _all(self) -> list[Passage]:
        """The passages of the documents that are kept."""
        with self._lock:
            return [passage for whole in self._kept.values() for passage in whole.passages]

    # -- documents that are kept ---------------------------------------------------------------------------------

    def _passage(self, node: BaseNode) -> Passage:
        """A node where it stands in its document, else as a document of its own."""
        text, number = text_of(node), _number(node.node_id)
        (tokens,) = self._embedder.count([text])
        names = self._names(node)
        for name in names:
            for anew in (False, True):
                whole = self._whole(name, anew=anew)
                if whole is None:
                    break
                start = place_in(whole.document, node)
                if start is not None:
                    return whole.passage(number, start, start + len(text), tokens)
        name = f"{names[0]}#{node.node_id}"
        whole = self._whole(name) or self._keep(parsed(name, text))
        return whole.passage(number, 0, len(whole.document.text), tokens)

    def _names(self, node: BaseNode) -> list[str]:
        """What the node's document may be called, the best first."""
        told = {"ref_doc_id": node.ref_doc_id, **node.metadata}
        names = [str(told[key]) for key in self._keys if told.get(key)] or [node.ref_doc_id or node.node_id]
        return names if self._corpus is None else [self._corpus.name(name) for name in names]

    def _whole(self, name: str, *, anew: bool = False) -> Original | None:
        with self._lock:
            kept = self._kept.get(name)
            if kept is not None and not anew:
                self._kept.move_to_end(name)
                return kept
        document = None if name == REST else self._fetch(name)  # not under the lock: it may ask a server
        return self._keep(document) if document is not None else None

    def _keep(self, document: Document) -> Original:
        passages = [
            cut.passage(_number(f"{document.name}\0{i}"), document.name, i)
            for i, cut in enumerate(self._chunker.split(document))
        ]
        whole = Original(document, passages, Outline(document.headings))
        with self._lock:
            before = self._kept.pop(document.name, None)
            if before is not None and before.document.text != document.text:
                self._changes += 1
                self._words = None
            self._kept[document.name] = whole
            self._sizes[document.name] = whole.entry
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return whole


def _number(identity: str) -> int:
    """A passage id that is the same whenever and wherever it is computed."""
    return int.from_bytes(blake2b(identity.encode("utf-8", "replace"), digest_size=8).digest()) >> 1
