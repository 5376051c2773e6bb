"""The process in which the example driver app runs: `examples/driver_app.py`, on a socket that the workspace made.

stdin brings one JSON line, the order, and stays open until the workspace ends, however it ends; then this process ends too.
"""

import json
import os
import socket
import sys
import threading


def main() -> None:
    """Serve the app on the socket of the order, with the order's environment."""
    order = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    os.environ.update(order["environment"])

    from examples import driver_app

    driver_app.serve(socket.socket(fileno=order["descriptor"]))


def _end_with_stdin() -> None:
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
