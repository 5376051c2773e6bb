"""The model side of a starter app: `generate(question)`, for each kind of model."""

from services.driver_apps.records import ModelKind, Part

_ENDPOINT = '''\
def generate(question: Question) -> str:
    """What the model answers to the prompt. Raises Refused when the endpoint cannot answer."""
    # As a chat: an instruction model has nothing to add to a prompt that ends, such as a question.
    said = [{"role": "user", "content": question.prompt}]
    wanted = {"model": ENDPOINT, "messages": said, "max_tokens": MAX_TOKENS, "stop": question.stop} | question.sampling
    headers = {"authorization": f"Bearer {TOKEN}"}
    try:
        reply = requests.post(
            f"{HOST}/serving-endpoints/chat/completions", json=wanted, headers=headers, timeout=ANSWER_SECONDS
        )
        completion = reply.json()
    except requests.RequestException as error:
        raise Refused(502, f"The endpoint {ENDPOINT} did not answer: {error}") from error
    if not reply.ok:
        # Too many requests and not ready yet are worth another try, and the caller should know.
        status = reply.status_code if reply.status_code in {429, 503} else 502
        message = completion.get("message") if isinstance(completion, dict) else completion
        raise Refused(status, f"The endpoint {ENDPOINT} answered {reply.status_code}: {message}")
    try:
        text = completion["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        text = None
    if not isinstance(text, str):
        raise Refused(502, f"The endpoint {ENDPOINT} answered without a text.")
    return text
'''

_TRANSFORMERS = '''\
@functools.cache
def load() -> Any:
    """The pipeline, loaded once. Code that comes with a model is never run."""
    loaded = pipeline("text-generation", model=MODEL, device_map="auto", trust_remote_code=False)
    loaded.model.eval()
    return loaded


class Stopped(StoppingCriteria):  # type: ignore[misc]
    """Whether one of the stop texts is in what was generated: the prompt's tokens are not looked at."""

    def __init__(self, tokenizer: Any, stops: list[str], prompt_tokens: int) -> None:
        self._tokenizer = tokenizer
        self._stops = stops
        self._begin = prompt_tokens

    def __call__(self, input_ids: Any, _scores: Any, **_: Any) -> Any:
        """One truth value for each row of the batch, as transformers wants it."""
        texts = self._tokenizer.batch_decode(input_ids[:, self._begin :], skip_special_tokens=True)
        found = [any(stop in text for stop in self._stops) for text in texts]
        return torch.tensor(found, dtype=torch.bool, device=input_ids.device)


def generate(question: Question) -> str:
    """What the model writes to the prompt, without the prompt."""
    tokenizer = load().tokenizer
    text = question.prompt
    if tokenizer.chat_template:  # an instruction model has nothing to add to a prompt that ends, such as a question
        said = [{"role": "user", "content": text}]
        text = tokenizer.apply_chat_template(said, tokenize=False, add_generation_prompt=True)
    with_template = text is not question.prompt
    prompt_tokens = len(tokenizer(text, add_special_tokens=not with_template)["input_ids"])
    temperature = question.sampling.get("temperature", 0)
    sampling = {"do_sample": True, "temperature": temperature} if temperature else {"do_sample": False}
    with torch.inference_mode():
        written = load()(
            text,
            add_special_tokens=not with_template,
            return_full_text=False,
            max_new_tokens=int(question.sampling.get("max_tokens", MAX_TOKENS)),
            stopping_criteria=StoppingCriteriaList([Stopped(tokenizer, question.stop, prompt_tokens)]),
            **sampling,
        )
    return str(written[0]["generated_text"])
'''

_GGUF = '''\
@functools.cache
def load() -> Any:
    """llama.cpp with the model, loaded once."""
    params = xllamacpp.CommonParams()
    params.model.path = MODEL
    params.n_ctx = CONTEXT_TOKENS
    params.n_parallel = 1
    # One core is left for the rest: llama.cpp's threads spin while they wait, and on a busy machine they wait for each other.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = THREADS
    # It opens a port of its own beside this app's: on loopback, and behind a key that nobody has.
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [secrets.token_hex(16)]
    params.endpoint_slots = False
    params.ui = False
    return xllamacpp.Server(params)


def generate(question: Question) -> str:
    """What the model answers to the prompt."""
    # As a chat: an instruction model has nothing to add to a prompt that ends, such as a question.
    said = [{"role": "user", "content": question.prompt}]
    wanted = {"messages": said, "max_tokens": MAX_TOKENS, "stop": question.stop} | question.sampling
    completion = load().handle_chat_completions(wanted)
    if "error" in completion:
        error = completion["error"]
        raise Refused(400 if error.get("code") == 400 else 502, f"The model did not answer: {error.get('message')}")
    return str(completion["choices"][0]["message"]["content"])
'''

