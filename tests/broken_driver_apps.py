"""Apps for a driver: one that keeps the contract, and ones with one fault each. Their texts are made from the prompt alone."""

import contextlib
import html
import json
import random
import socket
import threading
from collections.abc import Iterator
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KNOWN = {"prompt", "stop", "temperature", "max_tokens"}
WORDS = (
    "clay",
    "sand",
    "water",
    "kiln",
    "fire",
    "wall",
    "arch",
    "bridge",
    "mortar",
    "press",
    "mill",
    "street",
    "yellow",
    "roller",
)
EVERYWHERE, LOOPBACK = "0.0.0.0", "127.0.0.1"
RELEASE_SECONDS = 30


class Flaw(StrEnum):
    """What is wrong with an app."""

    NONE = "nothing"
    STRICT = "nothing, and it knows no key but prompt and stop"
    NEVER_THE_SAME = "nothing, and it never says the same twice"
    ECHOES = "nothing much: it repeats the prompt before its answer"
    LOOPBACK = "listens on the loopback address only"
    CLOSED = "does not listen"
    WRONG_METHOD = "takes GET only"
    IGNORES_STOP = "does not stop"
    FIRST_STOP_ONLY = "looks at the first stop text only"
    KEEPS_STOP = "leaves the stop text in the answer"
    RSTRIP = "takes the stop text off with rstrip"
    HTML_ERRORS = "fails with web pages"
    STRING_PORT = "answers with its port, as a string"
    HANGS = "never answers"
    HANGS_ON_STOP = "never answers where there are stop texts"
    NOT_JSON = "answers with text that is not JSON"
    WEB_PAGE = "answers with a web page"
    OBJECT = "answers with an object"
    TWICE = "encodes its answer twice"
    DIES = "closes the connection in mid-request"
    MIXES_UP = "keeps the prompt in a global"
    ONE_AT_A_TIME = "refuses a second request at the same time"
    FAILS_ON_UNKNOWN_KEYS = "fails for keys that it does not know"
    NEEDS_NO_PROMPT = "answers without a prompt"
    REDIRECTS = "redirects"


class Refusal(Exception):
    """A status and a sentence."""


class App(ThreadingHTTPServer):
    """One app on *port*; with the flaw CLOSED there is none, only a port that is free."""

    daemon_threads = True
    allow_reuse_address = False
    request_queue_size = 64

    def __init__(self, flaw: Flaw, port: int) -> None:
        self.flaw = flaw
        self.released = threading.Event()
        self.bodies: list[bytes] = []
        self.prompt = ""
        self.alone = threading.Lock()
        super().__init__((LOOPBACK if flaw is Flaw.LOOPBACK else EVERYWHERE, port), _Handler)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def handle_error(self, *_: Any) -> None:
        """A caller that hangs up is none."""


