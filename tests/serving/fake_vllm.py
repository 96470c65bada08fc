"""A double of vLLM's program for what the real one does not do on demand: `serve MODEL --fault NAME`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

LOG = """\
(APIServer pid=7) INFO 01-31 12:00:00 [api_server.py:1] vLLM API server version 0.32.0
(EngineCore pid=8) ERROR 01-31 12:00:01 [core.py:1] Traceback (most recent call last):
(EngineCore pid=8) ERROR 01-31 12:00:01 [core.py:1]   File "core.py", line 1, in run
(EngineCore pid=8) ERROR 01-31 12:00:01 [core.py:1]     raise ValueError(
(EngineCore pid=8) ERROR 01-31 12:00:01 [core.py:1] ValueError: To serve at least one request, 4.00 GiB KV cache is \
needed, which is larger than the available 1.00 GiB. Try increasing `gpu_memory_utilization`.
(APIServer pid=7) Traceback (most recent call last):
(APIServer pid=7)   File "api_server.py", line 1, in main
(APIServer pid=7)     raise RuntimeError(
(APIServer pid=7) RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {'E': 1}
"""


class Handler(BaseHTTPRequestHandler):
    """Answers like vLLM, with one fault."""

    window = 0
    fault = ""
    name = ""
    answered = 0

    def do_GET(self) -> None:
        if self.path == "/metrics":
            counted = (
                f'vllm:request_success_total{{model_name="{self.name}",finished_reason="length"}} {self.answered}.0'
            )
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f"{counted}\n".encode())
            return
        self.answer(200, {})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/tokenize":
            window = self.window // 2 if self.fault == "window" else self.window
            tokens = list(range(len(asked["prompt"].split())))
            self.answer(200, {"count": len(tokens), "tokens": tokens, "max_model_len": window})
            return
        if self.path == "/v1/chat/completions":
            Handler.answered += 1
            self.answer(200, {"choices": [{"message": {"role": "assistant", "content": "a"}}]})
            return
        read = len(asked["prompt"])
        if self.fault == "crash":
            os._exit(3)
        if self.fault == "not a number":  # as vLLM 0.32 reports it
            self.answer(400, {"error": {"message": "Out of range float values are not JSON compliant"}})
        elif self.fault == "broken":
            self.answer(500, {"error": {"message": "index out of bounds"}})
        elif read + asked["max_tokens"] > self.window and self.fault != "longer":
            self.answer(400, {"error": {"message": f"maximum context length is {self.window} tokens"}})
        else:
            read -= 100 if self.fault == "truncated" else 0
            logprob = float("nan") if self.fault == "nan" else -1.5
            choice = {"text": "a", "logprobs": {"token_logprobs": [logprob]}}
            self.answer(200, {"choices": [choice], "usage": {"prompt_tokens": read}})

    def answer(self, status: int, data: Any) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(data).encode())

    def log_message(self, format: str, *args: Any) -> None:
        pass


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("serve")
    parser.add_argument("model")
    for flag in ("--served-model-name", "--host", "--hf-overrides", "--kv-transfer-config", "--fault", "--pids"):
        parser.add_argument(flag, default="")
    for flag in ("--port", "--max-model-len"):
        parser.add_argument(flag, type=int)
    for flag in ("--enable-prefix-caching", "--enable-prompt-tokens-details", "--enable-per-request-metrics"):
        parser.add_argument(flag, action="store_true")
    given = parser.parse_args()
    if given.fault == "raises":
        print(LOG, flush=True)
        return 1
    if given.fault == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])  # as vLLM's engine core is one
    if given.pids:
        with Path(given.pids).open("a") as file:
            file.write(f"{os.getpid()} {child.pid}\n")
    print(f"INFO 01-31 12:00:00 [utils.py:1] loading {given.model}", flush=True)
    if given.fault in ("hangs", "deaf"):
        time.sleep(600)
    if given.fault == "dies":
        return 3
    Handler.name = given.served_model_name
    Handler.window, Handler.fault = given.max_model_len, given.fault
    ThreadingHTTPServer((given.host, given.port), Handler).serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
