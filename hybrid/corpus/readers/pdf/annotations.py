"""Entries in the forms of a PDF, comments on its pages, and files embedded in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hybrid.corpus.readers.encoding import without_surrogates
from hybrid.corpus.readers.pdf.pages import plain

_COMMENTS = frozenset(
    """/FreeText /Text /Highlight /Underline /Squiggly /StrikeOut /Caret /Line /Square /Circle /Polygon /PolyLine /Ink
    /Stamp""".split()
)
_DEEP = 32  # levels of the tree of embedded files that are looked into


def filled_in(page: Any) -> str:
    """The entries of the form fields of a page, and the comments on it, a line each."""
    lines: list[str] = []
    for reference in page.get("/Annots") or ():
        annotation = reference.get_object()
        if int(annotation.get("/F", 0)) & 1 << 1:  # hidden
            continue
        kind = annotation.get("/Subtype")
        if kind == "/Widget":
            lines += _field(annotation)
        elif kind in _COMMENTS and str(annotation.get("/Contents") or "").strip():
            lines.append(f"[note: {' '.join(str(annotation['/Contents']).split())}]")
    return plain(without_surrogates("\n".join(dict.fromkeys(lines)))).replace("\0", " ")


def _field(widget: Any) -> Iterator[str]:
    told = {key: _inherited(widget, key) for key in ("/TU", "/T", "/V", "/FT", "/Ff")}
    label = " ".join(str(told["/TU"] or told["/T"] or "").split())
    value = told["/V"]
    if told["/FT"] == "/Btn":
        state = widget.get("/AS", value)
        if state is None or int(told["/Ff"] or 0) & 1 << 16:  # a push button
            return
        on = str(state).lstrip("/")
        if on == "Off" and int(told["/Ff"] or 0) & 1 << 15:  # one of several that was not chosen
            return
        yield f"{label}: {'no' if on == 'Off' else 'yes' if on in ('Yes', 'On', '1') else on}"
    elif value is not None and told["/FT"] != "/Sig" and label and not int(told["/Ff"] or 0) & 1 << 13:  # no password
        shown = _shown(widget) if told["/FT"] == "/Ch" else {}
        values = [shown.get(str(one), str(one)) for one in (value if isinstance(value, list) else [value])]
        text = " ".join(", ".join(values).split()).lstrip("/" if told["/FT"] == "/Ch" else "")
        if text:
            yield f"{label}: {text}"


def _shown(widget: Any) -> dict[str, str]:
    """The words that a choice field shows, by value."""
    options = _inherited(widget, "/Opt")
    pairs = [option for option in options or () if isinstance(option, list) and len(option) == 2]
    return {str(value): str(told) for value, told in pairs}


def _inherited(widget: Any, key: str) -> Any:
    """A property of a field or of its parents."""
    for _ in range(8):  # parents can lead in a circle
        if key in widget:
            return widget[key].get_object() if hasattr(widget[key], "get_object") else widget[key]
        if "/Parent" not in widget:
            return None
        widget = widget["/Parent"].get_object()
    return None


def embedded_files(reader: Any) -> list[str]:
    """The names of the embedded files, each once: those of the whole document, and those pinned to its pages."""
    found: dict[Any, str] = {}
    try:
        for file in _files(reader):
            carried = _at(file, "/EF")
            key = next((carried.raw_get(key) for key in ("/UF", "/F") if carried and key in carried), None)
            if key is not None:
                name = without_surrogates(str(file.get("/UF") or file.get("/F") or "")).replace("\0", " ")
                found.setdefault(getattr(key, "idnum", id(key)), " ".join(name.split()) or "without a name")
    except Exception:  # noqa: BLE001 - a broken file leads pypdf to raise nearly anything; its pages can be read
        pass
    return list(found.values())


def _files(reader: Any) -> Iterator[Any]:
    """The descriptions of the files, with name and place."""
    yield from _named(_at(_at(reader.root_object, "/Names"), "/EmbeddedFiles"), _DEEP)
    for page in reader.pages:
        for reference in _at(page, "/Annots") or ():
            annotation = reference.get_object()
            if annotation.get("/Subtype") == "/FileAttachment" and (file := _at(annotation, "/FS")) is not None:
                yield file


def _named(tree: Any, depth: int) -> Iterator[Any]:
    """The things that a tree of names leads to."""
    for reference in (_at(tree, "/Names") or ())[1::2]:
        yield reference.get_object()
    for branch in (_at(tree, "/Kids") or ()) if depth else ():
        yield from _named(branch.get_object(), depth - 1)


def _at(thing: Any, key: str) -> Any:
    found = thing.get(key) if thing is not None else None
    return found.get_object() if found is not None else None
