"""Run as a script: registers models that take their time, in the registry that its argument is the tracking URI of.

Classes of a script are pickled by value, so the models need nothing of this project where they are loaded.
"""
# ruff: noqa: ARG002 - MLflow says which arguments these methods have

import sys
import time

import mlflow
from mlflow.pyfunc import PythonModel

CHAT_MODEL, BROKEN_MODEL = "tests.slow-chat", "tests.broken"


class SlowChat(PythonModel):
    """Takes four seconds to load, and then answers a chat at once."""

    def load_context(self, context):
        time.sleep(4.0)

    def predict(self, context, model_input, params=None):
        return {
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "Awake."}, "finish_reason": "stop"}]
        }

    def predict_stream(self, context, model_input, params=None):
        yield {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "Awake."}, "finish_reason": "stop"}]}


class Broken(PythonModel):
    """Cannot be loaded."""

    def load_context(self, context):
        raise ValueError("The weights are gone.")

    def predict(self, context, model_input, params=None):
        return []


def main() -> None:
    """Register each model once; both say that they chat."""
    mlflow.set_tracking_uri(sys.argv[1])
    mlflow.set_experiment("local-files")
    for name, model in ((CHAT_MODEL, SlowChat()), (BROKEN_MODEL, Broken())):
        mlflow.pyfunc.log_model(
            name="model",
            python_model=model,
            registered_model_name=name,
            metadata={"task": "llm/v1/chat"},
            pip_requirements=["mlflow"],
        )


if __name__ == "__main__":
    main()
