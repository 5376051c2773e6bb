"""How an endpoint is asked for vectors, as far as the workspace says it. Pure."""

from collections.abc import Sequence

from services.embeddings.records import Asking, BodyForm
from services.endpoints import Endpoint
from services.invocation.interface import Form, Interface

_FORMS = {
    Form.SPLIT: BodyForm.DATAFRAME_SPLIT,
    Form.RECORDS: BodyForm.DATAFRAME_RECORDS,
    Form.PROMPT: BodyForm.DATAFRAME_RECORDS,
    Form.INPUTS: BodyForm.INPUTS,
    Form.INSTANCES: BodyForm.INSTANCES,
}
_TEXT_COLUMNS = ("text", "texts", "input", "content", "sentence", "document", "prompt")


def asking_for(endpoint: Endpoint, interface: Interface | None = None) -> Asking:
    """How to begin: the form by its task, else by its *interface* where that is known; the version by what it serves."""
    version = _version(endpoint)
    if endpoint.task:
        return Asking(endpoint.name, version)
    if interface is None or not interface.known:
        return Asking(endpoint.name, version, BodyForm.DATAFRAME_SPLIT)
    return _by_interface(endpoint.name, version, interface)


def _version(endpoint: Endpoint) -> str:
    """What serves there. A hosted model is the same one under its name everywhere. Any other is known by its endpoint too: what
    is created anew, as in a local workspace that began anew, may have its old name and version and be another one."""
    serves = sorted(f"{entity.name}: {entity.entity}" for entity in endpoint.served_entities)
    hosted = all(entity.provider == "foundation" for entity in endpoint.served_entities)
    return "; ".join(serves if hosted or not endpoint.id else [*serves, f"endpoint {endpoint.id}"])


def _by_interface(name: str, version: str, interface: Interface) -> Asking:
    names = [field.name for field in interface.fields]
    if Form.FIELDS in interface.forms:
        return Asking(name, version)
    if interface.tensors:
        return Asking(name, version, BodyForm.INPUTS, column=_column(names) if any(names) else "")
    forms = (_FORMS[one] for one in (Form.SPLIT, *interface.forms) if one in interface.forms and one in _FORMS)
    return Asking(name, version, next(forms, BodyForm.DATAFRAME_SPLIT), column=_column(names))


def _column(names: Sequence[str]) -> str:
    """The column that most likely takes the text."""
    return next((name for name in _TEXT_COLUMNS if name in names), next(filter(None, names), "text"))
