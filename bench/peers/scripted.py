"""How a peer reads a scripted endpoint: requests, server-sent events, one token at a time."""

import json
import os
from collections.abc import Iterator

import requests


def stream_tokens(prompt: str) -> Iterator[str]:
    """Invoke the endpoint that the prompt's first word names."""
    with requests.post(
        f"{os.environ['SCRIPTED_HOST']}/serving-endpoints/{prompt.split()[0]}/invocations",
        json={"messages": [{"role": "user", "content": prompt}], "stream": True},
        stream=True,
        timeout=60,
    ) as response:
        response.raise_for_status()
        for line in response.iter_lines(chunk_size=None):
            if not line.startswith(b"data: {"):
                continue
            for choice in json.loads(line[len(b"data: ") :])["choices"]:
                if text := choice["delta"].get("content"):
                    yield text
