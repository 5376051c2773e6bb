"""What the local workspace costs over calling its engines directly, and how many streams one process holds."""

import asyncio
import math
import re
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import requests

from bench.local_workspace import Engine, authorization, llama_cpp, local_workspace, wait_for_model
from bench.many_streams import Stream, read_streams
from bench.processes import MeasureFailed, local_http
from bench.report import OURS, Row, at_most
from bench.scripted_text import token
from bench.setup import Setup
from local_workspace.engines import catalog
from local_workspace.engines.embedding_engine import EmbeddingModel

DIRECT = "direct"
OVERHEAD_MS = 5
STREAMS, LAG_MS = 200, 100
STREAM_RATE, STREAM_TOKENS, STREAM_SPREAD = 20, 200, 2.0
COUNTS = (25, 50, 100, 200, 300, 400)
TOKEN = re.compile(rb'"content":"[^"]')  # the first chunk has the role and an empty content
API = "/api/2.0/serving-endpoints"


def workspace_overhead(setup: Setup) -> list[Row]:
    """Chat and embeddings, each call to the workspace beside the same call to its engine."""
    rounds = 3 if setup.sizes.repetitions == 1 else 30
    with local_workspace() as ours, llama_cpp() as direct:
        for engine in (ours, direct):
            wait_for_model(engine)
        chat = {OURS: [], DIRECT: []}
        for number in range(rounds):
            # Each side gets its own order in turn, so that whatever else the machine does hits both.
            pair = [(OURS, ours), (DIRECT, direct)]
            for name, engine in pair if number % 2 else reversed(pair):
                chat[name].append(chat_call(engine, number))
        embedding = embedding_calls(ours, rounds)
    rows = [
        row("Chat: first token", "ms", [(c[0], d[0]) for c, d in zip(chat[OURS], chat[DIRECT], strict=True)]),
        row("Chat: tokens a second", "1/s", [(c[1], d[1]) for c, d in zip(chat[OURS], chat[DIRECT], strict=True)]),
        row("Embeddings: one text", "ms", embedding["one"]),
        row("Embeddings: texts a second, by 32", "1/s", embedding["many"]),
    ]
    added = {
        "Workspace adds to a chat call": [c[0] - d[0] for c, d in zip(chat[OURS], chat[DIRECT], strict=True)],
        "Workspace adds to an embedding call": [mine - theirs for mine, theirs in embedding["one"]],
    }
    rows += [
        Row(name, "ms", {OURS: statistics.median(figures)}, DIRECT, **at_most(OVERHEAD_MS))
        for name, figures in added.items()
    ]
    return rows


def row(name: str, unit: str, pairs: list[tuple[float, float]]) -> Row:
    ours, direct = zip(*pairs, strict=True)
    return Row(name, unit, {OURS: statistics.median(ours), DIRECT: statistics.median(direct)}, DIRECT)


def chat_call(engine: Engine, number: int) -> tuple[float, float]:
    """Milliseconds to the first token, and tokens a second after it."""
    body = {
        "messages": [{"role": "user", "content": f"Write a long story about {number + 2} bricks."}],
        "max_tokens": 48,
        "temperature": 0,
        "stream": True,
    }
    began = time.perf_counter()
    # llama.cpp's server drops kept connections at will, so neither side gets to keep one.
    headers = authorization(engine) | {"connection": "close"}
    with local_http.post(engine.url + engine.path, json=body, headers=headers, stream=True, timeout=120) as reply:
        reply.raise_for_status()
        # Pieces as they come: reading line by line costs more than what is measured.
        seen = [time.perf_counter() for piece in reply.iter_content(None) for _ in TOKEN.findall(piece)]
    if len(seen) < 2:
        raise MeasureFailed("the model said less than two tokens")
    return 1000 * (seen[0] - began), (len(seen) - 1) / (seen[-1] - seen[0])


def embedding_calls(ours: Engine, rounds: int) -> dict[str, list[tuple[float, float]]]:
    model = EmbeddingModel(catalog.embedding_model_file(), catalog.tokenizer_file())
    url = f"{ours.url}/serving-endpoints/local-minilm-l6-v2/invocations"
    texts = [f"{number} bricks make a wall, and {number + 1} make a house." for number in range(32)]

    def over_http(asked: list[str]) -> float:
        began = time.perf_counter()
        body = {"input": asked, "encoding_format": "base64"}
        local_http.post(url, json=body, headers=authorization(ours), timeout=60).raise_for_status()
        return time.perf_counter() - began

    def directly(asked: list[str]) -> float:
        began = time.perf_counter()
        model.vectors(model.tokenize(asked))
        return time.perf_counter() - began

    over_http(texts), directly(texts)
    one, many = [], []
    for _ in range(rounds):
        one.append((1000 * over_http(texts[:1]), 1000 * directly(texts[:1])))
        many.append((len(texts) / over_http(texts), len(texts) / directly(texts)))
    return {"one": one, "many": many}


