"""Which endpoints name which secret, and which of the references resolve to nothing."""

import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from services.endpoints import Endpoint, EndpointDetail, get_endpoint_detail
from services.errors import PlaygroundError
from services.secret_scopes import Path, SecretReference, Unresolved, references_in, unresolved_references
from services.workspace import Workspace

MOST_DETAILS = 50
MOST_SCOPES = 50
AT_ONCE = 4
OF_THE_PLATFORM = "databricks-"
"""Names that begin so are Databricks' own."""
Seen = dict[tuple[str, int | None], tuple["SecretUse", ...]]
"""What details have shown, by an endpoint's id and its last change: it need not be asked again."""


@dataclass(frozen=True)
class SecretUse:
    """One place in an endpoint's config that names a secret."""

    endpoint: str
    entity: str
    """The served entity's name."""
    field: str
    """Where in the entity: ``external_model.openai_config.openai_api_key``."""
    reference: SecretReference

    def names(self, scope: str, key: str | None = None) -> bool:
        """Whether it names that scope, and that key where one is given: the platform disregards case."""
        return self.reference.scope.casefold() == scope.casefold() and (
            key is None or self.reference.key.casefold() == key.casefold()
        )


def uses_of(endpoint: Endpoint | EndpointDetail) -> tuple[SecretUse, ...]:
    """Every place that names a secret. A list's endpoint shows those of external models; its detail has all."""
    if isinstance(endpoint, EndpointDetail):
        name = endpoint.endpoint.name
        configs = (endpoint.config, endpoint.pending)
        entities = [entity for config in configs if config for entity in config.entities]
    else:
        name, entities = endpoint.name, list(endpoint.served_entities)
    found = [
        SecretUse(name, entity.name, _dotted(path), reference)
        for entity in entities
        for path, reference in references_in(entity.wire)
    ]
    return tuple(dict.fromkeys(found))


def needs_detail(endpoint: Endpoint) -> bool:
    """Whether a list may hide a reference of it: environment variables of a model, a config that is on its way.

    A list has all of an external model. The endpoints that every workspace comes with have neither.
    """
    if endpoint.name.startswith(OF_THE_PLATFORM):
        return False
    hides = any(provider in ("custom", "foundation") for provider in endpoint.providers)
    return hides or endpoint.updating or endpoint.update_failed or not endpoint.served_entities


class UsesLook:
    """One look at all endpoints, in the background: first their details, then whether their references resolve.

    At any time it says what it has found and what it has not looked at. Read from any thread.
    """

    def __init__(
        self, workspace: Workspace, endpoints: Sequence[Endpoint], seen: Seen, before: "UsesLook | None" = None
    ) -> None:
        """*seen* is read and filled. What *before* found broken counts until this look is done."""
        self._workspace = workspace
        self._seen = seen
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._uses = {one.name: uses_of(one) for one in endpoints}
        hidden = [one for one in endpoints if needs_detail(one)]
        self._uses |= {one.name: self._seen[_version(one)] for one in hidden if _version(one) in seen}
        unseen = [one for one in hidden if _version(one) not in seen]
        self._asked, beyond = unseen[:MOST_DETAILS], unseen[MOST_DETAILS:]
        self._not_looked_at = dict.fromkeys((one.name for one in self._asked), "not yet looked at") | dict.fromkeys(
            (one.name for one in beyond), f"beyond the first {MOST_DETAILS}"
        )
        self._unresolved: dict[SecretReference, Unresolved] = before._unresolved if before is not None else {}
        self._checked: dict[SecretReference, Unresolved] = {}
        self.not_checked = 0
        """References beyond the first MOST_SCOPES scopes."""
        self.done = False

    def start(self) -> "UsesLook":
        """Begin; for once."""
        threading.Thread(target=self._run, name="uses of secrets", daemon=True).start()
        return self

    def stop(self) -> None:
        """Ask no more."""
        self._stopped.set()

    @property
    def uses(self) -> list[SecretUse]:
        """What is known by now, by endpoint."""
        with self._lock:
            return [use for name in sorted(self._uses) for use in self._uses[name]]

    @property
    def not_looked_at(self) -> dict[str, str]:
        """Endpoints whose details were not seen, with the reason: they may name secrets, too."""
        with self._lock:
            return dict(self._not_looked_at)

    @property
    def broken(self) -> list[tuple[SecretUse, str]]:
        """Uses whose secret is not there, each with a sentence."""
        return [(use, found.sentence) for use, found in self._found_unresolved() if found.missing]

    @property
    def unclear(self) -> list[SecretUse]:
        """Uses of scopes that this identity cannot look into."""
        return [use for use, found in self._found_unresolved() if not found.missing]

    def _found_unresolved(self) -> list[tuple[SecretUse, Unresolved]]:
        with self._lock:
            found = self._unresolved
        return [(use, found[use.reference]) for use in self.uses if use.reference in found]

    def _run(self) -> None:
        try:
            with ThreadPoolExecutor(AT_ONCE, "uses of secrets") as pool:
                list(pool.map(self._look_at, self._asked))
                list(pool.map(self._check, self._by_scope()))
            with self._lock:
                self._unresolved = self._checked
        finally:
            self.done = True

    def _look_at(self, endpoint: Endpoint) -> None:
        if self._stopped.is_set():
            return
        try:
            found = uses_of(get_endpoint_detail(self._workspace, endpoint.name))
        except PlaygroundError as error:
            with self._lock:
                self._not_looked_at[endpoint.name] = error.message
            return
        with self._lock:
            self._uses[endpoint.name] = found
            if endpoint.updated_ms is not None:
                self._seen[_version(endpoint)] = found
            del self._not_looked_at[endpoint.name]

    def _by_scope(self) -> list[list[SecretReference]]:
        by_scope: dict[str, list[SecretReference]] = {}
        for use in self.uses:
            by_scope.setdefault(use.reference.scope.casefold(), []).append(use.reference)
        scopes = list(by_scope.values())
        self.not_checked = sum(len(set(references)) for references in scopes[MOST_SCOPES:])
        return scopes[:MOST_SCOPES]

    def _check(self, references: Iterable[SecretReference]) -> None:
        if self._stopped.is_set():
            return
        found = unresolved_references(self._workspace, references)
        with self._lock:
            self._checked |= found


def _version(endpoint: Endpoint) -> tuple[str, int | None]:
    return endpoint.id or endpoint.name, endpoint.updated_ms


def _dotted(path: Path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
