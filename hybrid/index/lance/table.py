"""The table of a Lance index: one row for every document, one for every passage, and one with the index's properties.

All of it is one table, since a change of one table is atomic in Lance: a reader that opened a version sees documents
and passages that belong together. The row of properties, the head, is written anew by every commit: two commits at once
both replace it, so that Lance refuses one of them, which then looks again at what is there.

    FOLDER/hybrid.lance      data, deletions, indexes and versions, as Lance lays them out; LanceDB opens FOLDER too
    FOLDER/pending/*.json    fragments that are written and not yet committed
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hybrid.corpus.readers.read import READING
from hybrid.errors import IndexDamaged, IndexStoreError
from hybrid.index.chunking import Chunker
from hybrid.index.lance.seam import arrow, lance, preempted, translated
from hybrid.settings.address import shown
from hybrid.text.words import VERSION as WORDS

NAME = "hybrid.lance"
ENDPOINTS = ("AWS_ENDPOINT", "AWS_ENDPOINT_URL")  # variables with the address of a service like S3
FORMAT = 1
HEAD, DOCUMENT, PASSAGE = 0, 1, 2  # values of the column `row`
WORDS_INDEX, VECTORS = "words_idx", "vector_idx"  # names of indexes
_CUT = {
    "base_tokenizer": "whitespace",
    "lower_case": False,
    "stem": False,
    "remove_stop_words": False,
    "ascii_folding": False,
    "max_token_length": None,
    "with_position": False,
}  # words are cut and folded by hybrid.index.lexical already


@dataclass(frozen=True)
class Head:
    """The properties of an index, and the fragment that holds them."""

    made: Mapping[str, Any]
    fragment: int

    @property
    def generation(self) -> int:
        return int(self.made["generation"])


def schema(dimension: int) -> Any:
    """The columns. Fields that filters ask for are JSON, their names marked by type; see `hybrid.index.where`."""
    pa = arrow()
    numbers = ("ordinal", "start", "end", "source_start", "source_end", "line", "end_line", "page", "tokens")
    return pa.schema(
        [
            pa.field("row", pa.int8()),
            pa.field("document", pa.string()),
            pa.field("fields", pa.json_()),
            pa.field("id", pa.int64()),
            *(pa.field(name, pa.int32()) for name in numbers),
            pa.field("heading", pa.string()),
            pa.field("text", pa.large_string()),
            pa.field("key", pa.string()),
            pa.field("words", pa.string()),
            pa.field("vector", pa.list_(pa.float16(), dimension)),
            # of documents only
            pa.field("hash", pa.string()),
            pa.field("size", pa.int64()),
            pa.field("mtime_ns", pa.int64()),
            pa.field("path", pa.string()),
            pa.field("kind", pa.string()),
            pa.field("language", pa.string()),
            pa.field("outline", pa.string()),
            pa.field("metadata", pa.string()),
            pa.field("passages", pa.int32()),
        ]
    )


def columns(rows: Sequence[Mapping[str, Any]], vectors: Any, dimension: int) -> Any:
    """Rows as an Arrow table; what a row does not name is null.

    Args:
        vectors: half-precision, of shape (n, d): those of the rows that are passages, in their order.
    """
    pa = arrow()
    fields = schema(dimension)
    made = []
    for field in fields:
        if field.name == "vector":
            flat = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), dimension)
            place, places = 0, []
            for row in rows:
                places.append(place if row["row"] == PASSAGE else None)
                place += row["row"] == PASSAGE
            made.append(flat.take(pa.array(places, pa.int64())))
        elif field.name == "fields":
            given = pa.array([row.get("fields") for row in rows], pa.string())
            made.append(pa.ExtensionArray.from_storage(field.type, given))
        else:
            made.append(pa.array([row.get(field.name) for row in rows], field.type))
    return pa.table(made, schema=fields)


def head_row(made: Mapping[str, Any]) -> dict[str, Any]:
    """The row of an index's properties."""
    return {"row": HEAD, "text": json.dumps(dict(made))}


def uri_of(place: Path | str) -> str:
    """The table of an index in a folder or at an address such as `s3://bucket/folder`."""
    return f"{str(place).rstrip('/')}/{NAME}"


def properties(chunker: Chunker) -> dict[str, Any]:
    """What an index made now is made by; one made by anything else does not fit."""
    return {
        "format": FORMAT,
        "embedder": chunker.embedder.fingerprint,
        "tokens": chunker.settings.tokens,
        "reading": f"{READING}.{WORDS}",
    }


def exists(place: Path | str) -> bool:
    """Whether there is a table at this place. Raises IndexStoreError where nobody answers or nothing may be read."""
    return _opened(place) is not None


def opened(place: Path | str, ours: Mapping[str, Any]) -> Any:
    """The newest version of an index's table.

    Raises:
        IndexStoreError: there is none, it is damaged, or it was made by another embedder or a newer version.
    """
    found = _opened(place)
    if found is None:
        raise IndexStoreError(f"There is no index at {place}. Make one with: hybrid index build PATH.")
    check(place, head_of(found, place).made, ours)
    return found


