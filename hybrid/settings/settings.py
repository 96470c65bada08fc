"""All settings, as the sections of `hybrid.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from hybrid.settings.cost import CostSettings
from hybrid.settings.engine import ADDRESSES, EngineSettings
from hybrid.settings.names import StoreName
from hybrid.settings.routing import RoutingSettings
from hybrid.settings.section import Name, Section
from hybrid.settings.serve import ServeSettings


class CorpusSettings(Section):
    """Which files are read."""

    paths: tuple[str, ...] = Field((), description="read by commands that name no path, relative to this folder")
    exclude: tuple[str, ...] = Field((), description="patterns in .gitignore syntax to leave out")
    max_file_mb: float = Field(64.0, gt=0, description="larger files are reported and left out")
    text_column: Name | None = Field(
        None, description="of Parquet and JSON lines whose rows are documents; None: text, content, body or the like"
    )
    name_column: Name | None = Field(None, description="likewise for their names; None: name, path, id or the like")
    storage: Mapping[str, Mapping[str, Any]] = Field(
        {}, description="what fsspec is given, by protocol: {s3 = {anon = true}}"
    )

    metadata: Name | None = Field(
        None, description='a JSON file of fields for filters, by document: {"lease.pdf": {"year": 2024}}'
    )

    @model_validator(mode="after")
    def _paths_are_files(self) -> CorpusSettings:
        for path in self.paths:
            if path.strip() in ("", "-"):
                what = "standard input, which only the command line can name" if path.strip() else "no path"
                raise ValueError(f"the key 'paths' names {path!r}, and that is {what}: leave it out")
        return self


class PassageSettings(Section):
    """How documents are split."""

    tokens: int = Field(214, ge=16, description="longest passage, in the embedder's tokens, its heading not counted")


class EmbedderSettings(Section):
    """The model that turns text into vectors."""

    model: str = Field("minilm", min_length=1, description="'minilm' (packaged), a folder, or a model hub's name")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1, mps")
    precision: Literal["auto", "float32", "bfloat16", "int8"] = Field(
        "auto", description="of passages; auto: the quickest that ranks as float32 does"
    )
    query_prompt: str | None = Field(None, description="put before questions; None: the model's own")
    document_prompt: str | None = Field(None, description="put before passages; None: the model's own")


class RetrievalSettings(Section):
    """How passages are searched, and how many are read."""

    mode: Literal["fused", "dense", "lexical"] = "fused"
    k: int = Field(8, ge=1, description="passages read on the rag route")
    reranker: Name | None = Field(
        None,
        description="a cross-encoder of sentence-transformers that orders the passages found, a folder or a hub name; "
        "or 'packaged'",
    )
    rerank_from: int = Field(50, ge=2, description="passages that the reranker reads")

    @model_validator(mode="after")
    def _every_key_has_an_effect(self) -> RetrievalSettings:
        if self.reranker is None and self.rerank_from != type(self).model_fields["rerank_from"].default:
            raise ValueError("the key 'rerank_from' has no effect without 'reranker': leave it out")
        if self.reranker is not None and self.rerank_from < self.k:
            raise ValueError(
                f"the key 'rerank_from' is {self.rerank_from}, fewer than the {self.k} passages of 'k': raise it"
            )
        return self


class IndexSettings(Section):
    """Where and how indexes are kept."""

    store: StoreName = Field(
        "sqlite", description="what keeps passages and searches them; sqlite: SQLite, FAISS, BM25; lance: a Lance table"
    )
    dir: Name | None = Field(
        None,
        description="folder for this corpus's index, for lance also s3://bucket/folder; None: the user's cache folder",
    )


class Settings(Section):
    """All settings; each section is a table of `hybrid.toml`."""

    corpus: CorpusSettings = CorpusSettings()
    passages: PassageSettings = PassageSettings()
    embedder: EmbedderSettings = EmbedderSettings()
    retrieval: RetrievalSettings = RetrievalSettings()
    engine: EngineSettings = EngineSettings()
    long_engine: EngineSettings | None = Field(
        None,
        description="an engine for whole documents; None: the same. Where it names no url, model or kind, it is the "
        "same with other settings. Another engine that is named later, such as by --url, takes its place too",
    )
    routing: RoutingSettings = RoutingSettings()
    cost: CostSettings = CostSettings()
    index: IndexSettings = IndexSettings()
    serve: ServeSettings = ServeSettings()

    @model_validator(mode="before")
    @classmethod
    def _the_long_engine_is_the_same_with_changes(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        one, other = given.get("engine"), given.get("long_engine")
        if not isinstance(one, Mapping) or not isinstance(other, Mapping) or {"model", "kind", *ADDRESSES} & set(other):
            return given
        return {**given, "long_engine": {**one, **other}}
