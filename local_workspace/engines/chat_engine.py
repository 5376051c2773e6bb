"""llama.cpp's own HTTP server, in a process of its own: `python -m local_workspace.engines.chat_engine`.

It reads one JSON line on stdin, `{"model": path, "alias": str, "api_key": str, "threads": int}`, prints one,
`{"url": "http://127.0.0.1:PORT"}`, and ends when stdin does: the pipe is held by the workspace, so not even a SIGKILL of
the workspace leaves this process behind. The key comes through the pipe because arguments and environments can be read
by other users of the machine.
"""

import json
import os
import sys
from typing import Any

CONTEXT_TOKENS = 8192
# As many as the largest `n`. Each has a context of its own: llama.cpp lets slots share one cache, but when that is full it
# fails every conversation in it. With 8-bit keys and values the five take 480 MB.
SLOTS = 5
# Prompts are read in pieces of so many tokens, about half a second's work on one core. Between pieces the other
# conversations go on, and one whose caller has hung up ends; llama.cpp's own 2048 held both up for 14 s.
BATCH_TOKENS = 64
HTTP_THREADS = 64


def main() -> None:
    """Serve until stdin ends."""
    order = json.loads(sys.stdin.readline())
    server = _serve(order)
    try:
        sys.stdout.write(json.dumps({"url": server.listening_address}) + "\n")
        sys.stdout.flush()
        while sys.stdin.read(4096):
            pass
    finally:
        # No unwinding, also when the workspace ended while the model was loading and the pipe is broken: a generation may
        # be running in llama.cpp's threads, and its server's destructor waits for them for ever.
        os._exit(0)


def _serve(order: dict[str, Any]) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = order["model"]
    params.model_alias = {order["alias"]}
    params.api_keys = [order["api_key"]]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_threads_http = HTTP_THREADS
    params.endpoint_slots = False
    params.ui = False
    params.verbosity = 0
    params.use_jinja = True
    params.warmup = False
    params.sse_ping_interval = -1  # a ping is an SSE comment, which mlflow's reader takes for an error
    params.n_gpu_layers = 0
    # Never inherited: llama.cpp's threads spin while they wait for each other, and two on two busy cores are 30 times
    # slower than one.
    params.cpuparams.n_threads = order["threads"]
    params.cpuparams_batch.n_threads = order["threads"]
    params.n_ctx = SLOTS * CONTEXT_TOKENS
    params.n_parallel = SLOTS
    params.kv_unified = False
    params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_Q8_0
    params.cache_ram_mib = 0
    params.n_batch = params.n_ubatch = BATCH_TOKENS
    return xllamacpp.Server(params)


if __name__ == "__main__":
    main()
