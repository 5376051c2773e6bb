"""Run by the legacy environment's python: LangChain's Databricks notebook, cell after cell, as one JSON object.

The cells are the notebook's own, also the calls of a model as if it were a function. Where a name of the notebook cannot
be (`dolly`, `gpt-4`'s own server), the names come from the test.
"""

import json
import os
import sys
import time
import types
import warnings

from langchain_community.chat_models import ChatDatabricks
from langchain_community.embeddings import DatabricksEmbeddings
from langchain_community.llms import Databricks
from langchain_core.messages import HumanMessage
from mlflow.deployments import get_deploy_client

READY_SECONDS = 60


def error_of(call):
    """What goes wrong, as a person reads it. The clients raise many kinds of errors; each is told with its name."""
    try:
        call()
    except Exception as error:  # noqa: BLE001
        return {"kind": type(error).__name__, "text": str(error)}
    return None


def transform_input(**request):
    full_prompt = f"""{request["prompt"]}
    Be Concise.
    """
    request["prompt"] = full_prompt
    return request


def transform_output(response):
    return response.upper()


def wait_until_ready(client, name):
    deadline = time.monotonic() + READY_SECONDS
    while client.get_endpoint(name)["state"]["ready"] != "READY":
        assert time.monotonic() < deadline, client.get_endpoint(name)
        time.sleep(0.1)


def external_model(given):
    """The first cell: an endpoint for OpenAI's GPT-4, whose key is a secret."""
    client = get_deploy_client("databricks")
    secret = f"secrets/{given['scope']}/openai-api-key"
    name = "my-chat"
    arguments = {
        "name": name,
        "config": {
            "served_entities": [
                {
                    "name": "my-chat",
                    "external_model": {
                        "name": "gpt-4",
                        "provider": "openai",
                        "task": "llm/v1/chat",
                        "openai_config": {
                            "openai_api_key": "{{" + secret + "}}",
                            "openai_api_base": given["upstream"],
                        },
                    },
                }
            ],
        },
    }
    made = client.create_endpoint(**arguments)
    wait_until_ready(client, name)
    chat = ChatDatabricks(
        target_uri="databricks",
        endpoint=name,
        temperature=0.1,
    )
    answer = chat([HumanMessage(content="hello")])
    pieces = [chunk.content for chunk in chat.stream([HumanMessage(content="hello")])]
    return {
        "made": dict(made),
        "again": error_of(lambda: client.create_endpoint(**arguments)),
        "content": answer.content,
        "metadata": answer.response_metadata,
        "several": [message.text for message in chat.generate([[HumanMessage(content="hello")]]).generations[0]],
        "pieces": pieces,
    }


