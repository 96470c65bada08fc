"""Notebooks: the cells in order, Markdown as it is, code between fences; a remark counts the outputs left out."""

from __future__ import annotations

import json
import re

from hybrid.corpus.readers.code.definitions import definitions
from hybrid.corpus.readers.encoding import decode, without_surrogates
from hybrid.corpus.readers.extract import Extract, Unreadable
from hybrid.corpus.readers.headings import markdown_headings
from hybrid.corpus.readers.json import leaves_of, put_string
from hybrid.corpus.readers.rendering import Rendering
from hybrid.document import Heading

_CELL = re.compile(r"((?:worksheets\[\d+\]\.)?cells\[\d+\])\.(source|input|cell_type)$")  # `input` before version 4
# four backticks at least, which no cell in Markdown needs
_FENCED = re.compile(r"^(`{4,})([^\n`]+)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
_LANGUAGES = {"r": "r", "julia": "julia", "bash": "bash", "sql": "sql", "javascript": "javascript", "scala": "scala"}


def read_notebook(data: bytes) -> Extract:
    """The text of a Jupyter notebook, versions 3 and 4.

    Raises:
        Unreadable: it is no JSON, or holds no cells.
    """
    source = decode(data)
    try:
        leaves = leaves_of(source, 0, len(source))
        notebook = json.loads(source)
    except (ValueError, RecursionError):
        raise Unreadable("broken notebook: not JSON") from None
    language = _language(notebook)
    cells: dict[str, tuple[list[tuple[int, int]], list[str]]] = {}  # path -> strings of the source, kind
    for leaf in leaves:
        cell = _CELL.match(leaf.path)
        if cell is not None and source[leaf.start] == '"':
            lines, kinds = cells.setdefault(cell[1], ([], []))
            if cell[2] == "cell_type":
                kinds.append(json.loads(source[leaf.start : leaf.end]))
            else:
                lines.append((leaf.start + 1, leaf.end - 1))
    out = Rendering(source)
    headings: list[Heading] = []
    under = 0  # level of the last heading in Markdown, above all definitions
    for lines, kinds in cells.values():
        if not any(end > start for start, end in lines):
            continue
        is_code = kinds == ["code"]
        begin, text = _put_cell(out, lines, language if is_code else "")
        found = definitions(text, _LANGUAGES.get(language, "python")) if is_code else markdown_headings(text)
        headings += [Heading(begin + h.start, h.level + (under if is_code else 0), h.title) for h in found]
        under = found[-1].level if found and not is_code else under
    if not out.length:
        raise Unreadable("no text in this notebook")
    count = _outputs(notebook)
    said = "the output of 1 cell left out" if count == 1 else f"the outputs of {count} cells left out"
    return out.extract(tuple(headings))._replace(remarks=(said,) if count else ())


def code_of(text: str) -> str:
    """The code of a notebook's text; blanks replace all else, also shell and magic lines, so that places hold."""
    at, parts = 0, []
    for fence in _FENCED.finditer(text):
        magic = re.sub(r"^[ \t]*[%!].*$", lambda line: _blank(line[0]), fence[3], flags=re.MULTILINE)
        parts += [_blank(text[at : fence.start(3)]), magic]
        at = fence.end(3)
    return "".join([*parts, _blank(text[at:])])


def language_of(text: str) -> str:
    """The language of a notebook's code, by the first fence of its text."""
    found = _FENCED.search(text)
    return _LANGUAGES.get(found[2], "python") if found is not None else "python"


def _put_cell(out: Rendering, lines: list[tuple[int, int]], language: str) -> tuple[int, str]:
    """Writes a cell, between fences where it has a language; returns where its text begins, and the text."""
    text = without_surrogates("".join(json.loads(f'"{out.source[start:end]}"') for start, end in lines))
    fence = "`" * max(4, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    if out.length:
        out.fill("\n\n")
    if language:
        out.fill(f"{fence}{language}\n")
    begin = out.length
    for start, end in lines:
        put_string(start, end, out)
    if language:
        out.fill(fence if text.endswith("\n") else f"\n{fence}")
    return begin, text


def _outputs(notebook: object) -> int:
    """How many cells have outputs."""
    sheets = notebook.get("worksheets") if isinstance(notebook, dict) else None  # before version 4
    holders = [notebook, *(sheets if isinstance(sheets, list) else [])]
    held = [holder.get("cells") for holder in holders if isinstance(holder, dict)]
    cells = [cell for some in held if isinstance(some, list) for cell in some]
    return sum(isinstance(cell, dict) and bool(cell.get("outputs")) for cell in cells)


def _language(notebook: object) -> str:
    """The name of the kernel's language."""
    metadata = notebook.get("metadata") if isinstance(notebook, dict) else None
    for key, name in (("language_info", "name"), ("kernelspec", "language")):
        part = metadata.get(key) if isinstance(metadata, dict) else None
        said = part.get(name) if isinstance(part, dict) else None
        if isinstance(said, str) and re.fullmatch(r"[\w+#.-]{1,20}", said):
            return said.lower()
    return "python"


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)
