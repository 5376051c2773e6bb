"""The providers of external models: the fields each one takes, and how a body of the API becomes a record and JSON again."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from local_workspace.cipher import Cipher
from local_workspace.external_models.fields import (
    PLAINTEXT,
    checked_credential,
    checked_header,
    checked_https,
    checked_text,
    checked_url,
    list_of,
    place_of,
)
from local_workspace.refusals import invalid_parameter
from local_workspace.serving.records import CHAT, COMPLETIONS, EMBEDDINGS, ExternalModel

ALL_TASKS = (CHAT, COMPLETIONS, EMBEDDINGS)


@dataclass(frozen=True)
class Form:
    """Fields of a provider's block that go together.

    A credential `x` is given as `x`, a secret reference, or as `x_plaintext`. In `blocks`, one of the named blocks must be
    there, with its own form. `when` says what makes this the form, for sentences.
    """

    credentials: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    blocks: tuple[tuple[str, "Form"], ...] = ()
    when: str = ""

    @property
    def known(self) -> tuple[str, ...]:
        """Every field that may be there."""
        given = tuple(name for credential in self.credentials for name in (credential, credential + PLAINTEXT))
        return (*given, *self.required, *self.optional, *(name for name, _ in self.blocks))


@dataclass(frozen=True)
class Provider:
    """A provider. `form` picks the fields by what is in the block; `urls` are fields that hold a URL."""

    name: str
    config_key: str
    tasks: tuple[str, ...]
    form: Callable[[dict[str, Any], str], Form]
    urls: tuple[str, ...] = ()


def _always(form: Form) -> Callable[[dict[str, Any], str], Form]:
    return lambda _config, _place: form


_AZURE = ("openai_api_type", "openai_api_base", "openai_api_version", "openai_deployment_name")
_OPENAI_FORMS = {
    "openai": Form(
        credentials=("openai_api_key",),
        optional=("openai_api_type", "openai_api_base", "openai_organization", "openai_api_version"),
        when=" when openai_api_type is 'openai'",
    ),
    "azure": Form(credentials=("openai_api_key",), required=_AZURE, when=" when openai_api_type is 'azure'"),
    "azuread": Form(
        credentials=("microsoft_entra_client_secret",),
        required=(*_AZURE, "microsoft_entra_tenant_id", "microsoft_entra_client_id"),
        when=" when openai_api_type is 'azuread'",
    ),
}
BEDROCK_PROVIDERS = ("anthropic", "cohere", "ai21labs", "amazon")


def _openai_form(config: dict[str, Any], place: str) -> Form:
    api_type = checked_text(config.get("openai_api_type", "openai"), f"{place}.openai_api_type").lower()
    if api_type not in _OPENAI_FORMS:
        raise invalid_parameter(f"{place}.openai_api_type must be {list_of(_OPENAI_FORMS)}, not '{api_type[:80]}'.")
    return _OPENAI_FORMS[api_type]


def _bedrock_form(config: dict[str, Any], place: str) -> Form:
    required = ("aws_region", "bedrock_provider")
    vendor = config.get("bedrock_provider")
    if vendor is not None and checked_text(vendor, f"{place}.bedrock_provider").lower() not in BEDROCK_PROVIDERS:
        raise invalid_parameter(f"{place}.bedrock_provider must be {list_of(BEDROCK_PROVIDERS)}, not '{vendor[:80]}'.")
    for role in ("instance_profile_arn", "uc_service_credential_name"):
        if config.get(role) is not None:
            return Form(required=(*required, role), when=f" beside '{role}'")
    return Form(credentials=("aws_access_key_id", "aws_secret_access_key"), required=required)


_CUSTOM_FORM = Form(
    required=("custom_provider_url",),
    blocks=(
        ("bearer_token_auth", Form(credentials=("token",))),
        ("api_key_auth", Form(credentials=("value",), required=("key",))),
    ),
)

_TABLE = (
    Provider("openai", "openai_config", ALL_TASKS, _openai_form, ("openai_api_base",)),
    # What anthropic answers to completions is its old text API; few of its models still have that.
    Provider("anthropic", "anthropic_config", (CHAT, COMPLETIONS), _always(Form(credentials=("anthropic_api_key",)))),
    Provider(
        "cohere",
        "cohere_config",
        ALL_TASKS,
        _always(Form(credentials=("cohere_api_key",), optional=("cohere_api_base",))),
        ("cohere_api_base",),
    ),
    Provider("amazon-bedrock", "amazon_bedrock_config", ALL_TASKS, _bedrock_form),
    Provider(
        "google-cloud-vertex-ai",
        "google_cloud_vertex_ai_config",
        (CHAT, EMBEDDINGS),
        _always(Form(credentials=("private_key",), required=("project_id", "region"))),
    ),
    Provider("ai21labs", "ai21labs_config", (COMPLETIONS,), _always(Form(credentials=("ai21labs_api_key",)))),
    Provider(
        "databricks-model-serving",
        "databricks_model_serving_config",
        ALL_TASKS,
        _always(Form(credentials=("databricks_api_token",), required=("databricks_workspace_url",))),
        ("databricks_workspace_url",),
    ),
    Provider("palm", "palm_config", ALL_TASKS, _always(Form(credentials=("palm_api_key",)))),
    Provider("custom", "custom_provider_config", ALL_TASKS, _always(_CUSTOM_FORM), ("custom_provider_url",)),
)
PROVIDERS = {provider.name: provider for provider in _TABLE}
# Those whose block has no field for an address, and Azure's sign-in.
REDIRECTABLE = ("anthropic", "ai21labs", "palm", "amazon-bedrock", "google-cloud-vertex-ai", "microsoft-entra")


def external_model_of(
    wire: dict[str, Any], cipher: Cipher, place: str = "served_entities[].external_model"
) -> ExternalModel:
    """The record of the API's `external_model` block; plaintext credentials are encrypted at once.

    `place` is the block's path in the body, for sentences. Raises RefusalError (400) for whatever is wrong with it, never
    with a credential in it.
    """
    name = _required_text(wire, "provider", place)
    provider = PROVIDERS.get(name)
    if provider is None:
        raise invalid_parameter(f"{place}.provider must be {list_of(PROVIDERS)}, not '{name[:80]}'.")
    task = _required_text(wire, "task", place)
    if task not in provider.tasks:
        raise invalid_parameter(f"{place}.task must be {list_of(provider.tasks)} for {name}, not '{task[:80]}'.")
    model = _required_text(wire, "name", place)
    block = _block(wire, provider, place)
    path = f"{place}.{provider.config_key}"
    config, managed = _read(block, provider.form(block, path), path, cipher)
    for field in [one for one in provider.urls if one in config]:
        config[field] = checked_url(config[field], f"{path}.{field}")
    if provider.name == "custom":
        checked_https(config["custom_provider_url"], f"{path}.custom_provider_url")
        checked_header(config.get("api_key_auth", {}).get("key", "x-api-key"), f"{path}.api_key_auth.key")
    return ExternalModel(
        provider=name, name=model, task=task, config_key=provider.config_key, config=config, managed=managed
    )


def external_model_to_wire(model: ExternalModel) -> dict[str, Any]:
    """The block as GET shows it: references as they were given, plaintext credentials never."""
    return {"provider": model.provider, "name": model.name, "task": model.task, model.config_key: model.config}


def credential_references(model: ExternalModel) -> Iterator[tuple[str, str]]:
    """Each credential that is a reference: its name, dotted inside a block, and the reference's text."""
    form = PROVIDERS[model.provider].form(model.config, model.config_key)
    yield from ((name, model.config[name]) for name in form.credentials if name in model.config)
    for block, inner in form.blocks:
        held = model.config.get(block, {})
        yield from ((f"{block}.{name}", held[name]) for name in inner.credentials if name in held)


