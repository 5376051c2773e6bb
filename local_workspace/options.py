"""What the command line decides for every part."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """`host` is the workspace's URL and `ca_bundle` the file to trust for it, None without TLS.

    `deployment_seconds` is how long a deployment stays visible at least; `timeout` how long an invocation may take.
    """

    host: str
    ca_bundle: str | None
    deployment_seconds: float = 2.0
    timeout: float = 297.0
