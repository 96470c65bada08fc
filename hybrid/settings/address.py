"""The address of a model server: as it is shown, what is sent for its user, and whether two are of one server."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

_USER = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)?.*@", re.IGNORECASE | re.DOTALL)
_PORTS = {"http": 80, "https": 443}  # where an address names none


def shown(url: str) -> str:
    """An address, or what somebody gave for one, without user and password: for people, files and logs."""
    return _USER.sub(lambda found: found["scheme"] or "", url, count=1)


def shown_in(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings, by section, for people and files that are passed on: the addresses of engines as they are shown."""
    kept = dict(settings)
    for section in ("engine", "long_engine"):
        if engine := dict(settings.get(section) or {}):
            if engine.get("url"):
                engine["url"] = shown(engine["url"])
            if engine.get("urls"):
                engine["urls"] = list(map(shown, engine["urls"]))
            kept[section] = engine
    return kept


def credentials(url: str) -> Mapping[str, str]:
    """The header for the user and password in an address; none where it has no user."""
    parts = urlsplit(url)
    if parts.username is None:
        return {}
    told = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    return {"Authorization": f"Basic {b64encode(told).decode('ascii')}"}


def server_of(url: str) -> str:
    """What two addresses of one server have in common, however they are written."""
    text = url.strip().rstrip("/").removesuffix("/chat/completions")
    try:
        parts = urlsplit(text)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:  # it is refused where it is used
        return text
    return f"{parts.scheme}://{parts.hostname}:{port}{parts.path or '/v1'}"