def beyond_the_notebook(given):
    """What the same classes do with models of a provider besides: tools, and a prompt completed."""
    weather = {
        "name": "weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    }
    called = ChatDatabricks(endpoint="my-chat").bind_tools([weather]).invoke("How is the weather in Seoul?")
    client = get_deploy_client("databricks")
    openai = {
        "openai_api_key": "{{secrets/" + given["scope"] + "/openai-api-key}}",
        "openai_api_base": given["upstream"],
    }
    external = {"name": "davinci", "provider": "openai", "task": "llm/v1/completions", "openai_config": openai}
    client.create_endpoint(name="my-completions", config={"served_entities": [{"external_model": external}]})
    wait_until_ready(client, "my-completions")
    llm = Databricks(endpoint_name="my-completions", max_tokens=5)
    return {"tool_calls": called.tool_calls, "completed": llm("Say hello.", stop=["zebra"])}


def embeddings(given):
    """The second cell, and forty-five documents."""
    model = DatabricksEmbeddings(endpoint=given["embeddings"])
    return {"query": model.embed_query("hello"), "documents": model.embed_documents(given["documents"])}


def custom_model(given):
    """The cells on a registered model with a prompt and stops."""
    name = given["prompt_endpoint"]
    llm = Databricks(endpoint_name=name)
    found = {
        "text": llm("How are you?"),
        "stopped": llm("How are you?", stop=["."]),
        "all": llm("How are you?", stop=[]),
    }
    # A host of no use, which the notebook sets here, is of no use: it goes unread where an endpoint is named.
    llm = Databricks(host="myworkspace.cloud.databricks.com", endpoint_name=name)
    found["other_host"] = llm("How are you?")
    found["model_kwargs"] = error_of(lambda: Databricks(endpoint_name=name, model_kwargs={"temperature": 0.1}))
    found["extra_params"] = Databricks(endpoint_name=name, extra_params={"stop": ["e"]})("How are you?")
    llm = Databricks(endpoint_name=name, transform_input_fn=transform_input)
    found["transformed"] = llm("How are you?")
    llm = Databricks(endpoint_name=name, transform_input_fn=transform_input, transform_output_fn=transform_output)
    found["both"] = llm("How are you?")
    found["bad_type"] = error_of(lambda: Databricks(endpoint_name=name, extra_params={"stop": 3})("How are you?"))
    found["missing"] = error_of(lambda: Databricks(endpoint_name="nope"))
    return found


def prompt_to_chat(given):
    """What the notebook does not show: the LLM class on a chat endpoint sends a prompt."""
    llm = Databricks(endpoint_name=given["chat"], max_tokens=5)
    to_messages = Databricks(
        endpoint_name=given["chat"],
        max_tokens=5,
        transform_input_fn=lambda prompt, **rest: {"messages": [{"role": "user", "content": prompt}], **rest},
    )
    return {"prompt": error_of(lambda: llm("Say hello.")), "messages": to_messages("Say hello.")}


def notebook(cluster_id):
    """Stand where a notebook stands: the module its runtime has, with the cluster it is attached to."""
    runtime = types.ModuleType("dbruntime")
    context = types.ModuleType("dbruntime.databricks_repl_context")
    host = os.environ["DATABRICKS_HOST"].removeprefix("https://")
    held = types.SimpleNamespace(
        browserHostName=host, apiToken=os.environ["DATABRICKS_TOKEN"], clusterId=cluster_id, notebookId="1"
    )
    context.get_context = lambda: held
    sys.modules |= {"dbruntime": runtime, "dbruntime.databricks_repl_context": context}


def driver_proxy(given):
    """The last cells: an app on a cluster's driver."""
    cluster, port = given["cluster_id"], str(given["driver_port"])
    llm = Databricks(cluster_id=cluster, cluster_driver_port=port)
    found = {"text": llm("How are you?"), "stopped": llm("How are you?", stop=["e"])}
    both = {"transform_input_fn": transform_input, "transform_output_fn": transform_output}
    found["both"] = Databricks(cluster_id=cluster, cluster_driver_port=port, **both)("How are you?")
    given_stop = {"extra_params": {"stop": ["o"]}}
    found["extra_params"] = Databricks(cluster_id=cluster, cluster_driver_port=port, **given_stop)("How are you?")
    found["model_kwargs"] = error_of(
        lambda: Databricks(cluster_id=cluster, cluster_driver_port=port, model_kwargs={"temperature": 0.1})
    )
    found["outside"] = error_of(lambda: Databricks(cluster_driver_port=port))

    def on(cluster_id=cluster, cluster_driver_port=port, **options):
        return error_of(
            lambda: Databricks(cluster_id=cluster_id, cluster_driver_port=cluster_driver_port, **options)(
                "How are you?"
            )
        )

    found |= {
        "terminated": on(cluster_id=given["terminated_id"]),
        "unknown": on(cluster_id="0000-000000-xxxxxxxx"),
        "bad_token": on(api_token="dapi0"),
        "analyst": on(api_token=given["analyst"]),
        "dead_port": on(cluster_driver_port=str(given["dead_port"])),
        "far_port": on(cluster_driver_port="99999"),
        "unknown_key": on(extra_params={"colour": "red"}),
        "no_prompt": on(transform_input_fn=lambda **_: {"text": "hi"}),
    }
    notebook(cluster)
    found["attached"] = error_of(lambda: Databricks(cluster_driver_port=port))
    host, token = os.environ.pop("DATABRICKS_HOST"), os.environ.pop("DATABRICKS_TOKEN")
    found["host_of_the_notebook"] = Databricks(cluster_id=cluster, cluster_driver_port=port)("How are you?")
    os.environ |= {"DATABRICKS_HOST": host, "DATABRICKS_TOKEN": token}
    return found


def main(given):
    warnings.simplefilter("ignore")
    parts = [external_model, beyond_the_notebook, embeddings, custom_model, prompt_to_chat, driver_proxy]
    found = {part.__name__: part(given) for part in parts}
    sys.stdout.write(json.dumps(found, default=str) + "\n")


main(json.loads(sys.argv[1]))
