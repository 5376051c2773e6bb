"""An endpoint for embeddings of 384 dimensions that takes a fixed time for each request, however many texts are in it.

`vectors-50ms` takes 50 ms. A text that begins with `refused` has its whole request refused; one that begins with `missing` is
left out of the reply.
"""

import argparse
import asyncio
import json
import random
import re

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

DIMENSIONS = 384
NAME = re.compile(r"vectors-(\d+)ms")
chance = random.Random(0)
VECTORS = [json.dumps([round(chance.gauss(0, 0.05), 8) for _ in range(DIMENSIONS)]) for _ in range(64)]
seen = {"requests": 0, "texts": 0}


async def invoke(request: Request) -> Response:
    texts = (await request.json())["input"]
    seen["requests"] += 1
    seen["texts"] += len(texts)
    await asyncio.sleep(int(NAME.fullmatch(request.path_params["name"])[1]) / 1000)
    if any(text.startswith("refused") for text in texts):
        return JSONResponse({"error_code": "BAD_REQUEST", "message": "A text is not allowed."}, 400)
    items = (
        f'{{"object":"embedding","index":{place},"embedding":{VECTORS[hash(text) % len(VECTORS)]}}}'
        for place, text in enumerate(texts)
        if not text.startswith("missing")
    )
    body = f'{{"object":"list","data":[{",".join(items)}],"usage":{{"total_tokens":{len(texts)}}}}}'
    return Response(body, media_type="application/json")


async def get_seen(_: Request) -> Response:
    return JSONResponse(seen)


async def get_config(_: Request) -> Response:
    return JSONResponse({"oidc_endpoint": "", "workspace_id": "1"})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args()
    app = Starlette(
        routes=[
            Route("/serving-endpoints/{name}/invocations", invoke, methods=["POST"]),
            Route("/.well-known/databricks-config", get_config),
            Route("/bench/seen", get_seen),
        ]
    )
    uvicorn.run(app, host="127.0.0.1", port=given.port, log_level="warning", access_log=False)
