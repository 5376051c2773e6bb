"""Run by `.venv-clients/bin/python` against a local workspace: what LangChain's Databricks classes do, as one JSON object.

Also of databricks-openai, on which they are built.
"""

import asyncio
import json
import sys

from databricks_langchain import ChatDatabricks, DatabricksEmbeddings
from databricks_openai import AsyncDatabricksOpenAI, DatabricksOpenAI
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from openai import APIError

PERSON = {
    "title": "person",
    "description": "A person.",
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer"}},
    "required": ["name", "age"],
}
HELLO = [{"role": "user", "content": "hello"}]


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


def stream(model, prompt):
    """The texts and the sum of the chunks, which is how LangChain counts tokens."""
    chunks = list(model.stream(prompt))
    total = chunks[0]
    for chunk in chunks[1:]:
        total += chunk
    return {"pieces": len(chunks), "text": total.content, "usage": total.usage_metadata}


def refusal(endpoint, **options):
    try:
        ChatDatabricks(model=endpoint, max_retries=0, **options).invoke("hi")
    except APIError as error:
        return {"kind": type(error).__name__, "text": str(error)}
    return None


def seeded(given):
    """On the workspace's own models."""
    model = ChatDatabricks(model=given["chat"], temperature=0, max_tokens=12, max_retries=0)
    reply = model.invoke("Say hello.")
    structured = ChatDatabricks(model=given["chat"], temperature=0, max_tokens=60, max_retries=0)
    vectors = DatabricksEmbeddings(endpoint=given["embeddings"])
    return {
        "invoke": {"text": reply.content, "usage": reply.usage_metadata, "metadata": reply.response_metadata},
        "stream": stream(model, "Say hello."),
        "stop": model.invoke("Repeat: 1 2 3 4 5", stop=["3"]).content,
        "structured": structured.with_structured_output(PERSON, method="json_schema").invoke("Invent a person."),
        "documents": vectors.embed_documents(given["documents"]),
        "query": vectors.embed_query("text"),
        "missing": refusal("nope"),
    }


async def asynchronous(model):
    return {
        "invoke": (await model.ainvoke("hello")).content,
        "batch": [reply.content for reply in await model.abatch(["a", "b", "c"])],
        "stream": "".join([chunk.content async for chunk in model.astream("hello")]),
    }


def external(given):
    """On models of a provider."""
    model = ChatDatabricks(model=given["external_chat"], max_retries=0)
    reply = model.invoke("hello")
    called = model.bind_tools([weather]).invoke("How is the weather in Seoul?")
    again = model.invoke([("user", "?"), called, weather.invoke(called.tool_calls[0])])
    several = ChatDatabricks(model=given["external_chat"], max_retries=0, n=2)
    gateway = ChatDatabricks(model=given["external_chat"], max_retries=0, use_ai_gateway=True)
    native = ChatDatabricks(model=given["external_chat"], max_retries=0, use_ai_gateway_native_api=True)
    return {
        "invoke": {"text": reply.content, "usage": reply.usage_metadata, "metadata": reply.response_metadata},
        "stream": stream(model, "hello"),
        "async": asyncio.run(asynchronous(model)),
        "several": [item.text for item in several.generate([[HumanMessage("hello")]]).generations[0]],
        "tool_calls": called.tool_calls,
        "after_tool": again.content,
        "gateway": gateway.invoke("hello").content,
        "native": native.invoke("hello").content,
        "embeddings": DatabricksEmbeddings(endpoint=given["external_embeddings"]).embed_documents(["four", "a"]),
        "responses": refusal(given["external_chat"], use_responses_api=True),
        "wrong_task": refusal(given["external_embeddings"]),
    }


def databricks_openai(given):
    """The client below."""
    client = DatabricksOpenAI(max_retries=0)

    async def ask():
        client = AsyncDatabricksOpenAI(max_retries=0)
        return await client.chat.completions.create(model=given["external_chat"], messages=HELLO)

    return {
        "chat": client.chat.completions.create(model=given["external_chat"], messages=HELLO).choices[0].message.content,
        "embedding": len(client.embeddings.create(model=given["embeddings"], input="a").data[0].embedding),
        "async": asyncio.run(ask()).choices[0].message.content,
    }


def main(given):
    found = {part.__name__: part(given) for part in (seeded, external, databricks_openai)}
    sys.stdout.write(json.dumps(found, default=str) + "\n")


main(json.loads(sys.argv[1]))
