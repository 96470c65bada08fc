"""OpenDocument files that tests read."""

from __future__ import annotations

from hybrid.corpus.readers.read import read
from hybrid.document import Document
from tests.corpus.files import archive

NAMES = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" '
    'xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"'
)


def odf(suffix: str, body: str, manifest: str = "<m/>", styles: str = "", common: str = "") -> Document:
    content = (
        f"<office:document-content {NAMES}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body>{body}</office:body></office:document-content>"
    )
    shared = f"<office:document-styles {NAMES}>{common}</office:document-styles>"
    members = {"META-INF__manifest_xml": manifest, "styles_xml": shared}
    return read(f"a.{suffix}", archive(content_xml=content, **members))


def style(name: str, family: str, parent: str = "", **properties: str) -> str:
    given = " ".join(f"{key.replace('__', ':').replace('_', '-')}='{value}'" for key, value in properties.items())
    base = f" style:parent-style-name='{parent}'" if parent else ""
    kind = "table" if family == "table" else "text"
    return (
        f"<style:style style:name='{name}' style:family='{family}'{base}>"
        f"<style:{kind}-properties {given}/></style:style>"
    )
