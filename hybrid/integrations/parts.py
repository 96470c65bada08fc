"""LlamaIndex's parts in ours: embeddings, splitters, rerankers, retrievers, and the servers behind vector stores.

The retriever is the seam to a corpus that is too large for one machine: it searches wherever it searches, and what it
finds becomes candidates of ours. For whole documents it is asked for nothing: they come from a corpus, from a function,
or are put together from the nodes that the server holds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.corpus.corpus import Corpus, CorpusLike
from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.readers.read import read_text
from hybrid.document import Document
from hybrid.errors import InputError, MissingDependency, SettingsError
from hybrid.index.chunking import Chunker, Cut, Outline
from hybrid.index.embedding import Embedder, Kind, Progress, Vectors
from hybrid.index.fusion import fuse
from hybrid.index.lexical import query_words
from hybrid.index.store import Entry, Store
from hybrid.integrations.llama_index import passage_nodes
from hybrid.integrations.vector_store import by_words
from hybrid.routing.policy import Policy
from hybrid.session.hybrid import Hybrid
from hybrid.settings import PassageSettings, Settings
from hybrid.types import Candidate, Passage

try:
    from llama_index.core import Document as LlamaDocument
    from llama_index.core import VectorStoreIndex
    from llama_index.core.schema import BaseNode, MetadataMode, NodeWithScore, TextNode
    from llama_index.core.vector_stores.types import MetadataFilter, MetadataFilters
except ImportError:
    raise MissingDependency("llama-index-core", "llama-index", "Parts of LlamaIndex") from None

Ids = NDArray[np.int64]
Fetch = Callable[[str], Document | None]  # a whole document by its name, None where it is not known

UNKNOWN_TOKENS = 1_000_000_000  # of a corpus nobody has counted: more than any window holds
REST = "(documents that were not found)"
_WIDE = 20  # candidates by which documents are ranked
_KEPT = 128  # whole documents kept for the next questions
_KEYS = ("file_path", "file_name", "ref_doc_id")  # metadata that name a document, the first that is there


class LlamaIndexHybrid(Hybrid):
    """A `Hybrid` that is made of LlamaIndex's parts where they are given. LLMs need none of this: `Hybrid(engine=llm)`.

    Args:
        settings: as for `Hybrid`.
        engine: as for `Hybrid`: an engine or any LlamaIndex LLM.
        long_engine: likewise.
        policy: as for `Hybrid`.
        embedding: a `BaseEmbedding` in place of our embedder. The engine that quotes keeps ours, which it is fitted to.
        splitter: a `NodeParser` that makes the passages.
        rerankers: post-processors that choose and order what was retrieved; text they change is not read.

    Raises:
        SettingsError: a setting that does not fit.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        engine: Any = None,
        long_engine: Any = None,
        policy: Policy | None = None,
        embedding: Any = None,
        splitter: Any = None,
        rerankers: Sequence[Any] = (),
    ) -> None:
        super().__init__(settings, engine=engine, long_engine=long_engine, policy=policy)
        if embedding is not None:
            self.embedder = LlamaIndexEmbedder(embedding)
            self.chunker = Chunker(self.embedder, self.settings.passages)
        if splitter is not None:
            self.chunker = NodeChunker(self.embedder, splitter)
        self.rerankers = tuple(rerankers)

    def index_path(self, corpus: Corpus) -> Path | None:
        """The folder of a corpus's index: another one for every splitter."""
        path = super().index_path(corpus)
        if path is None or not isinstance(self.chunker, NodeChunker):
            return path
        return path.with_name(f"{path.name}-{self.chunker.fingerprint}")

    def _rerank(self, question: str, found: list[Candidate], store: Store) -> list[Candidate]:
        """What was retrieved, as the rerankers choose and order it."""
        if not self.rerankers or not found:
            return found
        nodes = passage_nodes(found, store)
        known = {node.node.node_id: candidate for node, candidate in zip(nodes, found, strict=True)}
        for reranker in self.rerankers:
            nodes = reranker.postprocess_nodes(nodes, query_str=question)
        kept = [node for node in nodes if node.node.node_id in known]
        return [
            replace(known[node.node.node_id], score=score) for node, score in zip(kept, relevances(kept), strict=True)
        ]