class _Handler(BaseHTTPRequestHandler):
    server: App
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._says(200 if self.server.flaw is Flaw.WRONG_METHOD else 405, {"status": "ok"})

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.bodies.append(content)
        flaw = self.server.flaw
        if flaw is Flaw.HANGS:
            self.server.released.wait(RELEASE_SECONDS)
        if flaw in {Flaw.DIES, Flaw.HANGS}:
            self.close_connection = True
            return
        try:
            self._answers(self._text(content))
        except Refusal as refusal:
            status, sentence = refusal.args
            if flaw is Flaw.HTML_ERRORS:
                self._sends(500, "text/html", f"<!doctype html><title>{html.escape(sentence)}</title>".encode())
            else:
                self._says(status, {"error": sentence})

    def _text(self, content: bytes) -> str:
        flaw = self.server.flaw
        if flaw is Flaw.WRONG_METHOD:
            raise Refusal(405, "Method not allowed")
        if flaw is Flaw.ONE_AT_A_TIME and not self.server.alone.acquire(blocking=False):
            raise Refusal(503, "Busy")
        try:
            return self._generated(_parsed(content, flaw))
        finally:
            if flaw is Flaw.ONE_AT_A_TIME:
                self.server.alone.release()

    def _generated(self, body: dict[str, Any]) -> str:
        flaw, stops = self.server.flaw, body.get("stop") or []
        self.server.prompt = body["prompt"]
        if stops and flaw is Flaw.HANGS_ON_STOP:
            self.server.released.wait(RELEASE_SECONDS)
        if flaw in {Flaw.MIXES_UP, Flaw.ONE_AT_A_TIME}:
            self.server.released.wait(0.1)  # a model takes a moment
        seed = (
            None if flaw is Flaw.NEVER_THE_SAME else (self.server.prompt if flaw is Flaw.MIXES_UP else body["prompt"])
        )
        echo = body["prompt"] if flaw is Flaw.ECHOES else ""
        return echo + _stopped(_sentences(seed), stops, flaw)

    def _answers(self, text: str) -> None:
        flaw = self.server.flaw
        plain = {Flaw.NOT_JSON: ("text/plain", text), Flaw.WEB_PAGE: ("text/html", f"<p>{text}</p>")}
        if flaw is Flaw.REDIRECTS:
            self.send_response(307)
            self.send_header("Location", "/elsewhere/")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif flaw in plain:
            kind, shown = plain[flaw]
            self._sends(200, kind, shown.encode())
        else:
            values: dict[Flaw, Any] = {
                Flaw.STRING_PORT: str(self.server.port),
                Flaw.OBJECT: {"text": text},
                Flaw.TWICE: json.dumps(text),
            }
            self._says(200, values.get(flaw, text))

    def _says(self, status: int, value: Any) -> None:
        self._sends(status, "application/json", json.dumps(value).encode())

    def _sends(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if status == 405:
            self.send_header("Allow", "GET")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing on stderr."""


def _parsed(content: bytes, flaw: Flaw) -> dict[str, Any]:
    try:
        body = json.loads(content)
    except ValueError as wrong:
        raise Refusal(400, "Not JSON") from wrong
    if flaw is Flaw.NEEDS_NO_PROMPT:
        body.setdefault("prompt", "")
    if not isinstance(body, dict) or "prompt" not in body:
        raise Refusal(422, "There is no prompt")
    unknown = body.keys() - ({"prompt", "stop"} if flaw is Flaw.STRICT else KNOWN)
    if unknown and flaw in {Flaw.STRICT, Flaw.FAILS_ON_UNKNOWN_KEYS}:
        raise Refusal(400 if flaw is Flaw.STRICT else 500, f"Unknown: {min(unknown)}")
    return body


def _sentences(seed: str | None) -> str:
    words = random.Random(seed)
    return " ".join(words.choice(WORDS) for _ in range(40)).capitalize() + "."


def _stopped(text: str, stops: list[str], flaw: Flaw) -> str:
    if flaw is Flaw.IGNORES_STOP:
        return text
    stops = stops[:1] if flaw is Flaw.FIRST_STOP_ONLY else stops
    places = [(text.find(stop), stop) for stop in stops if stop in text]
    if not places:
        return text
    place, stop = min(places)
    if flaw is Flaw.KEEPS_STOP:
        return text[: place + len(stop)]
    return text[: place + len(stop)].rstrip(stop) if flaw is Flaw.RSTRIP else text[:place]


@contextlib.contextmanager
def driver_app(flaw: Flaw, ports: range = range(7600, 3999, -1)) -> Iterator[App]:
    """An app on a free port of the driver's range; with CLOSED, one that has been closed again, whose port nobody else gets."""
    app = _on_free_port(flaw, ports)
    thread = threading.Thread(target=app.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    held = socket.socket()
    if flaw is Flaw.CLOSED:
        app.shutdown()
        app.server_close()
        held.bind((EVERYWHERE, app.port))  # and does not listen: an app of a test that runs beside this one would
    try:
        yield app
    finally:
        held.close()
        app.released.set()
        if flaw is not Flaw.CLOSED:
            app.shutdown()
            app.server_close()
        thread.join()


def _on_free_port(flaw: Flaw, ports: range) -> App:
    for port in ports:
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind((EVERYWHERE, port))
            probe.close()
            return App(flaw, port)
    raise AssertionError("No port is free.")
