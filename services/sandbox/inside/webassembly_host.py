"""The WebAssembly engine's helper: a process of its own that runs each job in a fresh CPython inside WebAssembly.

Started as ``python -I -B webassembly_host.py FOLDER`` by an interpreter that has eryx; FOLDER is private, and the helper's
to remove when the app has gone. Frames on stdin and stdout: four bytes of length, then the body. In: LIMITS, then the job as
``runner.py`` takes it, in JSON. Out: READY, once; for each job BEGUN, before anything of it is run, and then one byte that
says how it ended (REPLY, TIMEOUT, MEMORY, DIED) with the runner's reply, which is to be doubted, or nothing. The helper itself
reads neither job nor reply.
"""

import os
import secrets
import shutil
import struct
import sys
from pathlib import Path
from typing import Any, BinaryIO

LIMITS = struct.Struct(">dQQ")
"""Wall clock in seconds, memory of the interpreter and length of the reply in bytes."""
READY, BEGUN, REPLY, TIMEOUT, MEMORY, DIED = b"+", b"B", b"R", b"T", b"M", b"D"
FILES_BYTES = 1 << 20
"""What its files may hold, were there any: they live in this process's memory."""

# Inside: one line of output, which starts with a mark that nobody could guess before the job came. Whoever finds it there
# forges the result of their own job only: every job has its own interpreter and its own mark.
BOOT = """import json, sys
runner = {{"__name__": "runner"}}
exec(compile({runner!r}, "runner.py", "exec"), runner)
out, replies = sys.stdout, []
runner["execute"](json.loads({job!r}), replies.append)
sys.stdout = out
print({mark!r} + replies[0].decode("ascii"))
"""


def own_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Where jobs come from and replies go. Nobody else has them: 0, 1 and 2 lead nowhere from now on.

    What the guest writes to its descriptor 1 goes to this process's, and would be read as the next person's reply.
    """
    jobs, replies = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nowhere, standard)
    return os.fdopen(jobs, "rb"), os.fdopen(replies, "wb")


def read_frame(jobs: BinaryIO) -> bytes:
    """Raises EOFError when the app has gone."""
    length = jobs.read(4)
    body = jobs.read(struct.unpack(">I", length)[0]) if len(length) == 4 else b""
    if not body:
        raise EOFError
    return body


def write_frame(replies: BinaryIO, body: bytes) -> None:
    """Raises BrokenPipeError when the app has gone."""
    replies.write(struct.pack(">I", len(body)) + body)
    replies.flush()


def run(eryx: Any, runner: str, frame: bytes) -> bytes:
    """How the job ended, then its reply."""
    wall_seconds, memory_bytes, reply_bytes = LIMITS.unpack_from(frame)
    mark = secrets.token_hex(16)
    code = BOOT.format(runner=runner, job=frame[LIMITS.size :].decode("ascii"), mark=mark)
    limits = eryx.ResourceLimits(
        execution_timeout_ms=max(1, int(wall_seconds * 1000)),
        max_memory_bytes=memory_bytes,
        max_vfs_bytes=FILES_BYTES,
    )
    try:
        output = eryx.Sandbox(resource_limits=limits).execute(code).stdout
    except eryx.TimeoutError:
        return TIMEOUT
    except eryx.ResourceLimitError:
        return MEMORY
    except eryx.EryxError as problem:
        # the runner catches what the job's own code raises: here the interpreter itself gave up
        return MEMORY if str(problem).rstrip().endswith("MemoryError") else DIED
    _, found, reply = output.rpartition(mark.encode())
    return REPLY + reply.rstrip(b"\n") if found and len(reply) <= reply_bytes else DIED


def main() -> None:
    """Answer jobs, one after the other, until the app closes the pipe."""
    jobs, replies = own_pipes()
    import eryx  # type: ignore[import-not-found] # of another environment

    runner = Path(__file__).with_name("runner.py").read_text(encoding="utf-8")
    eryx.Sandbox().execute("import json")  # unpacks and loads the interpreter: most of a second, once
    write_frame(replies, READY)
    try:
        while True:
            job = read_frame(jobs)
            write_frame(replies, BEGUN)
            write_frame(replies, run(eryx, runner, job))
    except (EOFError, BrokenPipeError):
        shutil.rmtree(sys.argv[1], ignore_errors=True)  # the app may have had no time to clear up


if __name__ == "__main__":
    main()