class LlamaIndexEmbedder(Embedder):
    """A `BaseEmbedding` as our embedder.

    Tokens are counted with the packaged model's tokenizer, since LlamaIndex's embeddings do not tell theirs.

    Args:
        embedding: of LlamaIndex.
        max_tokens: what it reads of a text; None: its `max_length`, else 512.
    """

    def __init__(self, embedding: Any, max_tokens: int | None = None) -> None:
        super().__init__()
        self.embedding = embedding
        self._reads = max_tokens or int(getattr(embedding, "max_length", None) or 512)

    @property
    def name(self) -> str:
        """Its model and class."""
        return f"{self.embedding.model_name} ({type(self.embedding).__name__})"

    @property
    def fingerprint(self) -> str:
        """Class, model and instructions: what two indexes have to share for their vectors to be comparable."""
        prompts = [getattr(self.embedding, f"{kind}_instruction", None) for kind in ("query", "text")]
        return f"llama-index {self.name}" + ("" if prompts == [None, None] else f" {prompts}")

    @property
    def max_tokens(self) -> int:
        """Tokens it reads of a text."""
        return self._reads

    @cached_property
    def dimension(self) -> int:
        """Length of a vector."""
        return len(self.embedding.get_query_embedding("ready?"))

    def prepare(self, sample: Sequence[str], total: int) -> None:
        """Nothing: its device and precision are its own."""

    def _encode(self, texts: Sequence[str], kind: Kind, progress: Progress | None) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        if kind == "query":
            found = [self.embedding.get_query_embedding(text) for text in texts]
        else:
            found = self.embedding.get_text_embedding_batch(list(texts))
        if progress is not None:
            progress(len(texts))
        vectors = np.asarray(found, np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.where(lengths > 0, lengths, 1.0), np.float32)


class NodeChunker(Chunker):
    """A `NodeParser` that makes the passages; of a hierarchy the leaves.

    A node that is longer than the embedder reads is cut further by ours: the rest of it would never be found.
    """

    def __init__(self, embedder: Embedder, splitter: Any) -> None:
        super().__init__(embedder, PassageSettings(tokens=max(16, embedder.max_tokens)))
        self.splitter = splitter

    @property
    def fingerprint(self) -> str:
        """Class and plain options of the splitter."""
        plain = {name: getattr(self.splitter, name) for name in sorted(type(self.splitter).model_fields)}
        told = [(name, value) for name, value in plain.items() if isinstance(value, str | int | float | None)]
        return blake2b(f"{type(self.splitter).__name__} {told}".encode(), digest_size=6).hexdigest()

    def split(self, document: Document) -> list[Cut]:
        """The passages of a document, in order.

        Raises:
            SettingsError: the splitter changes the text, so that its nodes cannot be cited.
        """
        nodes = self.splitter.get_nodes_from_documents([LlamaDocument(text=document.text)])
        outline = Outline(document.headings)
        cuts: list[Cut] = []
        at = 0
        for node in nodes:
            text = node.get_content(metadata_mode=MetadataMode.NONE)
            if node.child_nodes or not text.strip():
                continue
            start = _at(document.text, text, node.start_char_idx, at)
            if start is None:
                raise SettingsError(
                    f"The splitter {type(self.splitter).__name__} changes the text of {document.name!r}; passages have "
                    "to stand in the document word for word, so that they can be cited."
                )
            at = start
            (tokens,) = self.embedder.count([text])
            ranges = [(start, start + len(text), tokens)]
            if tokens > self.capacity:
                inner = super().split(Document(document.name, text, "text"))
                ranges = [(start + cut.start, start + cut.end, cut.tokens) for cut in inner]
            cuts += [
                Cut(a, b, document.text[a:b], outline.path(a, b), document.locate(a, b), count)
                for a, b, count in ranges
            ]
        return sorted(cuts, key=lambda cut: (cut.start, cut.end))


def relevances(found: Sequence[NodeWithScore]) -> list[float]:
    """Scores from 0 to 1 that fall with the order in which nodes came.

    Their own scores where they are told and fall likewise: retrievers also give distances, logits, or nothing.
    """
    told = [node.score for node in found]
    scores = [score for score in told if score is not None]
    if len(scores) < len(told) or scores != sorted(scores, reverse=True):
        return [1 - i / len(told) for i in range(len(told))]
    if not scores:
        return []
    low, best = min(0.0, scores[-1]), scores[0]
    return [(score - low) / (best - low) if best > low else 1.0 for score in scores]


# -- corpora that others hold --------------------------------------------------------------------------------------


