"""The embedding model: all-MiniLM-L6-v2 on onnxruntime, in one worker thread that loads it and runs it."""

import asyncio
import base64
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_workspace import refusals
from local_workspace.engines.text_model import engine_threads

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

log = logging.getLogger(__name__)

MAX_TOKENS = 256
BATCH = 32


@dataclass(frozen=True)
class Embedding:
    """One text's unit vector, and how many tokens the text has, cut at MAX_TOKENS."""

    vector: "Vectors"
    tokens: int

    def to_wire(self, encoding_format: str | None) -> list[float] | str:
        """A list of floats, or with `base64` the text of little-endian 32-bit floats."""
        if encoding_format == "base64":
            return base64.b64encode(self.vector.astype("<f4").tobytes()).decode()
        rounded: list[float] = self.vector.astype("f8").round(8).tolist()
        return rounded


class EmbeddingEngine:
    """Loads in the background, at `load()` or the first `embed()`, which waits for it without blocking the loop."""

    def __init__(self, model_file: Callable[[], Path], tokenizer_file: Callable[[], Path]) -> None:
        self._files = model_file, tokenizer_file
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="embedding")
        self._loading: asyncio.Future[EmbeddingModel] | None = None

    def load(self) -> "asyncio.Future[EmbeddingModel]":
        """The model once it is loaded; begins to, if nothing has yet. Call it on the running loop."""
        if self._loading is None:
            self._loading = asyncio.get_running_loop().run_in_executor(self._worker, self._load)
        return self._loading

    def _load(self) -> "EmbeddingModel":
        began = time.monotonic()
        model = EmbeddingModel(self._files[0](), self._files[1]())
        log.info("The embedding model was loaded in %.1f s.", time.monotonic() - began)
        return model

    async def embed(self, texts: list[str]) -> list[Embedding]:
        """The texts' embeddings, in their order. Raises RefusalError (503) when the model cannot be loaded."""
        loop = asyncio.get_running_loop()
        try:
            model = await asyncio.shield(self.load())
        except FileNotFoundError as error:
            raise refusals.unavailable(f"The embedding model cannot be loaded. {error}") from error
        tokenized = await loop.run_in_executor(self._worker, model.tokenize, texts)
        order = sorted(range(len(texts)), key=lambda index: len(tokenized[index]))
        found: dict[int, Embedding] = {}
        for start in range(0, len(order), BATCH):
            # One batch at a time: a long request lets a short one through, and ends soon after its caller hangs up.
            batch = order[start : start + BATCH]
            vectors = await loop.run_in_executor(self._worker, model.vectors, [tokenized[index] for index in batch])
            found |= {i: Embedding(vector, len(tokenized[i])) for i, vector in zip(batch, vectors, strict=True)}
        return [found[index] for index in range(len(texts))]

    def close(self) -> None:
        """Let go of the worker; a batch that runs is not waited for."""
        self._worker.shutdown(wait=False, cancel_futures=True)


class EmbeddingModel:
    """Tokenizer and session. Lives in the worker thread."""

    def __init__(self, model_file: Path, tokenizer_file: Path) -> None:
        import numpy
        import onnxruntime
        from tokenizers import Tokenizer

        self._numpy: Any = numpy
        self._tokenizer = Tokenizer.from_file(str(tokenizer_file))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = engine_threads()
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(str(model_file), options, providers=["CPUExecutionProvider"])
        self._inputs = {item.name for item in self._session.get_inputs()}

    def tokenize(self, texts: list[str]) -> list[list[int]]:
        """Token ids of each text, with the model's marks, at most MAX_TOKENS."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch(texts)]

    def vectors(self, batch: list[list[int]]) -> "Vectors":
        """Unit vectors of a batch: the mean over each text's own tokens, normalised."""
        np = self._numpy
        ids = np.zeros((len(batch), max(map(len, batch))), dtype="i8")
        mask = np.zeros_like(ids)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden = self._session.run(None, {name: feed[name] for name in self._inputs})[0]
        weights = mask[:, :, None].astype("f4")
        means = (hidden * weights).sum(axis=1) / weights.sum(axis=1)
        unit: Vectors = (means / np.linalg.norm(means, axis=1, keepdims=True)).astype("f4")
        return unit
