"""Updates an index in processes that are made to die; scene.py runs this as a program.

Every line read is a request: {"index": folder, "corpus": folder, "die": point, "limit": bytes}. A forked process, which
has the loaded model, carries it out; the reply is its process id at once and how it ended later, one JSON value a line.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

from hybrid.corpus.corpus import Corpus
from hybrid.errors import HybridError
from hybrid.index import update as module
from hybrid.index.chunking import Chunker
from hybrid.index.embedding import Embedder
from hybrid.index.generations import Generations
from hybrid.index.lexical import Lexical
from hybrid.index.store import SqliteStore as Store
from hybrid.index.update import Update
from hybrid.settings import EmbedderSettings, PassageSettings

TOKENS = 32
AT_ONCE = 12  # passages embedded between two commits
POINTS = ("put", "embed", "save", "saved", "commit")


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(point: str | None) -> None:
    """Have this process killed at a point of the update, or hang there."""
    module._EMBED_FIRST = module._EMBED_MOST = AT_ONCE
    if point == "put":  # the first document is pending, the others are not
        calls, put = [0], Update._put

        def second(*args: Any) -> None:
            calls[0] += 1
            die() if calls[0] == 2 else put(*args)

        Update._put = second  # type: ignore[method-assign]
    elif point in ("embed", "hang"):  # two batches are committed
        calls, encode = [0], Embedder.encode_documents

        def third(*args: Any, **how: Any) -> Any:
            calls[0] += 1
            if calls[0] == 3:
                die() if point == "embed" else time.sleep(60)
            return encode(*args, **how)

        Embedder.encode_documents = third  # type: ignore[method-assign]
    elif point == "save":  # the vectors of the next generation are written, the words are not
        Lexical.save = die  # type: ignore[method-assign]
    elif point == "saved":  # all files are there, the database has not moved
        save = Generations.save

        def then(*args: Any) -> None:
            save(*args)
            die()

        Generations.save = then  # type: ignore[method-assign]
    elif point == "commit":  # it has moved, the files of the generation before are still there
        Generations.sweep = die  # type: ignore[method-assign]


def carry_out(embedder: Embedder, request: dict[str, Any]) -> None:
    arm(request.get("die"))
    try:
        store = Store(Path(request["index"]), embedder, Chunker(embedder, PassageSettings(tokens=TOKENS)))
        if request.get("limit"):
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (request["limit"], request["limit"]))
        store.update(Corpus.of(Path(request["corpus"])))
    except HybridError as error:
        print(json.dumps(f"{type(error).__name__}: {error}"), flush=True)
        os._exit(2)
    os._exit(0)


def main() -> None:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    embedder = Embedder(EmbedderSettings(device="cpu", precision="float32"))
    _ = embedder._light, embedder.tokenizer  # loaded, but not yet used: what they start would not survive forking
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            carry_out(embedder, json.loads(line))
        print(json.dumps(child), flush=True)
        _, status = os.waitpid(child, 0)
        print(json.dumps(os.waitstatus_to_exitcode(status)), flush=True)


if __name__ == "__main__":
    main()