def from_vector_store(
    vector_store: Any,
    embedding: Any,
    *,
    k: int = _WIDE,
    documents: CorpusLike | Callable[[str], str | None] | None = None,
    key: str | None = None,
    tokens: int = UNKNOWN_TOKENS,
) -> RetrieverStore:
    """What a vector store of LlamaIndex holds, as a corpus to ask.

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
    whole = documents if documents is not None else _Nodes(vector_store, (key,) if key else _KEYS)
    return RetrieverStore(retriever, whole, key=key, tokens=tokens)


class RetrieverStore(Store):
    """What a retriever of LlamaIndex finds, in the place of our index: give it to any `Hybrid`.

    A node that stands in a known document word for word is a passage of it, with its place, sections and citations;
    any other node is a document of its own. The retriever decides how many nodes it finds. Whole documents that were
    found are kept; one that no longer holds a node that is found is fetched again.

    Args:
        retriever: a `BaseRetriever`.
        documents: where whole documents are: a corpus as `Corpus.of` takes it, or a function that gives the text of a
            name; None: nowhere, and the long route reads the nodes that were found.
        key: the metadata that name a document; None: file_path, file_name or the id of the source.
        tokens: of the whole corpus, as far as you know; without a corpus in `documents` nobody has counted them, and
            policies take it as larger than any window.
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
        embedder = embedder or Embedder()
        super().__init__(None, embedder, Chunker(embedder))
        self.retriever = retriever
        self._corpus = None if documents is None or callable(documents) else _Known(documents)
        self._fetch: Fetch = self._corpus or _nothing
        if callable(documents):
            self._fetch = documents if isinstance(documents, _Nodes) else _texts(documents)
        self._keys = (key,) if key else _KEYS
        self._tokens = tokens
        self.notes: tuple[str, ...] = ()  # for whoever reads an answer
        if self._corpus is None and tokens == UNKNOWN_TOKENS:
            self.notes = (
                f"Nobody has counted this corpus: it is taken as {tokens:,} tokens, more than any window holds. Give "
                "`tokens` where you know better.",
            )
        self._kept: OrderedDict[str, _Whole] = OrderedDict()
        self._sizes: dict[str, Entry] = {}  # of every document that was ever kept
        self._changes = 1
        self._words: tuple[bytes | None, Any] = (None, None)  # the word index that was made last, by its passages

    # -- what a question needs -----------------------------------------------------------------------------------

    def search(self, question: str, k: int, documents: Sequence[str] | None = None) -> list[Candidate]:
        """What the retriever finds, best first; within named documents what shares the question's words."""
        if documents is not None:
            ranked = fuse([], self.matching(question, k, self.ids_of(documents)))[:k]
            passages = self.passages([number for number, _ in ranked])
            return [Candidate(passages[n], score, None, score) for n, score in ranked if n in passages]
        found = [
            node for node in self.retriever.retrieve(question) if node.node.get_content(MetadataMode.NONE).strip()
        ][:k]
        scored = zip(found, relevances(found), strict=True)
        return [Candidate(self._passage(node.node), score, None, None) for node, score in scored]

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
        """A document with its whole text. Raises KeyError where there is none of that name."""
        if name == REST:
            raise InputError(
                "Not all of this corpus is here, so it cannot be read as a whole; force another rung, name the "
                "documents to read, or give the corpus itself as `documents`."
            )
        whole = self._whole(name)
        if whole is None:
            raise KeyError(name)
        return whole.document

    def passages(self, ids: Sequence[int]) -> dict[int, Passage]:
        """Passages of documents that are kept, by id."""
        wanted = {int(number) for number in ids}
        with self._lock:
            return {p.id: p for whole in self._kept.values() for p in whole.passages if p.id in wanted}

    def sample(self, count: int) -> list[Passage]:
        """About `count` passages of documents that are kept."""
        with self._lock:
            kept = [passage for whole in self._kept.values() for passage in whole.passages]
        return kept[:: max(1, len(kept) // count)]

    def passages_of(self, name: str) -> list[Passage]:
        """The passages of a document, in order."""
        whole = self._whole(name)
        return whole.passages if whole is not None else []

    def ids_of(self, names: Sequence[str]) -> Ids:
        """Ids of all passages of the named documents, ascending."""
        return np.array(sorted(p.id for name in names for p in self.passages_of(name)), np.int64)

    def nearest(self, vector: Vectors, k: int, among: Ids | None = None) -> list[tuple[int, float]]:
        """A retriever takes questions, not vectors. Raises InputError."""
        raise InputError(
            "A retriever of LlamaIndex does its own search, which takes a question: use `search`, or ask a `Hybrid`."
        )

    def matching(self, question: str, k: int, among: Ids | None = None) -> list[tuple[int, float]]:
        """The `k` of the given passages that share the question's words, with their BM25 score, best first."""
        if among is None:
            return self.nearest(np.zeros(0, np.float32), k)
        key = among.tobytes()
        made, index = self._words
        if made != key:
            texts = {p.id: f"{p.document} > {p.heading}\n{p.text}" for p in self.passages(among.tolist()).values()}
            index = by_words(sorted(texts.items()))
            self._words = (key, index)
        lexical, vocabulary = index
        asked = [vocabulary[word] for word in dict.fromkeys(query_words(question)) if word in vocabulary]
        ids, scores = lexical.search(asked, k)
        return [(int(number), float(score)) for number, score in zip(ids, scores, strict=True)]

    def __len__(self) -> int:
        with self._lock:
            return sum(len(whole.passages) for whole in self._kept.values())

    # -- documents and passages ----------------------------------------------------------------------------------

    def _passage(self, node: BaseNode) -> Passage:
        """A node where it stands in its document, else as a document of its own."""
        text = node.get_content(metadata_mode=MetadataMode.NONE)
        number = _number(node.node_id)
        (tokens,) = self.embedder.count([text])
        for name in self._names(node):
            whole = self._whole(name)
            if whole is None:
                continue
            start = _at(whole.document.text, text, _hint(node, whole.document))
            if start is None and (whole := self._whole(name, anew=True)) is not None:
                start = _at(whole.document.text, text, _hint(node, whole.document))
            if whole is not None and start is not None:
                return whole.passage(number, start, start + len(text), tokens)
        name = f"{self._names(node)[0]}#{node.node_id}"
        whole = self._whole(name) or self._keep(_parsed(name, text))
        return whole.passage(number, 0, len(whole.document.text), tokens)

    def _names(self, node: BaseNode) -> list[str]:
        """What the node's document may be called, the best first."""
        told = {"ref_doc_id": node.ref_doc_id, **node.metadata}
        names = [str(told[key]) for key in self._keys if told.get(key)] or [node.ref_doc_id or node.node_id]
        return names if self._corpus is None else [self._corpus.name(name) for name in names]

    def _whole(self, name: str, *, anew: bool = False) -> _Whole | None:
        with self._lock:
            kept = self._kept.get(name)
            if kept is not None and not anew:
                self._kept.move_to_end(name)
                return kept
        document = None if name == REST else self._fetch(name)  # not under the lock: it may ask a server
        return self._keep(document) if document is not None else None

    def _keep(self, document: Document) -> _Whole:
        cuts = self.chunker.split(document)
        passages = [
            Passage(
                _number(f"{document.name}\0{i}"),
                document.name,
                i,
                cut.text,
                cut.start,
                cut.end,
                cut.location,
                cut.heading,
                cut.tokens,
            )
            for i, cut in enumerate(cuts)
        ]
        whole = _Whole(document, passages, Outline(document.headings))
        with self._lock:
            before = self._kept.pop(document.name, None)
            if before is not None and before.document.text != document.text:
                self._changes += 1
                self._words = (None, None)
            self._kept[document.name] = whole
            self._sizes[document.name] = whole.entry
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return whole


@dataclass(frozen=True, slots=True)
class _Whole:
    """A document that is kept, with its passages."""

    document: Document
    passages: list[Passage]
    outline: Outline

    @property
    def entry(self) -> Entry:
        document = self.document
        tokens = sum(passage.tokens for passage in self.passages)
        return Entry(document.name, document.path, document.kind, tokens, len(self.passages))

    def passage(self, number: int, start: int, end: int, tokens: int) -> Passage:
        """A stretch of the document as a passage, in the place of ours that holds its beginning."""
        document = self.document
        ordinal = max(0, bisect_right(self.passages, start, key=lambda passage: passage.start) - 1)
        heading, place = self.outline.path(start, end), document.locate(start, end)
        return Passage(number, document.name, ordinal, document.text[start:end], start, end, place, heading, tokens)


class _Known:
    """The documents of a corpus by name, read when they are asked for."""

    def __init__(self, corpus: CorpusLike) -> None:
        self._sources = {source.name: source for source in Corpus.of(corpus).sources}
        self._paths = {str(source.path): source.name for source in self._sources.values() if source.path is not None}

    def name(self, told: str) -> str:
        """The corpus's name for a document that nodes name by its path."""
        return told if told in self._sources else self._paths.get(str(Path(told).absolute()), told)

    def entries(self) -> dict[str, Entry]:
        return {
            source.name: Entry(source.name, str(source.path) if source.path else None, "text", source.size // 4 + 1, 0)
            for source in self._sources.values()
        }

    def __call__(self, name: str) -> Document | None:
        source = self._sources.get(name)
        try:
            return None if source is None else replace(source.parse(source.load()), name=name)
        except Unreadable:
            return None


class _Nodes:
    """Whole documents put together from the nodes that a vector store lists."""

    def __init__(self, vector_store: Any, keys: Sequence[str]) -> None:
        self._vector_store = vector_store
        self._keys = keys

    def __call__(self, name: str) -> Document | None:
        for key in self._keys:
            try:
                nodes = self._vector_store.get_nodes(
                    None, MetadataFilters(filters=[MetadataFilter(key=key, value=name)])
                )
            except NotImplementedError:
                return None
            if nodes:
                return joined(name, nodes)
        return None


def joined(name: str, nodes: Iterable[BaseNode]) -> Document:
    """The document that nodes were cut from: laid at their places, overlaps once, blanks between; else in their order.

    Nodes of pages, which readers give as documents of their own, become a document with pages.
    """

    def page(node: BaseNode) -> tuple[int, str]:
        label = str(node.metadata.get("page_label", ""))
        return (int(label) if label.isdecimal() else 0), node.ref_doc_id or ""

    parts = [(label, _laid(list(group))) for label, group in groupby(sorted(nodes, key=page), key=page)]
    starts: list[int] = []
    length = 0
    for _, text in parts:
        starts.append(length)
        length += len(text) + 1
    paged = len(parts) > 1 and [label for (label, _), _ in parts] == list(range(1, len(parts) + 1))
    return _parsed(name, "\n".join(text for _, text in parts), tuple(starts) if paged else ())


def _laid(nodes: list[BaseNode]) -> str:
    placed = [node for node in nodes if isinstance(node, TextNode) and node.start_char_idx is not None]
    if len(placed) < len(nodes):
        return "\n\n".join(node.get_content(metadata_mode=MetadataMode.NONE) for node in nodes)
    text, end = "", 0
    for node in sorted(placed, key=lambda node: (node.start_char_idx or 0, node.node_id)):
        content, start = node.get_content(metadata_mode=MetadataMode.NONE), node.start_char_idx or 0
        if start >= end:
            text += (" " if start - end == 1 else "\n" * min(2, start - end)) + content
        elif start + len(content) > end:
            text += content[end - start :]
        end = max(end, start + len(content))
    return text


def _texts(documents: Callable[[str], str | None]) -> Fetch:
    def fetch(name: str) -> Document | None:
        text = documents(name)
        return _parsed(name, text) if text and text.strip() else None

    return fetch


def _nothing(name: str) -> Document | None:
    return None


def _parsed(name: str, text: str, pages: tuple[int, ...] = ()) -> Document:
    document = read_text(name, text, pages)
    path = Path(name)
    return replace(document, path=name) if path.is_absolute() and path.is_file() else document


def _hint(node: BaseNode, document: Document) -> int | None:
    """Where a node should begin, its page taken into account."""
    start = node.start_char_idx if isinstance(node, TextNode) else None
    label = str(node.metadata.get("page_label", ""))
    if start is not None and label.isdecimal() and 0 < int(label) <= len(document.pages):
        return document.pages[int(label) - 1] + start
    return start


def _at(text: str, part: str, hint: int | None, after: int = 0) -> int | None:
    """Where a part stands in a text: at the hint if it does, else the first time from `after` on, or at all."""
    if hint is not None and text.startswith(part, hint):
        return hint
    found = text.find(part, after)
    found = found if found >= 0 else text.find(part)
    return found if found >= 0 else None


def _number(identity: str) -> int:
    """A passage id that is the same whenever and wherever it is computed."""
    return int.from_bytes(blake2b(identity.encode("utf-8", "replace"), digest_size=8).digest()) >> 1
