"""Scanned pages of a PDF: an image in place of text, with nothing or only a stamp, a number or a header over it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

_WORDS = 15  # a page with as many says something itself
_FILLED = 0.6  # of the page: the least that the images of a scan take
_DEEP = 3  # forms within each other that are looked into
_UNSEEN = 3  # the mode of invisible text, which a program has recognised on a scan already
_WITHIN = 0  # the number of an image within the drawing itself, which has none

Image = tuple[int, float]  # its number in the file, and how much of the page it takes


def scanned(reader: Any, texts: Sequence[str]) -> list[int]:
    """The numbers of the pages that are scans, from 1.

    A page without text is a scan where it shows an image. A page of a few words is one where images fill it, unless
    invisible text says that they are recognised already. An image on several such pages is their background.
    """
    scans = []
    few: dict[int, list[Image]] = {}
    for number, text in enumerate(texts, 1):
        if len(text.split()) >= _WORDS or not _has_image(page := reader.pages[number - 1]):
            continue
        if text.strip():
            few[number] = _images(page)
        else:
            scans.append(number)
    pages = Counter(image for images in few.values() for image in {image for image, _ in images})
    for number, images in few.items():
        if sum(size for image, size in images if image == _WITHIN or pages[image] == 1) >= _FILLED:
            scans.append(number)
    return sorted(scans)


def _has_image(page: Any) -> bool:
    def among(resources: Any, depth: int) -> bool:
        resources = resources.get_object() if resources is not None else None
        found = resources.get("/XObject") if resources is not None else None
        for thing in found.get_object().values() if found is not None else ():
            thing = thing.get_object()
            if thing.get("/Subtype") == "/Image" or (depth and among(thing.get("/Resources"), depth - 1)):
                return True
        return False

    try:
        return among(page.get("/Resources"), _DEEP)
    except Exception:  # noqa: BLE001 - a broken file leads pypdf to raise nearly anything
        return False


def _images(page: Any) -> list[Image]:
    """The images that a page shows; empty where it has invisible text."""
    try:
        size = abs(float(page.cropbox.width) * float(page.cropbox.height))
        drawn = list(_drawn(page.get_contents(), page.get("/Resources"), 1.0, _DEEP))
    except Exception:  # noqa: BLE001 - see above; the page is then one of text
        return []
    return [] if None in drawn or not size else [(image, area / size) for image, area in filter(None, drawn)]


def _drawn(content: Any, resources: Any, scale: float, depth: int) -> Iterator[Image | None]:
    """The images of a content with their areas, `scale` times those in it, and None for invisible text."""
    from pypdf.generic import ContentStream

    things: Any = resources.get_object().get("/XObject") if resources is not None else None
    things = things.get_object() if things is not None else {}
    outer = []
    for operands, operator in content.operations if content is not None else ():
        if operator == b"q":
            outer.append(scale)
        elif operator == b"Q" and outer:
            scale = outer.pop()
        elif operator == b"cm":
            scale *= _area(operands)
        elif operator == b"Tr" and operands[0] == _UNSEEN:
            yield None
        elif operator == b"INLINE IMAGE":
            yield _WITHIN, scale
        elif operator == b"Do" and operands[0] in things:
            thing = things[operands[0]].get_object()
            if thing.get("/Subtype") == "/Image":  # drawn as the unit square
                yield getattr(things.raw_get(operands[0]), "idnum", _WITHIN), scale
            elif depth:
                inner = scale * _area(thing.get("/Matrix", (1, 0, 0, 1, 0, 0)))
                yield from _drawn(
                    ContentStream(thing, content.pdf), thing.get("/Resources", resources), inner, depth - 1
                )


def _area(matrix: Sequence[Any]) -> float:
    """The factor by which a matrix enlarges areas."""
    a, b, c, d, *_ = map(float, matrix)
    return abs(a * d - b * c)