def created(place: Path | str, chunker: Chunker) -> Any:
    """The newest version of an index's table, which is made where there is none."""
    ours = properties(chunker)
    if _opened(place) is None:
        dimension = chunker.embedder.dimension
        first = columns([head_row({**ours, "generation": 0})], _nothing(dimension), dimension)
        with translated(place, "write"):
            at, how = uri_of(place), {"storage_options": options(place)}
            try:  # without retries it replaces nothing that another process made in this moment
                written = lance().fragment.write_fragments(first, at, schema=first.schema, mode="create", **how)
                operation = lance().LanceOperation.Overwrite(first.schema, written)
                index_words(lance().LanceDataset.commit(at, operation, max_retries=0, **how))
            except Exception:
                if _opened(place) is None:
                    raise
    return opened(place, ours)


def check(place: Path | str, made: Mapping[str, Any], ours: Mapping[str, Any], what: str = "The index") -> None:
    """Refuse an index, or a fragment, that does not fit. Raises IndexStoreError."""
    if int(made["format"]) > ours["format"]:
        raise IndexStoreError(
            f"{what} at {place} was made by a newer version (format {made['format']}, this one reads "
            f"{ours['format']}). Upgrade hybrid-context, or give another folder with --index."
        )
    if made["reading"] != ours["reading"]:
        raise IndexStoreError(
            f"{what} at {place} was made by a version that read files or words in another way. Make it anew with "
            "`hybrid index build --rebuild`, or give another folder with --index."
        )
    for key, setting in (("embedder", "the embedder"), ("tokens", "passages.tokens")):
        if made[key] != ours[key]:
            raise IndexStoreError(
                f"{what} at {place} was made with {setting} {made[key]!r}, now it is {ours[key]!r}. Set it back, give "
                "another folder with --index, or make the index anew with `hybrid index build --rebuild`."
            )


def head_of(table: Any, place: Path | str) -> Head:
    """The properties in one version of a table. Raises IndexDamaged."""
    with translated(place, "read"):
        for fragment in sorted(table.get_fragments(), key=lambda f: -f.fragment_id):
            if fragment.physical_rows == 1:
                (row,) = fragment.to_table(columns=["row", "text"]).to_pylist() or ({"row": None},)
                if row["row"] == HEAD:
                    return Head(json.loads(str(row["text"])), fragment.fragment_id)
    raise IndexDamaged(
        f"The index at {place} cannot be read: it is no table of this program. Give another folder with --index."
    )


def index_words(table: Any) -> None:
    """Give a table its index of words, where it has none."""
    if WORDS_INDEX not in indexes(table):
        try:
            table.create_scalar_index("words", "INVERTED", name=WORDS_INDEX, **_CUT)
        except Exception as error:
            if not preempted(error):  # another process makes it in this moment
                raise


def indexes(table: Any) -> dict[str, int]:
    """The indexes of a table, and of how many parts each is."""
    return {index.name: len(index.segments) for index in table.describe_indices()}


def options(place: Path | str) -> dict[str, str] | None:
    """How object storage is spoken to; keys and endpoints come from the environment. None for a folder."""
    scheme, there, rest = str(place).partition("://")
    if not there:
        return None
    if scheme not in ("file", "memory") and not rest.partition("/")[0]:
        raise IndexStoreError(f"The address {place} names no bucket: write it like {scheme}://bucket/folder.")
    if scheme == "memory":
        raise IndexStoreError(f"An index at {place} would be gone at once: give a folder, or an address like s3://.")
    endpoint = next((said for name in ENDPOINTS if (said := os.environ.get(name))), "")
    _check_endpoint(endpoint)
    plain = endpoint.startswith("http://")  # else Lance wants AWS_ALLOW_HTTP as well
    return {
        "connect_timeout": "10s",
        "client_max_retries": "3",
        "client_retry_timeout": "30",
        **({"allow_http": "true"} if plain else {}),
    }


def _check_endpoint(endpoint: str) -> None:
    """Raise IndexStoreError where the address of a service like S3 is none; Lance would panic."""
    try:
        parts = urlsplit(endpoint)
        good = not endpoint or (parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0)
    except ValueError:  # a port that is no number, brackets that do not match
        good = False
    if not good:
        raise IndexStoreError(
            f"AWS_ENDPOINT cannot be {shown(endpoint)!r}: write the service's address, such as https://host:9000."
        )


def _opened(place: Path | str) -> Any:
    with translated(place, "read"):
        try:
            return lance().dataset(uri_of(place), storage_options=options(place))
        except ValueError as error:
            if "was not found" in str(error):
                return None
            raise


def _nothing(dimension: int) -> Any:
    import numpy as np

    return np.zeros((0, dimension), np.float16)
