"""The documents and nodes of LlamaIndex as named texts; the pages of one file become one text."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from hybrid.corpus.fields import usable
from hybrid.document import Field
from hybrid.errors import InputError

_PLACE = ("file_path", "file_name", "file_type", "file_size", "page_label", "last_accessed_date")


class Text(NamedTuple):
    """A text with its name."""

    name: str
    text: str
    pages: tuple[int, ...] = ()  # offsets in characters at which its pages begin
    fields: Mapping[str, Field] = {}  # by which filters choose it


def is_node(thing: object) -> bool:
    """Whether this is a LlamaIndex document or node, judged by its attributes."""
    has_text = callable(getattr(thing, "get_content", None)) or isinstance(getattr(thing, "text", None), str)
    return has_text and isinstance(getattr(thing, "metadata", None), Mapping)


def texts_of(nodes: Sequence[Any]) -> Iterator[Text]:
    """Named texts of LlamaIndex documents; LlamaIndex's readers make a document of each page, which are put together.

    Raises:
        InputError: a document has neither a file name nor an id.
    """
    origins: dict[str, list[Any]] = {}
    for node in nodes:
        origins.setdefault(_origin(node), []).append(node)
    short = Counter(_short(group[0], origin) for origin, group in origins.items())
    for origin, group in origins.items():
        name = _short(group[0], origin)
        name = name if short[name] == 1 else origin.replace("\\", "/")
        labels = [str(node.metadata.get("page_label", "")) for node in group]
        numbers = _page_numbers(labels, group[0])
        if numbers is not None:
            yield _paged(name, [_content(node) for node in group], numbers)._replace(fields=_fields(group[0]))
            continue
        paged = all(labels) and len(set(labels)) == len(labels)
        for i, node in enumerate(group):
            mark = "" if len(group) == 1 else f"#page={labels[i]}" if paged else f"#{i + 1}"
            yield Text(name + mark, _content(node), fields=_fields(node))


def _page_numbers(labels: list[str], node: Any) -> list[int] | None:
    """The pages of the file that texts with these labels are, 1 being the first; None where nothing tells.

    LlamaIndex gives the label printed on a page (ii, 1, A-3) where the file has some, and else its number. The file
    itself tells which, if it can be opened. Otherwise labels that are no plain numbers, or begin anew, are printed,
    and the texts are taken for all pages in their order.
    """
    if not all(labels):
        return None
    printed = _printed(str(node.metadata.get("file_path", "")))
    if printed is not None and set(labels) <= set(printed) and len(set(printed)) == len(printed):
        return _ascending([printed.index(label) + 1 for label in labels])
    plain = [int(label) for label in labels if label.isdecimal()]
    if len(plain) == len(labels):
        return _ascending(plain)
    if plain[:1] == [1] and not labels[0].isdecimal() and len(set(labels)) == len(labels) and _ascending(plain):
        return list(range(1, len(labels) + 1))  # i, ii, iii, 1, 2: nobody leaves out pages there
    return None


def _ascending(numbers: list[int]) -> list[int] | None:
    ordered = all(a < b for a, b in pairwise(numbers))
    return numbers if numbers and ordered and numbers[0] > 0 else None


def _printed(path: str) -> list[str] | None:
    """The labels printed on the pages of a PDF; None where it cannot be opened."""
    if not path.lower().endswith(".pdf") or not os.path.isfile(path):  # noqa: PTH113 - Path raises for long ones
        return None
    from hybrid.corpus.readers.pdf.pdf import page_labels

    return page_labels(Path(path))


def _paged(name: str, texts: list[str], numbers: list[int]) -> Text:
    """One text of several pages; a missing page begins where the next one does, and holds nothing."""
    starts: list[int] = []
    length = 0
    for text, number in zip(texts, numbers, strict=True):
        starts += [length] * (number - len(starts))
        length += len(text) + 1
    return Text(name, "\n".join(texts), tuple(starts))


def _fields(node: Any) -> Mapping[str, Field]:
    """Of a node's metadata what filters can ask for; its place and its file are known by other names."""
    return usable({name: value for name, value in node.metadata.items() if name not in _PLACE})


def _content(node: Any) -> str:
    content = getattr(node, "get_content", None)
    return str(content() if callable(content) else node.text)


def _origin(node: Any) -> str:
    """The file or text that a node is of."""
    named = [node.metadata.get("file_path"), node.metadata.get("file_name")]
    named += [getattr(node, attribute, None) for attribute in ("doc_id", "node_id", "id_")]
    origin = next(filter(None, named), None)
    if origin is None:
        raise InputError("A document needs a name: set metadata['file_name'] or an id.")
    return str(origin)


def _short(node: Any, origin: str) -> str:
    return str(node.metadata.get("file_name") or origin.replace("\\", "/").rpartition("/")[2] or origin)
