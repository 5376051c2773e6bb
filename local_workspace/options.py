"""What the command line decides for every part."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Options:
    """`host` is the workspace's URL and `ca_bundle` the file to trust for it, None without TLS.

    `deployment_seconds` is how long a deployment stays visible at least; `timeout` how long an invocation may take.
    After `scale_to_zero_seconds` without a call a custom model that may scale to zero does.
    With `models_on_demand` a foundation model is loaded by the first call that needs it, not at the start.
    `provider_urls` are stand-ins for the addresses of external models' providers, by provider.
    """

    host: str
    ca_bundle: str | None
    deployment_seconds: float = 2.0
    timeout: float = 297.0
    scale_to_zero_seconds: float = 1800.0
    models_on_demand: bool = False
    provider_urls: Mapping[str, str] = field(default_factory=dict)
