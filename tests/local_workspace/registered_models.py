"""Run as a script: registers the models that tests serve, in the registry that its first argument is the tracking URI of.

Classes of a script are pickled by value, so the models need nothing of this project where they are loaded.
"""
# ruff: noqa: ARG002, T201 - MLflow says which arguments predict has, and one model prints

import os
import re
import sys
import time

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.protos.databricks_pb2 import RESOURCE_EXHAUSTED
from mlflow.pyfunc import PythonModel
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema


class Sum(PythonModel):
    """Typed: a (long) plus b (double), times the param `times`."""

    def predict(self, context, model_input, params=None):
        return ((model_input["a"] + model_input["b"]) * (params or {}).get("times", 1)).tolist()


class Echo(PythonModel):
    """Untyped: says what it got. Streams it word by word; fails at "fail", and at "forever" never ends."""

    def predict(self, context, model_input, params=None):
        rows = model_input.to_dict("records") if hasattr(model_input, "to_dict") else model_input
        return {"kind": type(model_input).__name__, "got": rows if isinstance(rows, dict | list) else rows.tolist()}

    def predict_stream(self, context, model_input, params=None):
        words = model_input["words"] if isinstance(model_input, dict) else str(model_input)
        for word in words.split():
            while word == "forever":
                time.sleep(0.02)
                yield word
            if word == "fail":
                raise ValueError("This word is too much.")
            yield {"word": word}


class Obedient(PythonModel):
    """Does what it is told: the column `order` of its first row, or the content of a chat's last message."""

    def predict(self, context, model_input, params=None):
        if isinstance(model_input, dict):
            return {"choices": [{"message": {"role": "assistant", "content": model_input["messages"][-1]["content"]}}]}
        order, _, argument = model_input["order"][0].partition(" ")
        return [getattr(self, order)(argument)]

    def say(self, text):
        print(text, flush=True)
        return text

    def environment(self, name):
        return os.environ.get(name, "")

    def pid(self, _):
        return os.getpid()

    def sleep(self, seconds):
        time.sleep(float(seconds))
        return "slept"

    def hold(self, _):
        re.match("(a+)+b", "a" * 60)  # holds the interpreter's lock for years

    def die(self, status):
        os._exit(int(status))

    def leave(self, _):
        sys.exit("The model wants to go.")

    def fail(self, text):
        raise ValueError(text)

    def fail_speechless(self, _):
        raise Speechless

    def refuse(self, text):
        raise MlflowException(text, RESOURCE_EXHAUSTED)

    def blame_mlflow(self, text):
        raise MlflowException(text)


class Speechless(Exception):
    """Cannot say what it is."""

    def __str__(self):
        raise RuntimeError("There are no words.")


class Unloadable(PythonModel):
    """Cannot be loaded."""

    def load_context(self, context):
        import a_package_that_nobody_has  # noqa: F401

    def predict(self, context, model_input, params=None):
        return []


SIGNATURE = ModelSignature(
    inputs=Schema([ColSpec(DataType.long, "a"), ColSpec(DataType.double, "b", required=False)]),
    outputs=Schema([ColSpec(DataType.double)]),
    params=ParamSchema([ParamSpec("times", DataType.integer, 1)]),
)
MODELS = {
    "tests.sum": (Sum(), SIGNATURE),
    "tests.echo": (Echo(), None),
    "tests.obedient": (Obedient(), None),
    "tests.unloadable": (Unloadable(), None),
}


def main() -> None:
    """Register each model once."""
    mlflow.set_tracking_uri(sys.argv[1])
    mlflow.set_experiment(sys.argv[2])
    wanted = sys.argv[3:] or MODELS
    for name in wanted:
        model, signature = MODELS[name]
        mlflow.pyfunc.log_model(
            name="model",
            python_model=model,
            signature=signature,
            registered_model_name=name,
            pip_requirements=["mlflow"],
        )


if __name__ == "__main__":
    main()
