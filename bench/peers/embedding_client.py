"""A client's own way to embed texts: each line on stdin is a JSON list of them, each line out the seconds they took.

Its arguments: `langchain` or `mlflow`, and the endpoint. DATABRICKS_HOST and DATABRICKS_TOKEN say where.
"""

import json
import sys
import time

MOST = 150  # texts that the platform's own models take in one request


def langchain(endpoint):
    from databricks_langchain import DatabricksEmbeddings

    return DatabricksEmbeddings(endpoint=endpoint).embed_documents


def mlflow(endpoint):
    from mlflow.deployments import get_deploy_client

    client = get_deploy_client("databricks")

    def embed(texts):
        parts = [texts[start : start + MOST] for start in range(0, len(texts), MOST)]
        replies = [client.predict(endpoint=endpoint, inputs={"input": part}) for part in parts]
        return [item["embedding"] for reply in replies for item in reply["data"]]

    return embed


embed_texts = {"langchain": langchain, "mlflow": mlflow}[sys.argv[1]](sys.argv[2])
print(json.dumps("ready"), flush=True)
for line in sys.stdin:
    given = json.loads(line)
    began = time.perf_counter()
    vectors = embed_texts(given)
    took = time.perf_counter() - began
    assert len(vectors) == len(given)
    print(json.dumps(took), flush=True)
