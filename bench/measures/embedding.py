"""Texts to vectors: beside LangChain's class and mlflow's client, and how near to what the endpoint's pace allows."""

import contextlib
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.local_workspace import Engine, local_workspace
from bench.processes import MeasureFailed, end, free_port, local_http, running
from bench.report import OURS, Row, at_most
from bench.setup import Setup
from bench.subjects import PEERS, ROOT
from services.doors import typed
from services.embeddings.asking import embed_texts
from services.embeddings.asking.cache import VectorCache
from services.embeddings.records import Asking, Embedded

LANGCHAIN, MLFLOW = "langchain", "mlflow"
CLIENTS = ROOT / ".venv-clients" / "bin" / "python"
LOCAL = "local-minilm-l6-v2"
WORDS = [
    "bricks",
    "are",
    "laid",
    "in",
    "courses",
    "and",
    "a",
    "wall",
    "of",
    "them",
    "bears",
    "what",
    "stands",
    "on",
    "it",
]


@dataclass(frozen=True)
class Peer:
    """A client in a process of its own, which has imported what it needs."""

    process: subprocess.Popen

    def seconds(self, texts: list[str]) -> float:
        self.process.stdin.write(json.dumps(texts) + "\n")
        self.process.stdin.flush()
        return self.said()

    def said(self):
        line = self.process.stdout.readline()
        if not line:
            raise MeasureFailed("a client ended before its answer")
        return json.loads(line)


def embedding(setup: Setup) -> list[Row]:
    """Texts a second; then 5,000 texts with repetitions and failures beside the ideal of their requests."""
    small = setup.sizes.repetitions == 1
    rows = []
    with local_workspace() as ours:
        count = 100 if small else 600
        aim = {"aim": ">= 1x", "aim_is_met": lambda row: row.ratio >= 1}
        rows += paced(setup, "local model", ours, LOCAL, count, 1 if small else 5, aim)
    with scripted() as endpoint:
        count = 600 if small else 3000
        aim = {"aim": ">= 8x", "aim_is_met": lambda row: row.ratio >= 8}
        rows += paced(setup, "50 ms a request", endpoint, "vectors-50ms", count, 1 if small else 5, aim)
        if not setup.peers_only:
            rows += against_ideal(setup, endpoint)
    return rows


def paced(setup: Setup, name: str, engine: Engine, endpoint: str, count: int, rounds: int, aim: dict) -> list[Row]:
    """Round by round, each with texts of its own, so that nobody has an answer kept."""
    paces: dict[str, list[float]] = {}
    with contextlib.ExitStack() as stack:
        peers = {
            who: stack.enter_context(client(who, engine, endpoint)) for who in (LANGCHAIN, MLFLOW) if CLIENTS.exists()
        }
        if not peers:
            setup.notes.append("the clients are left out: `make clients` installs them")
        turns = {who: peer.seconds for who, peer in peers.items()}
        if not setup.peers_only:
            turns[OURS] = lambda texts: our_seconds(engine, Asking(endpoint), texts)
        for number in range(rounds + 1):
            setup.keep_time()
            for who, seconds in turns.items():
                took = seconds(texts_of(count if number else 40, f"{number} {who}"))
                if number:
                    paces.setdefault(who, []).append(count / took)
    medians = {who: statistics.median(pace) for who, pace in paces.items()}
    return [Row(f"Embedding, {name}", "texts/s", medians, LANGCHAIN, **aim)]


def against_ideal(setup: Setup, engine: Engine) -> list[Row]:
    """5,000 texts, one in five a repetition and one in a hundred failing, at 100 ms a request."""
    rows = []
    asking = Asking("vectors-100ms")
    for kind, how in (("missing", "missing in the reply"), ("refused", "refused with its request")):
        texts = texts_of(4000, "text")
        for place in range(0, 4000, 100):
            texts[place] = f"{kind} {texts[place]}"
        texts += texts[:1000]
        random.Random(1).shuffle(texts)
        ideal = math.ceil(4000 / (asking.batch * asking.at_once)) * 0.1
        with tempfile.TemporaryDirectory() as folder:
            cache = VectorCache(Path(folder))
            first = ours(engine, asking, texts, cache)
            before = seen(engine)
            second = ours(engine, asking, [text for text in texts if not text.startswith(kind)], cache)
            repeated = seen(engine) - before
        if first.progress.failed != 50 or second.progress.failed:
            raise MeasureFailed(f"{first.progress.failed} texts failed, not 50")
        setup.notes.append(
            f"5,000 texts, failing ones {how}: {first.progress.seconds:.2f} s for {first.progress.requests} requests; "
            f"the ideal of {ideal:.1f} s is that of {math.ceil(4000 / asking.batch)} requests, {asking.at_once} at once"
        )
        aim = at_most(1.3) if kind == "missing" else {}
        rows.append(Row(f"5,000 texts, 1 % {kind}: over the ideal", "x", {OURS: first.progress.seconds / ideal}, **aim))
        rows.append(Row("requests of a second run", "", {OURS: float(repeated)}, **at_most(0)))
    return rows


def our_seconds(engine: Engine, asking: Asking, texts: list[str]) -> float:
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        embedded = ours(engine, asking, texts, VectorCache(Path(folder)))
    if embedded.progress.done != len(texts):
        raise MeasureFailed(f"{embedded.progress.done} of {len(texts)} texts have a vector")
    return time.perf_counter() - began


def ours(engine: Engine, asking: Asking, texts: list[str], cache: VectorCache) -> Embedded:
    with contextlib.closing(typed(engine.url, engine.token)) as workspace:
        return embed_texts(workspace, asking, texts, cache=cache, owner="bench")


def texts_of(count: int, mark: str) -> list[str]:
    """Of 5 to 25 words, no two alike."""
    chance = random.Random(mark)
    return [f"{mark} {number} {' '.join(chance.choices(WORDS, k=chance.randint(3, 23)))}" for number in range(count)]


def seen(engine: Engine) -> int:
    return local_http.get(f"{engine.url}/bench/seen", timeout=10).json()["requests"]


@contextlib.contextmanager
def scripted() -> Iterator[Engine]:
    port = free_port()
    with running(
        [sys.executable, "-m", "bench.scripted_embeddings", "--port", str(port)], port, ROOT, "/bench/seen"
    ) as server:
        yield Engine(server.url, "none", "", "")


@contextlib.contextmanager
def client(who: str, engine: Engine, endpoint: str) -> Iterator[Peer]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DATABRICKS_", "MLFLOW_"))}
    environment |= {
        "DATABRICKS_HOST": engine.url,
        "DATABRICKS_TOKEN": engine.token,
        "DATABRICKS_CONFIG_FILE": os.devnull,
    }
    child = subprocess.Popen(
        [CLIENTS, PEERS / "embedding_client.py", who, endpoint],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        peer = Peer(child)
        peer.said()
        yield peer
    finally:
        end(child)
