"""How a starter app gets onto a cluster and is called, step by step."""

from dataclasses import dataclass

from services.snippets.snippet import Snippet


@dataclass(frozen=True)
class Step:
    """One thing to do, and what to type for it."""

    says: str
    code: str
    language: str = "python"


def steps(app: Snippet, port: int) -> tuple[Step, ...]:
    """From the file to a first answer, in a notebook that is attached to the cluster."""
    start = (
        "import subprocess, sys\n"
        f'app = subprocess.Popen([sys.executable, "{app.file_name}", "--host", "0.0.0.0", "--port", "{port}"])'
    )
    look = f'import requests\nrequests.get("http://127.0.0.1:{port}/health", timeout=10).json()'
    return (
        Step(
            f"Save {app.file_name} beside a notebook in the workspace. The cluster's access mode must be dedicated (single "
            "user) or no isolation shared.",
            "",
        ),
        Step("Attach the notebook to the cluster, and install what the app needs.", f"%{app.install}"),
        Step("Start it in a process of its own, so that the cell ends and the app goes on.", start),
        Step("Once its model is loaded it says that it is well; what it prints is in the driver's log.", look),
        Step("Call it from here: choose the cluster and the port above. To end it:", "app.terminate()"),
    )


def step_here(app: Snippet, port: int, before: str = "") -> Step:
    """How to try it where the driver is this machine, as the local workspace's is. *before*: a shell line that signs in."""
    run = f"python {app.file_name} --host 127.0.0.2 --port {port}"
    return Step(
        f"The local workspace's driver is this machine: run the file here, then choose port {port} above. Where 127.0.0.2 is "
        "not known, as on macOS, write 0.0.0.0.",
        f"{before} && {run}" if before else run,
        "bash",
    )