def _required_text(wire: dict[str, Any], field: str, place: str) -> str:
    if wire.get(field) is None:
        raise invalid_parameter(f"The field '{place}.{field}' is missing.")
    return checked_text(wire[field], f"{place}.{field}")


def _block(wire: dict[str, Any], provider: Provider, place: str) -> dict[str, Any]:
    """The provider's block, without its null fields."""
    keys = {each.config_key for each in _TABLE}
    given = [key for key in wire if key in keys and wire[key] is not None]
    foreign = [key for key in given if key != provider.config_key]
    if provider.config_key not in given:
        instead = f", not '{foreign[0]}'" if foreign else ""
        raise invalid_parameter(f"{place} with provider {provider.name} needs '{provider.config_key}'{instead}.")
    if foreign:
        raise invalid_parameter(
            f"{place} has both '{provider.config_key}' and '{foreign[0]}'; provider {provider.name} takes the first."
        )
    return _present(wire[provider.config_key], f"{place}.{provider.config_key}")


def _present(block: object, place: str) -> dict[str, Any]:
    if not isinstance(block, dict):
        raise invalid_parameter(f"The field '{place}' must be an object.")
    return {str(name): value for name, value in block.items() if value is not None}


def _read(block: dict[str, Any], form: Form, path: str, cipher: Cipher) -> tuple[dict[str, Any], dict[str, str]]:
    """The checked fields of `block`, and its plaintext credentials, encrypted, by name."""
    unknown = next((name for name in block if name not in form.known), None)
    if unknown is not None:
        raise invalid_parameter(
            f"Unknown field '{path}.{place_of(unknown)}'; the fields here are {list_of(form.known)}{form.when}."
        )
    missing = next((name for name in form.required if name not in block), None)
    if missing is not None:
        raise invalid_parameter(f"The field '{path}.{missing}' is missing{form.when}.")
    plain = {name for name in block if name in (*form.required, *form.optional)}
    config: dict[str, Any] = {name: checked_text(block[name], f"{path}.{name}") for name in block if name in plain}
    managed: dict[str, str] = {}
    for name in form.credentials:
        text, is_reference = checked_credential(block, name, path, form.when)
        if is_reference:
            config[name] = text
        else:
            managed[name] = cipher.encrypt(text.encode()).decode()
    if form.blocks:
        _read_inner(block, form, path, cipher, config, managed)
    return config, managed


def _read_inner(
    block: dict[str, Any], form: Form, path: str, cipher: Cipher, config: dict[str, Any], managed: dict[str, str]
) -> None:
    names = [name for name, _ in form.blocks]
    given = [name for name in names if name in block]
    if len(given) != 1:
        what = "has none" if not given else "has several"
        raise invalid_parameter(f"{path} needs exactly one of {list_of(names)}; it {what}.")
    [name] = given
    inner, secrets = _read(_present(block[name], f"{path}.{name}"), dict(form.blocks)[name], f"{path}.{name}", cipher)
    config[name] = inner
    managed.update({f"{name}.{field}": value for field, value in secrets.items()})
