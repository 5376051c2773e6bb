"""What a starter app can be made of."""

from dataclasses import dataclass
from enum import StrEnum


class Framework(StrEnum):
    """What serves the HTTP."""

    FASTAPI = "FastAPI"
    FLASK = "Flask"


class ModelKind(StrEnum):
    """What writes the text."""

    ENDPOINT = "A serving endpoint"
    TRANSFORMERS = "A transformers pipeline"
    GGUF = "A GGUF file"
    MLFLOW = "An MLflow model"


@dataclass(frozen=True)
class Part:
    """What one of the two brings into the app: a framework, or a model."""

    imports: tuple[str, ...]
    """Lines of ours or of others'; the app's writer sorts them."""
    packages: tuple[str, ...]
    """What pip installs for it, but for *imports* of the standard library."""
    code: str
    settings: str = ""
    """Lines among the constants."""
    about: str = ""
    """A sentence or two for the app's docstring, wrapped."""
    at_once: int = 1
    """How many texts it can write at the same time."""


@dataclass(frozen=True)
class Source:
    """How a model is named, for the form and for the check."""

    label: str
    example: str
    help: str


SOURCES = {
    ModelKind.ENDPOINT: Source(
        "Endpoint", "local-smollm2-135m-instruct", "Its name in this workspace; it must take chats."
    ),
    ModelKind.TRANSFORMERS: Source(
        "Model",
        "HuggingFaceTB/SmolLM2-360M-Instruct",
        "A name on the Hugging Face hub, or a folder such as one in a volume.",
    ),
    ModelKind.GGUF: Source("File", "/Volumes/main/default/models/model.gguf", "Where the file lies for the driver."),
    ModelKind.MLFLOW: Source(
        "Model URI", "models:/main.default.my_model/1", "Its signature takes a prompt (and stop), or messages."
    ),
}
