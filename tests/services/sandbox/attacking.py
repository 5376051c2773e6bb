"""A program: attack the native engine as an unprivileged user, and write what each attack did, one JSON line for each.

``python -m tests.services.sandbox.attacking [any-import] [no-landlock]``
"""

import functools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from services.sandbox import Limits, Sandbox
from services.sandbox.native import NativeEngine
from tests.services.sandbox import kernel
from tests.services.sandbox.stage import ATTACKS, Stage

ROOT = Path(__file__).parents[3]
SHORT, WHOLE = Limits(wall_seconds=0.6), Limits()
NEEDS_TIME = {"memory", "timeout-or-memory", "rejected-result", "error-truncated"}
"""Classes whose attacks fill memory first."""
OUTWARD = ("S0", "N", "P")
"""Beginnings of the names of attacks on the environment and files, the network, processes and signals."""
# What an attacker would use, and could not find without the files: there from the start, to try the walls behind the files.
WEAPONS = (
    "ctypes socket subprocess threading inspect gc mmap signal tempfile pathlib urllib.request http.client asyncio "
    "multiprocessing runpy fileinput tokenize zipfile configparser importlib.machinery atexit platform resource"
)


@functools.cache
def attack(*how: str) -> dict[str, dict[str, Any]]:
    """Run the program: by attack, ``status``, ``problems`` and ``seconds``."""
    program = [sys.executable, "-B", "-m", "tests.services.sandbox.attacking", *how]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    return {outcome["id"]: outcome for outcome in map(json.loads, done.stdout.splitlines())}


def chosen(*how: str) -> list[str]:
    """The attacks: all, but without Landlock only those that try to reach something outside of their process.

    What the others try (time, memory, forged answers, the interpreter's own objects) has no file in it.
    """
    reaching = [name for name, about in ATTACKS.items() if name.startswith(OUTWARD) or about["expect"] == "no-write"]
    return reaching if "no-landlock" in how else list(ATTACKS)


def engine(how: list[str]) -> NativeEngine:
    return NativeEngine(any_import=True, modules=WEAPONS.split()) if "any-import" in how else NativeEngine()


def main() -> None:
    how = sys.argv[1:]
    kernel.give_up_root()
    assert kernel.rights() == 0
    if "no-landlock" in how:
        kernel.hide("landlock")
    native = engine(how)
    sandbox = Sandbox(native)
    assert sandbox.state.available, sandbox.state
    active = {layer.name: layer.active for layer in sandbox.state.layers}
    assert not (active["Files (Landlock)"] and "no-landlock" in how)
    stage = Stage(native)
    try:
        for name in chosen(*how):
            limits = WHOLE if ATTACKS[name]["expect"] in NEEDS_TIME else SHORT
            result, problems = stage.attack(name, limits)
            fields = {"id": name, "status": result.status, "seconds": result.seconds, "problems": problems}
            sys.stdout.write(json.dumps(fields) + "\n")
    finally:
        stage.close()
        sandbox.close()


if __name__ == "__main__":
    main()