_MLFLOW = '''\
@functools.cache
def load() -> Any:
    """The model, loaded once. Loading runs the code in it: take only models that you trust."""
    return mlflow.pyfunc.load_model(MODEL)


def generate(question: Question) -> str:
    """What the model answers to the prompt. Raises Refused when it takes no such question, or gives no text."""
    schema = load().metadata.get_input_schema()
    names = schema.input_names() if schema is not None and schema.has_input_names() else ["prompt", "stop"]
    said = [{"role": "user", "content": question.prompt}]
    known = {"prompt": question.prompt, "stop": question.stop, "messages": said}
    record = {name: known[name] for name in names if name in known}
    if not record.keys() & {"prompt", "messages"}:
        raise Refused(502, f"The model takes {', '.join(names)}, and neither a prompt nor messages.")
    params = load().metadata.get_params_schema()
    taken = {param.name: param.dtype.to_python() for param in params.params} if params is not None else {}
    if refused := question.sampling.keys() - taken.keys():
        raise Refused(400, f"The model has no parameter '{min(refused)}'.")
    sampling = {name: taken[name](value) for name, value in question.sampling.items()}
    return text_of(load().predict(pandas.DataFrame([record]), params=sampling or None))


def text_of(given: Any) -> str:
    """The text in what a model gave: a string, or the first of a list, of a table, or of a chat's choices."""
    if hasattr(given, "to_dict"):
        given = given.to_dict(orient="records") if hasattr(given, "columns") else list(given)
    for _ in range(8):
        if isinstance(given, str):
            return given
        if isinstance(given, dict):
            inner = next((given[name] for name in ("choices", "message", "content") if name in given), None)
            given = inner if inner is not None else next(iter(given.values()), None)
        elif given is not None and hasattr(given, "__len__") and len(given):
            given = given[0]
    raise Refused(502, "The model gave no text.")
'''

MODELS = {
    ModelKind.ENDPOINT: Part(
        imports=("import os", "import requests"),
        packages=("requests",),
        settings="""\
HOST = os.environ.get("DATABRICKS_HOST", "").rstrip("/")
TOKEN = os.environ.get("DATABRICKS_TOKEN", "")
ENDPOINT = os.environ.get("DRIVER_APP_ENDPOINT", {SOURCE})
ANSWER_SECONDS = 120.0
""",
        about="""\
This app has its text written by a serving endpoint, which it asks as the one whose DATABRICKS_HOST and DATABRICKS_TOKEN are in
its environment. Put your own model into `generate` and keep the rest.""",
        at_once=8,
        code=_ENDPOINT,
    ),
    ModelKind.TRANSFORMERS: Part(
        imports=(
            "import functools",
            "import torch",
            "from transformers import StoppingCriteria, StoppingCriteriaList, pipeline",
        ),
        packages=("transformers", "accelerate", "torch"),
        settings="MODEL = {SOURCE}\n",
        about="""\
This app has its text written by a transformers pipeline, one text at a time. Code that comes with a model is not run; a model
that needs some (`trust_remote_code`) is not for this app.""",
        code=_TRANSFORMERS,
    ),
    ModelKind.GGUF: Part(
        imports=("import functools", "import os", "import secrets", "import xllamacpp"),
        packages=("xllamacpp",),
        settings="MODEL = {SOURCE}\nCONTEXT_TOKENS = 8192\nTHREADS = max(1, (os.cpu_count() or 2) - 1)\n",
        about="""\
This app has its text written by llama.cpp from a GGUF file, one text at a time. The file must be where the driver can read it,
such as in a volume.""",
        code=_GGUF,
    ),
    ModelKind.MLFLOW: Part(
        imports=("import functools", "import mlflow", "import pandas"),
        packages=("mlflow", "pandas"),
        settings="MODEL = {SOURCE}\n",
        about="""\
This app has its text written by an MLflow model, one text at a time. The model's own packages must be there too:
`mlflow.pyfunc.get_model_dependencies(MODEL)` gives a file for `%pip install -r`.""",
        code=_MLFLOW,
    ),
}
