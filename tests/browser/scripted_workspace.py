"""A workspace that says what a test puts into its mouth, and a server that nobody should ask for anything."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PIECE = 7
"""Characters an event, so that marks are torn apart."""
PAUSE = 0.002


class ScriptedWorkspace:
    """Has one chat endpoint, "parrot", which answers with `text`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.host = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()

    def reply_to(self, path: str) -> Any:
        """The JSON of a control call; None where there is nothing."""
        if path.startswith("/.well-known/databricks-config"):
            return {"oidc_endpoint": f"{self.host}/oidc"}
        if path.startswith("/api/2.0/preview/scim/v2/Me"):
            return {"id": "1", "userName": "parrot@local", "displayName": "Parrot"}
        if path.rstrip("/") == "/api/2.0/serving-endpoints":
            ready = {"ready": "READY", "config_update": "NOT_UPDATING"}
            entity = {"name": "parrot-1", "entity_name": "parrot", "entity_version": "1"}
            config = {"served_entities": [entity]}
            return {"endpoints": [{"name": "parrot", "task": "llm/v1/chat", "state": ready, "config": config}]}
        return None


def _handler(workspace: ScriptedWorkspace) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = workspace.reply_to(self.path)
            self._send(404 if body is None else 200, "application/json", json.dumps(body or {}).encode())

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            pieces = [workspace.text[at : at + PIECE] for at in range(0, len(workspace.text), PIECE)]
            for piece in pieces:
                self._event({"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]})
                threading.Event().wait(PAUSE)
            self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
            self.wfile.write(b"data: [DONE]\n\n")

        def _event(self, value: dict[str, Any]) -> None:
            self.wfile.write(f"data: {json.dumps(value)}\n\n".encode())

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


class Trap:
    """Stands for another machine of the internet. `asked` is what was asked of it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        trap = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                trap.asked.append(self.path)
                self.send_error(404)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://trap.brickyard.test:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
