"""Runs one transform once and says what came of it. Runs where nothing can be reached, and imports nothing of ours.

After ``execute`` has begun, nothing in this process is to be believed: the code may have replaced any of it. Standard library
only, and nothing of it that is particular to an operating system: the same file runs inside WebAssembly.
"""

import builtins
import difflib
import importlib
import inspect
import io
import itertools
import json
import linecache
import re
import sys
from collections.abc import Callable, Iterable
from types import CodeType, TracebackType
from typing import Any

FILE_NAME = "transform.py"
HOOKS = ("transform_input", "transform_output")
LOAD = "load"
PRINTED_CHARACTERS = 64 << 10
MESSAGE_CHARACTERS = 2000
FRAMES = 20
LINE_CHARACTERS = 200
DEPTH = 60
INTEGER_BITS = 1024
AT = "{at}"

# What a transform may import. Usability, not a wall: the walls are the process's.
MODULES = (
    "__future__ abc array base64 binascii bisect calendar cmath codecs collections collections.abc colorsys contextlib copy csv "
    "dataclasses datetime decimal difflib enum fnmatch fractions functools graphlib hashlib heapq hmac html html.entities "
    "html.parser io ipaddress itertools json json.decoder keyword logging math numbers operator pprint quopri random re reprlib "
    "secrets shlex statistics string struct sys textwrap time tomllib traceback types typing unicodedata urllib.parse uuid "
    "warnings weakref xml.etree.ElementTree zlib zoneinfo"
)
# What those look for only when they are used, when no file can be opened any more.
NEEDED_LATER = (
    "_strptime encodings.ascii encodings.base64_codec encodings.cp1250 encodings.cp1252 encodings.hex_codec encodings.idna "
    "encodings.iso8859_1 encodings.iso8859_15 encodings.latin_1 encodings.punycode encodings.raw_unicode_escape "
    "encodings.rot_13 encodings.unicode_escape encodings.utf_16 encodings.utf_16_be encodings.utf_16_le encodings.utf_32 "
    "encodings.utf_7 encodings.utf_8_sig inspect linecache stringprep"
)
MOST_USED = "json, re, math, datetime, random, collections, itertools, functools, string, textwrap, statistics, hashlib"
IMPORTABLE = frozenset(name.split(".")[0] for name in MODULES.split())


