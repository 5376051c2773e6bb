"""python -m bench [--quick] [--only NAME ...] [--out FILE.json] [--peers-only]"""

import argparse
import signal
import sys
import time
from pathlib import Path

from bench.browser import chromium
from bench.measures import MEASURES
from bench.report import machine, table, write_json
from bench.setup import FULL, QUICK, Setup, scripted_workspace
from bench.subjects import other_frameworks

FULL_MINUTES, QUICK_MINUTES = 25, 4


def main() -> int:
    given = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    started = machine()
    print(f"{started['system']}, Python {started['python']}, {started['cores']} cores, load {started['load']}")
    if not other_frameworks():
        print("Gradio and Chainlit are not installed in .venv-bench and are left out: `make bench` installs them.")
    sizes = QUICK if given.quick else FULL
    rows, notes = [], []
    with scripted_workspace(sizes) as workspace, chromium() as browser:
        deadline = time.monotonic() + 60 * (QUICK_MINUTES if given.quick else FULL_MINUTES)
        setup = Setup(browser, workspace, sizes, deadline, given.peers_only)
        for name in given.only or MEASURES:
            began = time.monotonic()
            print(f"{name} ...", end=" ", flush=True)
            rows += MEASURES[name](setup)
            notes += [f"{name}: {note}" for note in setup.notes]
            setup.notes.clear()
            print(f"{time.monotonic() - began:.0f} s")
    print("\n".join(["", table(rows), "", *notes]))
    print(f"load at the start {started['load']}, at the end {machine()['load']}")
    if given.quick:
        print("These are small runs: they show that the bench works, not how good the figures are.")
    if given.out:
        write_json(given.out, rows, notes, started, given.quick)
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Brickyard measured against its peers.")
    parser.add_argument("--quick", action="store_true", help="small sizes, under three minutes")
    parser.add_argument("--only", nargs="+", choices=MEASURES, metavar="NAME", help=", ".join(MEASURES))
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="write the figures here as well")
    parser.add_argument("--peers-only", action="store_true", help="leave Brickyard out")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
