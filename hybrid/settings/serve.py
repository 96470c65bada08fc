"""The settings of the service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator

from hybrid.settings.section import Name, Section


class KeySettings(Section):
    """Somebody who may ask, and how much."""

    key: str = Field(min_length=16, repr=False, description="the secret that is sent as a bearer token")
    dollars_per_day: float | None = Field(None, gt=0, description="what this key may spend from midnight UTC on")
    at_once: int = Field(8, ge=1, description="questions of this key that are answered at once")


class ServeSettings(Section):
    """`hybrid serve`: which corpora, where, for whom, and within which limits."""

    corpora: dict[Name, tuple[Name, ...]] = Field({}, description="files, folders or globs by the name of their corpus")
    host: Name = Field("127.0.0.1", description="the address to listen on; any other than this machine's needs a key")
    port: int = Field(8410, ge=0, le=65535, description="0: any that is free")
    hosts: tuple[str, ...] = Field((), description="further names that the service may be called by, without a port")
    origins: tuple[str, ...] = Field(
        (), description="other sites whose pages may call it, such as https://chat.example"
    )
    url: Name | None = Field(None, description="what links to documents begin with; None: as the caller called it")
    key: str | None = Field(
        None, min_length=16, repr=False, description="the one key, where there are no tables in serve.keys"
    )
    keys: dict[Name, KeySettings] = Field({}, description="keys with limits of their own: tables [serve.keys.NAME]")
    at_once: int = Field(16, ge=1, description="questions that are answered at once")
    waiting: int = Field(256, ge=1, description="questions that may wait for their turn; further ones get 429")
    seconds: float = Field(600.0, gt=0, description="that an answer may take")
    question_characters: int = Field(20_000, ge=100, description="of a question")
    body_mb: float = Field(4.0, gt=0, description="of a request that is no upload")
    upload_mb: float = Field(64.0, gt=0, description="of an uploaded file")
    reading_seconds: float = Field(60.0, gt=0, description="CPU time that reading an uploaded file may take")
    reading_mb: float = Field(2048.0, ge=256, description="memory that reading an uploaded file may take")
    files_per_key: int = Field(2000, ge=1, description="uploaded files that a key may keep")
    uploads_mb_per_key: float = Field(8192.0, gt=0, description="of all files that a key keeps, without their indexes")
    stores_per_key: int = Field(200, ge=1, description="vector stores that a key may keep")
    uploads: Name | None = Field(None, description="folder for uploaded files; None: the user's data folder")
    watch: bool = Field(True, description="bring an index up to date when files of its corpus change")

    @field_validator("corpora", mode="before")
    @classmethod
    def _one_path_is_a_list(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        return {name: (paths,) if isinstance(paths, str) else paths for name, paths in given.items()}
