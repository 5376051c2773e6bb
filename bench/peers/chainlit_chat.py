"""Chainlit as its guide shows streaming: msg.stream_token, once a token."""

import json
import os

import chainlit as cl
import httpx  # not requests: Chainlit's handlers are coroutines, and a blocking read would stall its event loop


@cl.on_message
async def respond(message: cl.Message):
    answer = cl.Message(content="")
    endpoint = message.content.split()[0]
    url = f"{os.environ['SCRIPTED_HOST']}/serving-endpoints/{endpoint}/invocations"
    body = {"messages": [{"role": "user", "content": message.content}], "stream": True}
    async with httpx.AsyncClient(timeout=60) as client, client.stream("POST", url, json=body) as response:
        async for line in response.aiter_lines():
            if line.startswith("data: {"):
                for choice in json.loads(line.removeprefix("data: "))["choices"]:
                    if text := choice["delta"].get("content"):
                        await answer.stream_token(text)
    await answer.update()