def workspace_streams(setup: Setup) -> list[Row]:
    """The most streams at 20 tokens/s whose 95th percentile of lag stays below 100 ms, from a scripted upstream."""
    counts = COUNTS[:1] if setup.sizes.repetitions == 1 else COUNTS
    scripted = Engine(setup.workspace, "none", "/serving-endpoints/chat/completions", script())
    held, lag = {}, {}
    with local_workspace() as ours:
        external = with_external_endpoint(ours, setup.workspace)
        for name, engine in ((DIRECT, scripted), (OURS, external)):
            held[name], lag[name] = most_streams(setup, engine, counts, name)
    aim = {"aim": f">= {STREAMS}", "aim_is_met": lambda row: row.ours >= STREAMS}
    return [
        Row(f"Streams at once, lag p95 < {LAG_MS} ms", "", held, DIRECT, **aim),
        Row(f"Lag p95 at {max(counts[0], min(STREAMS, counts[-1]))} streams", "ms", lag, DIRECT),
    ]


def script() -> str:
    return f"scripted-{STREAM_RATE}-{STREAM_TOKENS}"


def with_external_endpoint(ours: Engine, upstream: str) -> Engine:
    """An endpoint of the workspace whose external model is the scripted upstream."""
    config = {"databricks_workspace_url": upstream, "databricks_api_token_plaintext": "none"}
    external = {"provider": "databricks-model-serving", "name": script(), "task": "llm/v1/chat"}
    entity = {"name": "scripted", "external_model": external | {"databricks_model_serving_config": config}}
    body = {"name": "many", "config": {"served_entities": [entity]}}
    reply = local_http.post(ours.url + API, json=body, headers=authorization(ours), timeout=60)
    if not reply.ok:
        raise MeasureFailed(f"the endpoint could not be created: {reply.text[:200]}")
    engine = Engine(ours.url, ours.token, "/serving-endpoints/many/invocations", "")
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        state = local_http.get(f"{ours.url}{API}/many", headers=authorization(ours), timeout=10).json()["state"]
        if state["ready"] == "READY":
            return engine
        time.sleep(0.2)
    raise MeasureFailed("the endpoint of the scripted upstream did not become ready")


def most_streams(setup: Setup, engine: Engine, counts: tuple[int, ...], name: str) -> tuple[float, float | None]:
    held, lag_at_aim = 0, None
    for count in counts:
        setup.keep_time()
        lag = measured_lag(setup.workspace, engine, count, f"{name}-{count}-{time.time_ns()}")
        if count == max(counts[0], min(STREAMS, counts[-1])):
            lag_at_aim = lag
        if lag >= LAG_MS:
            setup.notes.append(f"{name}: {count} streams had a lag of {lag:.0f} ms at the 95th percentile")
            break
        held = count
    return held, lag_at_aim


def measured_lag(upstream: str, engine: Engine, count: int, mark: str) -> float:
    """Milliseconds from the upstream's sending a token to our reading it, 95th percentile over all streams."""
    bodies = [
        {"messages": [{"role": "user", "content": f"{mark}-{place}"}], "stream": True}
        | ({"model": engine.model} if engine.model else {})
        for place in range(count)
    ]
    with ThreadPoolExecutor(1) as thread:  # the browser's driver has a loop on this one
        reading = read_streams(engine.url, engine.path, engine.token, bodies, STREAM_SPREAD)
        streams = thread.submit(asyncio.run, reading).result()
    log = requests.get(f"{upstream}/bench/log", params={"mark": mark}, timeout=60).json()
    emitted = {entry["prompt"]: entry["emitted"] for entry in log}
    lags = [lag for stream in streams for lag in lags_of(stream, emitted.get(stream.prompt, []))]
    return sorted(lags)[math.ceil(0.95 * len(lags)) - 1]


def lags_of(stream: Stream, emitted: list[float]) -> list[float]:
    if stream.status != 200 or len(stream.seen) != len(emitted) or not stream.ended:
        raise MeasureFailed(
            f"a stream broke off: status {stream.status}, {len(stream.seen)} of {len(emitted)} tokens such as {token(0)!r}"
        )
    return [1000 * (seen - sent) for seen, sent in zip(stream.seen, emitted, strict=True)]