class Rejected(Exception):
    """What the code defines or returns cannot be used. *path* leads to the value within what was returned, told at AT."""

    def __init__(self, message: str, kind: str = "ReturnValueError", line: int | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.line = line
        self.path: list[str | int] = []

    def says(self) -> str:
        """The message, with the way to the value."""
        way = "".join(f"[{step!r}]" for step in reversed(self.path[-8:]))
        return str(self).replace(AT, f" at {way[:LINE_CHARACTERS]}" if way else "")


class Printed(io.TextIOBase):
    """What the code prints: the first characters are kept, the others counted."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self) -> None:
        super().__init__()
        self.lost = 0
        self._room = PRINTED_CHARACTERS
        self._parts: list[str] = []

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, text: str) -> int:
        """Keep what there is room for."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        kept = str.__str__(text)[: self._room]
        if kept:
            self._parts.append(kept)
            self._room -= len(kept)
        self.lost += len(text) - len(kept)
        return len(text)

    def text(self) -> str:
        """What was kept."""
        return "".join(self._parts)


def preload(more: Iterable[str] = ()) -> None:
    """Import everything a transform may need, so that it needs no file."""
    for name in (*MODULES.split(), *NEEDED_LATER.split(), *more):
        try:
            importlib.import_module(name)
        except ImportError:
            continue  # this Python was built without it


def execute(job: dict[str, Any], reply: Callable[[bytes], None]) -> None:
    """Run *job* and hand its outcome to *reply*, as JSON in ASCII. Never raises for what the code does.

    The job: ``source``; ``hook``, one of HOOKS or LOAD; ``argument``; ``reply_bytes``, how long an outcome may be; and
    ``any_import``, true where the friendly import list is to be left out. The outcome: ``status``, one of ok, error, rejected,
    memory; ``value``; ``fault``; ``printed`` and ``printed_lost``.
    """
    encode = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode
    printed = Printed()
    sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = printed  # type: ignore[misc, assignment] # as print finds it
    sys.stdin = sys.__stdin__ = io.StringIO()  # type: ignore[misc, assignment] # input() gives EOFError
    if not job.get("any_import"):
        builtins.__import__ = _only_importable(builtins.__import__)
    source = job["source"].removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    outcome = _outcome(source, job["hook"], job["argument"])
    outcome["printed"], outcome["printed_lost"] = printed.text(), printed.lost
    reply(_encoded(outcome, encode, job["reply_bytes"]))


def _encoded(outcome: dict[str, Any], encode: Callable[[Any], str], limit: int) -> bytes:
    problem = "what was returned cannot be written as JSON"
    try:
        data = encode(outcome).encode("ascii")
        if len(data) <= limit:
            return data
        problem = f"what was returned is too large: {len(data):,} bytes of JSON, at most {limit:,}"
    except Exception:  # noqa: BLE001, S110 - the code may have replaced any part of the encoder
        pass
    outcome = {**outcome, "status": "rejected", "value": None, "fault": _fault("ReturnValueError", problem)}
    return encode(outcome).encode("ascii")


def _outcome(source: str, hook: str, argument: Any) -> dict[str, Any]:
    reserve = bytearray(128 << 10)  # given back where memory ran out, so that saying so is possible
    try:
        return {"status": "ok", "value": _run(source, hook, argument)}
    except Rejected as rejected:
        fault = _fault(rejected.kind, rejected.says(), rejected.line, source)
        return {"status": "rejected", "fault": fault}
    except MemoryError as error:
        reserve.clear()
        return {"status": "memory", "fault": _described(error, source)}
    except BaseException as error:  # noqa: BLE001 - SystemExit and KeyboardInterrupt are the code's own too
        return {"status": "error", "fault": _described(error, source)}


def _run(source: str, hook: str, argument: Any) -> Any:
    _check_text(source)
    lines = source.splitlines(keepends=True)
    linecache.cache[FILE_NAME] = (len(source), None, lines, FILE_NAME)  # for the code's own tracebacks
    namespace: dict[str, Any] = {"__name__": "__transform__", "__builtins__": builtins}
    exec(compile(source, FILE_NAME, "exec", dont_inherit=True, optimize=0), namespace)  # noqa: S102 - what this process is for
    defined = [name for name in HOOKS if name in namespace]
    for name in defined:
        if not callable(namespace[name]):
            kind = type(namespace[name]).__name__
            raise Rejected(f"{name} is no function, but of type {kind}", "NotAFunction")
    if hook == LOAD:
        return defined
    if hook not in defined:
        raise _missing(hook, defined, namespace)
    value = _call(namespace[hook], hook, argument)
    _check_returned(value, hook)
    return _plain(value)


def _check_text(source: str) -> None:
    """The compiler's own errors for these have no position."""
    found = re.search("[\0\ud800-\udfff]", source)
    if found:
        line, start = source.count("\n", 0, found.start()) + 1, source.rfind("\n", 0, found.start())
        message = f"the source holds U+{ord(found[0]):04X}, which Python cannot read"
        raise SyntaxError(message, (FILE_NAME, line, found.start() - start, None, None, None))


def _missing(hook: str, defined: list[str], namespace: dict[str, Any]) -> Rejected:
    functions = [name for name, value in namespace.items() if callable(value) and name not in HOOKS]
    for near in difflib.get_close_matches(hook, functions, n=1, cutoff=0.8):
        line = getattr(getattr(namespace[near], "__code__", None), "co_firstlineno", None)
        return Rejected(f"there is no function {hook}; {near} may be it, misspelt", "NoSuchHook", line)
    if defined:
        return Rejected(f"there is no function {hook}, only {defined[0]}", "NoSuchHook")
    return Rejected("there is neither a function transform_input nor a function transform_output", "NoHooks")


def _call(function: Callable[..., Any], hook: str, argument: Any) -> Any:
    keywords = argument if hook == "transform_input" else {}
    positional = () if hook == "transform_input" else (argument,)
    try:
        return function(*positional, **keywords)
    except TypeError as error:
        if error.__traceback__ is None or error.__traceback__.tb_next is not None:
            raise  # it was called, and failed inside
        form = "transform_input(**request)" if keywords or not positional else "transform_output(response)"
        line = getattr(getattr(function, "__code__", None), "co_firstlineno", None)
        raise Rejected(f"it is called as {form}, and cannot be: {error}", "SignatureError", line) from None


def _check_returned(value: Any, hook: str) -> None:
    if value is None and hook == "transform_input":
        raise Rejected("it returned None, as a function without a return statement does")
    if inspect.iscoroutine(value):
        raise Rejected("it returned a coroutine: write def in place of async def")
    if inspect.isgenerator(value):
        raise Rejected("it returned a generator: write return in place of yield")
    if hook == "transform_input" and not isinstance(value, dict):
        raise Rejected(f"it must return the request, a dict, and returned {_a(value)}")


def _a(value: Any) -> str:
    kind = type(value).__name__
    return f"{'an' if kind[:1] in 'aeiou' else 'a'} {kind}"


def _plain(value: Any, depth: int = 0) -> Any:
    """A copy in exactly the JSON types, made with those types' own methods. Raises Rejected."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return _plain_integer(value)
    if isinstance(value, float):
        return _plain_float(value)
    if depth > DEPTH:
        raise Rejected(f"what it returned is nested deeper than {DEPTH} levels, or holds itself")
    if isinstance(value, dict):
        return _plain_dict(value, depth)
    if isinstance(value, list | tuple):
        return _plain_list(value, depth)
    raise Rejected(f"what it returned holds {_a(value)}{AT}; JSON has dict, list, str, int, float, bool and None")


def _plain_dict(value: dict[Any, Any], depth: int) -> dict[str, Any]:
    plain = {}
    for key, item in dict.items(value):
        name = _plain_key(key)
        try:
            plain[name] = _plain(item, depth + 1)
        except Rejected as rejected:
            rejected.path.append(name[:40])
            raise
    return plain


def _plain_list(value: "list[Any] | tuple[Any, ...]", depth: int) -> list[Any]:
    items = list(list.__iter__(value) if isinstance(value, list) else tuple.__iter__(value))
    if set(map(type, items)) == {float} and all(number - number == 0 for number in items):
        return items  # an embedding
    plain: list[Any] = []
    try:
        for item in items:
            plain.append(_plain(item, depth + 1))  # noqa: PERF401 - its length is the place of what was rejected
    except Rejected as rejected:
        rejected.path.append(len(plain))
        raise
    return plain


def _plain_key(key: Any) -> str:
    if isinstance(key, str):
        return str.__str__(key)
    if key is None or key is True or key is False:
        return {None: "null", True: "true", False: "false"}[key]
    if type(key) is int or type(key) is float:
        return repr(_plain(key))
    raise Rejected(f"what it returned has a key of type {type(key).__name__}{AT}; JSON's keys are strings")


def _plain_integer(value: int) -> int:
    number = int.__int__(value)
    if number.bit_length() > INTEGER_BITS:
        raise Rejected(f"what it returned holds an integer of more than {INTEGER_BITS} bits{AT}")
    return number


def _plain_float(value: float) -> float:
    number = float.__float__(value)
    if number - number != 0:
        raise Rejected(f"what it returned holds {number!r}{AT}, which JSON has not")
    return number


def _fault(kind: str, message: str, line: int | None = None, source: str = "") -> dict[str, Any]:
    return {
        "type": kind[:80],
        "message": message[:MESSAGE_CHARACTERS],
        "line": line,
        "source": _line(source.split("\n"), line) if line else "",
    }


def _described(error: BaseException, source: str) -> dict[str, Any]:
    """*error* with the places in the person's own source, and nothing of any other file."""
    lines = source.split("\n")
    frames = _frames(error.__traceback__, lines)
    kept = frames if len(frames) <= FRAMES else frames[: FRAMES // 2] + frames[-FRAMES // 2 :]
    fault = {**_fault(type(error).__name__, _message(error)), "frames": kept, "frames_total": len(frames)}
    if isinstance(error, SyntaxError) and error.filename == FILE_NAME:
        fault.update(_place(lines, (error.lineno, error.end_lineno, error.offset, error.end_offset)))
    elif kept:
        fault.update({name: kept[-1][name] for name in ("line", "column", "end_line", "end_column", "source")})
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    fault["cause"] = type(cause).__name__[:80] if cause is not None else ""
    return fault


def _message(error: BaseException) -> str:
    try:
        text = str(error.msg if isinstance(error, SyntaxError) else error)
    except BaseException:  # noqa: BLE001 - it is the code's own __str__
        return "(its __str__ failed)"
    text = text[:MESSAGE_CHARACTERS]
    if isinstance(error, MemoryError) and not text:
        return "it needs more memory than a transform may have"
    if isinstance(error, PermissionError):
        return f"{text[: MESSAGE_CHARACTERS // 2]} (a transform has no files, no network and no other processes)"
    return text


def _frames(traceback: TracebackType | None, lines: list[str]) -> list[dict[str, Any]]:
    frames = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code.co_filename == FILE_NAME:
            frames.append({"function": code.co_name[:80], **_position(code, traceback, lines)})
        traceback = traceback.tb_next
    return frames


def _position(code: CodeType, traceback: TracebackType, lines: list[str]) -> dict[str, Any]:
    """Where *traceback* stands. The interpreter counts columns from 0 in bytes of UTF-8, people from 1 in characters."""
    start, end, left, right = next(
        itertools.islice(code.co_positions(), traceback.tb_lasti // 2, None), (None, None, None, None)
    )
    line = traceback.tb_lineno
    if start != line:
        return _place(lines, (line, None, None, None))
    return _place(lines, (line, end, _characters(lines, start, left), _characters(lines, end, right)))


def _characters(lines: list[str], line: int | None, column: int | None) -> int | None:
    if line is None or column is None or not 1 <= line <= len(lines):
        return None
    return len(lines[line - 1].encode()[:column].decode("utf-8", "ignore")) + 1


def _place(lines: list[str], place: tuple[int | None, int | None, int | None, int | None]) -> dict[str, Any]:
    line, end_line, column, end_column = (number if number and number > 0 else None for number in place)
    return {
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
        "source": _line(lines, line),
    }


def _line(lines: list[str], line: int | None) -> str:
    return lines[line - 1].rstrip()[:LINE_CHARACTERS] if line and 1 <= line <= len(lines) else ""


def _only_importable(imports: Callable[..., Any]) -> Callable[..., Any]:
    """The built-in import, with a helpful answer where a transform asks for what there is not."""

    def friendly(
        name: str,
        globals: Any = None,  # noqa: A002 - as the interpreter calls it
        locals: Any = None,  # noqa: A002
        fromlist: Any = (),
        level: int = 0,
    ) -> Any:
        # the interpreter's own C code imports in the name of whoever called it, with an empty list
        asked_here = level == 0 and fromlist != [] and (globals or {}).get("__name__") == "__transform__"
        if asked_here and name.split(".")[0] not in IMPORTABLE:
            raise _unavailable(name)
        try:
            return imports(name, globals, locals, fromlist, level)
        except ModuleNotFoundError:
            if asked_here:
                raise _unavailable(name) from None
            raise

    return friendly


def _unavailable(name: str) -> ImportError:
    return ImportError(
        f"a transform cannot import {name}: the sandbox keeps files, the network and other packages out. "
        f"There are {MOST_USED} and others of the standard library"
    )
