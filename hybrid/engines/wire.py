"""The wire to an OpenAI-compatible server: its address, and the JSON that its endpoints beside the chat answer with."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from hybrid.engines.connections import connected
from hybrid.engines.faults import Faults
from hybrid.errors import SettingsError
from hybrid.settings import EngineSettings
from hybrid.settings.address import shown

_LABEL = re.compile(r"[a-z0-9_:]([a-z0-9_:-]{0,61}[a-z0-9_:])?", re.IGNORECASE)  # of a host name; IPv6 has colons


class Wire:
    """The connections to one server; nothing is sent until something is asked.

    Args:
        settings: its address, the name of its key, timeout and retries.

    Raises:
        SettingsError: the address or the key cannot be used.
    """

    def __init__(self, settings: EngineSettings) -> None:
        from openai import DefaultHttpxClient, OpenAI, Timeout

        self.url = _base(settings.url)
        parts = urlsplit(self.url)
        self.host = parts.netloc.rpartition("@")[2]
        self.local = parts.hostname in ("localhost", "127.0.0.1", "::1")
        key = os.environ.get(settings.api_key_env, "").strip()
        if not key.isascii():
            raise SettingsError(f"The key in the environment variable {settings.api_key_env} is not plain ASCII text.")
        self.faults = Faults(f"{parts.scheme}://{self.host}{parts.path}", settings, has_key=bool(key))
        self.client = OpenAI(
            base_url=self.url,
            api_key=key or "none",
            max_retries=settings.retries,
            timeout=Timeout(settings.timeout, connect=min(settings.timeout, 10.0)),
            # a proxy of the environment is for other machines
            http_client=connected(DefaultHttpxClient(trust_env=not self.local)),
        )

    def call(self, path: str, body: object = None, *, retries: int | None = None, beside: bool = False) -> object:
        """The JSON that an endpoint answers with.

        Args:
            retries: None for those of the settings.
            beside: the endpoint lies beside the address, not under its /v1.

        Raises:
            EngineError: the server cannot be reached, refuses, or answers with something else.
        """
        import openai

        try:
            return self._send(path, body, retries=retries, beside=beside)
        except openai.APIError as error:
            raise self.faults.failure(error, retries) from None
        except ValueError:
            raise self.faults.garbage("text that is not JSON") from None

    def probe(self, path: str, body: object = None) -> Mapping[str, Any]:
        """The object that an endpoint beside the address answers with, empty where the server has no such endpoint.

        Raises:
            EngineError: the server cannot be reached, or is too busy to tell.
        """
        import openai

        try:
            data = self._send(path, body, beside=True)
        except openai.APIStatusError as error:
            if error.status_code in (429, 503):  # busy or still loading, which says nothing about the endpoint
                raise self.faults.failure(error) from None
            return {}
        except openai.APIError as error:
            raise self.faults.failure(error) from None
        except ValueError:
            return {}
        return data if isinstance(data, Mapping) else {}

    def alive(self, seconds: float) -> bool:
        """Whether the server says in time that it is well; one without an endpoint for that only has to answer."""
        import openai

        try:
            self.client.with_options(timeout=seconds, max_retries=0).get(
                re.sub(r"/v\d+$", "", self.url) + "/health", cast_to=object
            )
        except openai.APIStatusError as error:
            return error.status_code < 500
        except openai.APIError:
            return False
        except ValueError:  # a reply that is no JSON
            return True
        return True

    def _send(self, path: str, body: object, *, retries: int | None = None, beside: bool = False) -> object:
        url = (re.sub(r"/v\d+$", "", self.url) if beside else self.url) + path
        options: Any = {} if retries is None else {"max_retries": retries}
        if body is None:
            return self.client.get(url, cast_to=object, options=options)
        return self.client.post(url, cast_to=object, body=body, options=options)


def _base(url: str | None) -> str:
    """The address under which /models and /chat/completions lie."""
    text = (url or "").strip().rstrip("/").removesuffix("/chat/completions")
    if not text:
        raise SettingsError("A model server needs its address; set engine.url, such as http://localhost:8000/v1.")
    try:
        parts = urlsplit(text)
        labels = (parts.hostname or "").split(".")
        usable = parts.scheme in ("http", "https") and parts.port != 0 and text.isprintable()
        usable = usable and all(map(_LABEL.fullmatch, labels))
    except ValueError:  # a port that is no number, brackets that do not match
        usable = False
    if not usable:
        raise SettingsError(
            f"The setting engine.url cannot be {shown(text)!r}; write it like http://localhost:8000/v1."
        )
    return text if parts.path else f"{text}/v1"
