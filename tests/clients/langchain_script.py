"""Run by `.venv-clients/bin/python` against a local workspace: what LangChain's Databricks classes do, as one JSON object.

Usage: langchain_script.py CHAT_ENDPOINT EMBEDDING_ENDPOINT, with DATABRICKS_HOST and DATABRICKS_TOKEN set.
"""

import json
import sys

from databricks_langchain import ChatDatabricks, DatabricksEmbeddings
from openai import APIError


def stream(model, prompt):
    """The texts and the sum of the chunks, which is how LangChain counts tokens."""
    chunks = list(model.stream(prompt))
    total = chunks[0]
    for chunk in chunks[1:]:
        total += chunk
    return {"pieces": len(chunks), "text": total.content, "usage": total.usage_metadata}


def refusal(endpoint):
    try:
        ChatDatabricks(model=endpoint, max_retries=0).invoke("hi")
    except APIError as error:
        return {"kind": type(error).__name__, "text": str(error)}
    return None


def main(chat, embeddings):
    schema = {
        "title": "person",
        "description": "A person.",
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer"}},
        "required": ["name", "age"],
    }
    model = ChatDatabricks(model=chat, temperature=0, max_tokens=12, max_retries=0)
    reply = model.invoke("Say hello.")
    structured = ChatDatabricks(model=chat, temperature=0, max_tokens=60, max_retries=0)
    vectors = DatabricksEmbeddings(endpoint=embeddings)
    found = {
        "invoke": {"text": reply.content, "usage": reply.usage_metadata, "metadata": reply.response_metadata},
        "stream": stream(model, "Say hello."),
        "stop": model.invoke("Repeat: 1 2 3 4 5", stop=["3"]).content,
        "structured": structured.with_structured_output(schema, method="json_schema").invoke("Invent a person."),
        "documents": [len(vector) for vector in vectors.embed_documents([f"text {place}" for place in range(25)])],
        "query": len(vectors.embed_query("text")),
        "missing": refusal("nope"),
    }
    sys.stdout.write(json.dumps(found, default=str) + "\n")


main(*sys.argv[1:])
