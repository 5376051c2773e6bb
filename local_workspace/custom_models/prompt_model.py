"""The registered model `local.models.prompt-model`: a prompt and stop sequences in, a text out.

MLflow copies this file into the model and runs it from there ("models from code"), so it imports nothing of this project.
It asks the workspace's chat model over the REST API, as an agent on the platform does, with the host and token that the
serving environment gives it.
"""

import os
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import requests
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature, set_model
from mlflow.protos.databricks_pb2 import BAD_REQUEST
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
from mlflow.types.schema import Array

CHAT_ENDPOINT = "local-smollm2-135m-instruct"
TIMEOUT_SECONDS = 290  # a little less than an invocation may take

SIGNATURE = ModelSignature(
    inputs=Schema([ColSpec(DataType.string, "prompt"), ColSpec(Array(DataType.string), "stop", required=False)]),
    outputs=Schema([ColSpec(DataType.string)]),
    params=ParamSchema(
        [ParamSpec("temperature", DataType.double, 0.2), ParamSpec("max_tokens", DataType.integer, 256)]
    ),
)


class PromptModel(PythonModel):
    """One row is one prompt."""

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> list[str]:
        """A text for each row, without the stop sequence it stopped at. Raises MlflowException: the chat model refused."""
        return [_completed(str(row["prompt"]), _stops(row.get("stop")), params or {}) for row in _rows(model_input)]


def _rows(model_input: pd.DataFrame | dict[str, Any]) -> list[dict[str, Any]]:
    """The input row by row: `inputs` arrives as columns of arrays, or as one row, and every other form as a table."""
    if isinstance(model_input, dict):
        if np.ndim(model_input["prompt"]) == 0:
            return [model_input]
        model_input = pd.DataFrame({name: list(column) for name, column in model_input.items()})
    rows: list[Any] = model_input.to_dict("records")
    return rows


def _stops(value: Any) -> list[str]:
    # A row without stop has NaN or None there when another row has one; lists come as arrays.
    return [] if value is None or isinstance(value, float) else [str(item) for item in value]


def _completed(prompt: str, stop: list[str], params: dict[str, Any]) -> str:
    body = {"messages": [{"role": "user", "content": prompt}], **params} | ({"stop": stop} if stop else {})
    response = requests.post(
        f"{os.environ['DATABRICKS_HOST']}/serving-endpoints/{CHAT_ENDPOINT}/invocations",
        headers={"authorization": f"Bearer {os.environ['DATABRICKS_TOKEN']}"},
        json=body,
        timeout=TIMEOUT_SECONDS,
    )
    if not response.ok:
        raise MlflowException(f"The chat model refused: {response.json()['message']}", BAD_REQUEST)
    text: str = response.json()["choices"][0]["message"]["content"]
    return text


def save(folder: Path) -> None:
    """Write the model into `folder`, which must not exist yet."""
    # Its requirements are named, since guessing them means importing the model in yet another process.
    mlflow.pyfunc.save_model(
        path=str(folder),
        python_model=str(Path(__file__)),
        signature=SIGNATURE,
        pip_requirements=[f"mlflow=={mlflow.__version__}", f"requests=={requests.__version__}"],
    )


set_model(PromptModel())
