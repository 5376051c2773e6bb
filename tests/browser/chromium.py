"""Where Chromium is on this machine. `python -m tests.browser.chromium --install` gets one where there is none."""

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROME_ON_MACOS = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
ADVICE = (
    "No Chromium could be installed here: install Chromium or Google Chrome yourself, "
    "or put the path of one into the environment variable CHROMIUM."
)


@functools.cache
def find() -> Path | None:
    """The first Chromium that starts, or None: CHROMIUM's, the system's, Chrome on macOS, the one Playwright downloaded."""
    return next((path for path in _candidates() if _starts(path)), None)


def _candidates() -> Iterator[Path]:
    if named := os.environ.get("CHROMIUM"):
        yield Path(named)
    yield Path("/usr/bin/chromium")
    yield from (Path(found) for name in NAMES if (found := shutil.which(name)))
    yield CHROME_ON_MACOS
    yield from _of_playwright()


def _of_playwright() -> Iterator[Path]:
    # In a process of its own: Playwright's synchronous interface cannot be entered twice in one thread.
    program = "from playwright.sync_api import sync_playwright as s\nwith s() as p: print(p.chromium.executable_path)"
    asked = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    if asked.returncode == 0 and asked.stdout.strip():
        yield Path(asked.stdout.strip())


def _starts(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def install() -> int:
    """Exit status: 0 when there is a Chromium now. Tries Playwright's download, then Debian's package."""
    if find():
        return 0
    for commands in ([[sys.executable, "-m", "playwright", "install", "chromium"]], _debian()):
        done = commands and all(subprocess.run(command, check=False).returncode == 0 for command in commands)
        find.cache_clear()
        if done and find():
            return 0
    sys.stderr.write(f"{ADVICE}\n")
    return 1


def _debian() -> list[list[str]]:
    """The commands that install Debian's package; none where there is no apt-get or no right to use it."""
    if not shutil.which("apt-get"):
        return []
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if as_root and not (shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], check=False).returncode == 0):
        return []
    return [[*as_root, "apt-get", "update"], [*as_root, "apt-get", "install", "-y", "chromium"]]


if __name__ == "__main__":
    if sys.argv[1:] != ["--install"]:
        sys.exit("usage: python -m tests.browser.chromium --install")
    sys.exit(install())
