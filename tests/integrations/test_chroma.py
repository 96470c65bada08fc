"""A corpus in a real Chroma server, which runs as its own process, twice over the same folder.

The test needs the packages chromadb and llama-index-vector-stores-chroma, which only it uses.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from llama_index.core import StorageContext, VectorStoreIndex
from llama_index.core.node_parser import SentenceSplitter

from hybrid.integrations.parts import (
    from_vector_store,
)
from tests.conftest import free_port
from tests.integrations.leases import LONG, RENT, documents, long_lease


@contextmanager
def chroma(folder: Path, port: int) -> Iterator[None]:
    """A Chroma server, as a process of its own."""
    program = Path(sys.executable).with_name("chroma")
    command = [str(program), "run", "--path", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    with (folder.parent / "chroma.log").open("ab") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            for _ in range(300):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v2/heartbeat", timeout=1).close()
                    break
                except OSError:
                    assert process.poll() is None, (folder.parent / "chroma.log").read_text()
                    time.sleep(0.1)
            yield
        finally:
            process.terminate()
            process.wait(20)


@pytest.mark.server
@pytest.mark.skipif(
    importlib.util.find_spec("chromadb") is None
    or importlib.util.find_spec("llama_index.vector_stores.chroma") is None,
    reason="chromadb and llama-index-vector-stores-chroma are not installed",
)
@pytest.mark.filterwarnings("ignore")  # of the server's client, about itself
def test_a_corpus_lives_in_a_server_that_is_restarted(routed, theirs, tmp_path):
    from llama_index.vector_stores.chroma import ChromaVectorStore

    port = free_port()
    folder = tmp_path / "chroma"
    splitter = SentenceSplitter(chunk_size=80, chunk_overlap=20)
    with chroma(folder, port):
        vectors = ChromaVectorStore.from_params("leases", host="127.0.0.1", port=port)
        context = StorageContext.from_defaults(vector_store=vectors)
        VectorStoreIndex.from_documents(documents(), context, embed_model=theirs, transformations=[splitter])
        store = from_vector_store(vectors, theirs)
        assert "1020 dollars" in routed.answer(RENT, store, route="rag").text
    with chroma(folder, port):  # nothing is kept on our side: a new client, a new store
        vectors = ChromaVectorStore.from_params("leases", host="127.0.0.1", port=port)
        store = from_vector_store(vectors, theirs)
        short, long = (routed.answer(RENT, store, rung=rung) for rung in ("passages", "documents"))
        for answer in (short, long):
            assert "1020 dollars" in answer.text
            assert answer.citations[0].document == "Quito.txt"
        assert store.document("Quito.txt").text == LONG["Quito.txt"]
        assert long.usage.prompt_tokens > short.usage.prompt_tokens
        index = VectorStoreIndex.from_vector_store(vectors, embed_model=theirs, transformations=[splitter])
        index.delete_ref_doc("Quito.txt")
        index.insert(documents({"Quito.txt": long_lease("Quito", 1_900)})[0])
        changed = routed.answer(RENT, store, rung="documents")
        assert "1900 dollars" in changed.text
