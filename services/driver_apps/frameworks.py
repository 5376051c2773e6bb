"""The HTTP side of a starter app: routes, JSON for every refusal, and a listening socket served."""

from services.driver_apps.records import Framework, Part

_FASTAPI = '''\
app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)


@app.post("/")
async def ask(request: Request) -> Response:
    """A JSON string: the text."""
    return reply(await run_in_threadpool(answer, await _body(request)))


@app.get("/health")
async def health() -> Response:
    """Whether the app is there, and what it answers with."""
    return reply({"status": "ok", {KEY}: {NAME}})


async def _body(request: Request) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise Refused(413, f"The body is larger than {MAX_BODY_BYTES} bytes.")
    return body


def reply(value: Any, status: int = 200) -> Response:
    """JSON, in ASCII: a text that was cut in the middle of a character is still valid."""
    return Response(json.dumps(value), status, media_type="application/json")


# Every refusal is JSON: the caller may be a program that reads nothing else.
@app.exception_handler(Refused)
async def _refuse(_: Request, error: Refused) -> Response:
    return reply({"error": error.message}, error.status)


@app.exception_handler(HTTPException)
async def _not_there(_: Request, error: HTTPException) -> Response:
    return reply({"error": error.detail}, error.status_code)


@app.exception_handler(Exception)
async def _fail(_: Request, __: Exception) -> Response:
    return reply({"error": "The app failed; its log on the driver says where."}, 500)


def serve(listener: socket.socket) -> None:
    """Serve on a listening socket until the process is told to end."""
{PREPARE}    config = uvicorn.Config(app, access_log=False, log_level="warning", ws="none", lifespan="off")
    uvicorn.Server(config).run([listener])
'''

_FLASK = '''\
app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES


@app.post("/")
def ask() -> Response:
    """A JSON string: the text."""
    return reply(answer(request.get_data()))


@app.get("/health")
def health() -> Response:
    """Whether the app is there, and what it answers with."""
    return reply({"status": "ok", {KEY}: {NAME}})


def reply(value: Any, status: int = 200) -> Response:
    """JSON, in ASCII: a text that was cut in the middle of a character is still valid."""
    return Response(json.dumps(value), status, mimetype="application/json")


# Every refusal is JSON: the caller may be a program that reads nothing else.
@app.errorhandler(Refused)
def _refuse(error: Refused) -> Response:
    return reply({"error": error.message}, error.status)


@app.errorhandler(HTTPException)
def _not_there(error: HTTPException) -> Response:
    if error.code == 413:
        return reply({"error": f"The body is larger than {MAX_BODY_BYTES} bytes."}, 413)
    return reply({"error": error.name}, error.code or 500)


@app.errorhandler(Exception)
def _fail(_: Exception) -> Response:
    app.logger.exception("A question was not answered.")
    return reply({"error": "The app failed; its log on the driver says where."}, 500)


def serve(listener: socket.socket) -> None:
    """Serve on a listening socket until the process is told to end."""
{PREPARE}    host, port = listener.getsockname()[:2]
    make_server(host, port, app, threaded=True, fd=listener.fileno()).serve_forever()
'''

FRAMEWORKS = {
    Framework.FASTAPI: Part(
        imports=(
            "import uvicorn",
            "from fastapi import FastAPI, Request, Response",
            "from fastapi.concurrency import run_in_threadpool",
            "from starlette.exceptions import HTTPException",
        ),
        packages=("fastapi", "uvicorn"),
        code=_FASTAPI,
    ),
    Framework.FLASK: Part(
        imports=(
            "from flask import Flask, Response, request",
            "from werkzeug.exceptions import HTTPException",
            "from werkzeug.serving import make_server",
        ),
        packages=("flask",),
        code=_FLASK,
    ),
}
