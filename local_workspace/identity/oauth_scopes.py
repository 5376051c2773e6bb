"""OAuth scopes: for which parts of the API a token was issued.

A personal access token is good for everything, and so is an access token with `all-apis`, which is what machines ask for. The
token that a Databricks App receives for its visitor is not.
"""

import re

ALL_APIS = "all-apis"
# What a served model's process may do with its endpoint's creator's rights: ask endpoints, and read MLflow's registry.
MODEL_OAUTH_SCOPES = ("serving.serving-endpoints", "iam.current-user:read", "mlflow")
# What an app may be given for its visitors, of the APIs that are here; never clusters or secrets.
APP_OAUTH_SCOPES = ("serving.serving-endpoints", "iam.current-user:read", "iam.access-control:read")

_SCOPE = re.compile(r"[A-Za-z0-9._:/-]{1,100}")
MAX_OAUTH_SCOPES = 50

# The beginning of a path, and the scopes of which one is needed. Longer beginnings stand before shorter ones.
_NEEDED = (
    ("/api/2.0/preview/scim/v2/Me", ("iam.current-user:read",)),
    ("/api/2.0/permissions/serving-endpoints/", ("serving.serving-endpoints",)),
    ("/api/2.0/permissions/clusters/", ("clusters",)),
    ("/api/2.0/serving-endpoints", ("serving.serving-endpoints",)),
    ("/api/2.0/external-function", ("serving.serving-endpoints",)),
    ("/api/2.0/mlflow", ("mlflow",)),  # writing needs all-apis on top, see custom_models.routes
    ("/api/2.0/secrets/", ("secrets",)),
    ("/api/2.0/clusters/", ("clusters",)),
    ("/api/2.1/clusters/", ("clusters",)),
    ("/driver-proxy-api/", ("clusters",)),
    ("/driver-proxy/", ("clusters",)),
    # Asking is also open to the scopes that are for nothing else; agents are reported to need the last.
    (
        "/serving-endpoints/",
        ("serving.serving-endpoints", "serving.serving-endpoints-data-plane", "model-serving"),
    ),
    ("/ai-gateway/", ("serving.serving-endpoints", "serving.serving-endpoints-data-plane", "model-serving")),
)


def parse_oauth_scopes(text: str) -> tuple[str, ...]:
    """The scopes in the text of a request, which separates them by spaces or commas. Raises ValueError with a sentence."""
    oauth_scopes = tuple(dict.fromkeys(text.replace(",", " ").split()))
    if not oauth_scopes:
        raise ValueError("The scope is empty; ask for all-apis.")
    if len(oauth_scopes) > MAX_OAUTH_SCOPES or not all(_SCOPE.fullmatch(each) for each in oauth_scopes):
        raise ValueError(f"The scope must be at most {MAX_OAUTH_SCOPES} names such as all-apis, separated by spaces.")
    return oauth_scopes


def missing_oauth_scope(path: str, granted: tuple[str, ...]) -> str | None:
    """The scope a token lacks for a call of `path`; None when it has what it needs.

    A scope includes those below it: `serving` is good for `serving.serving-endpoints`. Paths that no scope is for, such as
    `/_local/`, need `all-apis`.
    """
    if ALL_APIS in granted:
        return None
    needed = next((oauth_scopes for beginning, oauth_scopes in _NEEDED if path.startswith(beginning)), (ALL_APIS,))
    includes = any(each == held or each.startswith(f"{held}.") for each in needed for held in granted)
    return None if includes else needed[0]
