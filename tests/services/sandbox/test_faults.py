"""What a person is told of a mistake in their code: the place in it, exactly, and what to do."""

import pytest

from services.sandbox import Hook, Sandbox, Status

HEAD = "def transform_input(**request):\n"
CASES = {
    "a missing key": (HEAD + "    return request['nope']\n", "KeyError", (2, 12, 2, 27)),
    "wide characters before it": (HEAD + "    x = '日本' + request['nope']\n", "KeyError", (2, 16, 2, 31)),
    "an emoji before it": (HEAD + "    x = '😀', 1 / 0\n", "ZeroDivisionError", (2, 14, 2, 19)),
    "lines that end as on Windows": (HEAD + "    a = 1\r\n    return 1/0\r\n", "ZeroDivisionError", (3, 12, 3, 15)),
    "lines that end as they once did on a Mac": (
        "def transform_input(**r):\r    return 1/0\r",
        "ZeroDivisionError",
        (2, 12, 2, 15),
    ),
    "a byte order mark": ("\ufeff" + HEAD + "    return 1/0\n", "ZeroDivisionError", (2, 12, 2, 15)),
    "a form feed": ("\x0c" + HEAD + "    return 1/0\n", "ZeroDivisionError", (2, 12, 2, 15)),
    "a tab": ("def transform_input(**r):\n\treturn 1/0\n", "ZeroDivisionError", (2, 9, 2, 12)),
    "over two lines": (HEAD + "    return (1 +\n        'a')\n", "TypeError", (2, 13, 3, 12)),
    "in another function": ("def h(a):\n    return a['q']\n" + HEAD + "    return h({})\n", "KeyError", (2, 12, 2, 18)),
    "in the standard library": (
        "import json\n" + HEAD + "    return json.loads('{')\n",
        "JSONDecodeError",
        (3, 12, 3, 27),
    ),
    "in a lambda": (HEAD + "    return sorted([1],\n        key=lambda v: v + '')\n", "TypeError", (3, 23, 3, 29)),
    "in a comprehension": (HEAD + "    return [1 / n for n in [0]]\n", "ZeroDivisionError", (2, 13, 2, 18)),
    "in exec": (HEAD + "    exec('1/0')\n", "ZeroDivisionError", (2, 5, 2, 16)),
    "in the module": ("import json\n1/0\n" + HEAD + "    return request\n", "ZeroDivisionError", (2, 1, 2, 4)),
    "raised from another": (
        HEAD + "    try:\n        {}['k']\n    except KeyError as e:\n        raise ValueError('bad') from e\n",
        "ValueError",
        (5, 9, 5, 39),
    ),
    "a group": (HEAD + "    raise ExceptionGroup('g', [ValueError(1)])\n", "ExceptionGroup", (2, 5, 2, 47)),
    "a bracket that is not closed": (HEAD + "    return (1,\n", "SyntaxError", (2, 12, 2, None)),
    "no indentation": (HEAD + "return 1\n", "IndentationError", (2, 1, 2, 7)),
    "a tab among blanks": (HEAD + "\tif True:\n        return 1\n", "TabError", (3, 1, 3, None)),
    "wide characters before what is no Python": ("x = '日本' = 1\n", "SyntaxError", (1, 5, 1, 9)),
    "a null character": (HEAD + "    return '\0'\n", "SyntaxError", (2, 13, None, None)),
    "half a character": ("x = 1\ny = '\ud800'\n", "SyntaxError", (2, 6, None, None)),
    "an import that there is not": ("import os\n", "ImportError", (1, 1, 1, 10)),
}


@pytest.mark.parametrize("case", CASES)
def test_an_error_has_its_place_in_the_persons_own_code(native: Sandbox, case):
    source, kind, place = CASES[case]
    result = native.run(source, Hook.INPUT, {"messages": []})
    fault = result.fault
    assert (result.status, fault.type) == (Status.ERROR, kind)
    assert (fault.line, fault.column, fault.end_line, fault.end_column) == place
    lines = source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").split("\n")
    assert fault.source.strip() == lines[fault.line - 1].replace("\ud800", "�").replace("\x0c", "").strip()


def test_the_way_to_an_error_is_told_outermost_first_and_not_too_long(native: Sandbox):
    source = "def down(n):\n    return down(n - 1) if n else n['end']\n" + HEAD + "    return down(50)\n"
    fault = native.run(source, Hook.INPUT, {}).fault
    assert [frame.function for frame in fault.frames[:2]] == ["transform_input", "down"]
    assert (len(fault.frames), fault.frames_total, fault.frames[0].line) == (20, 52, 4)
    assert fault.frames[0].source == "    return down(50)"
    source = CASES["raised from another"][0]
    assert native.run(source, Hook.INPUT, {}).fault.cause == "KeyError"


RETURNS = {
    "return None": "it returned None, as a function without a return statement does",
    "yield request": "it returned a generator: write return in place of yield",
    "return [1]": "it must return the request, a dict, and returned a list",
    "return 1": "and returned an int",
    "return {'a': [0, {1}]}": "holds a set at ['a'][1]",
    "return {'a': float('nan')}": "holds nan at ['a'], which JSON has not",
    "return {('a',): 1}": "has a key of type tuple",
    "return {'a': 2 ** 2000}": "an integer of more than 1024 bits",
    "request['me'] = request; return request": "nested deeper than 60 levels, or holds itself",
    "return {'a': 'x' * 9_000_000}": "too large",
}


@pytest.mark.parametrize("line", RETURNS)
def test_what_cannot_be_used_is_rejected_with_what_is_wrong_with_it(native: Sandbox, line):
    result = native.run(f"{HEAD}    {line}\n", Hook.INPUT, {})
    assert (result.status, result.value) == (Status.REJECTED, None)
    assert RETURNS[line] in result.fault.message
    assert not result.fault.message.endswith(".")


def test_a_source_without_the_function_that_is_asked_for_says_which_there_is(native: Sandbox):
    one = "def transform_output(response):\n    return response\n"
    assert native.run(one, Hook.INPUT, {}).fault.type == "NoSuchHook"
    assert native.run("x = 1", Hook.OUTPUT, 1).fault.type == "NoHooks"
    assert native.run("transform_input = 3", Hook.INPUT, {}).fault.type == "NotAFunction"
    assert native.run(one, Hook.LOAD).value == ["transform_output"]
    assert native.run("", Hook.LOAD).value == []
    assert native.run(one + HEAD + "    return request\n", Hook.LOAD).value == ["transform_input", "transform_output"]
    near = native.run("\n\ndef tranform_input(**request):\n    return request\n", Hook.INPUT, {}).fault
    assert (near.type, near.line, near.source) == ("NoSuchHook", 3, "def tranform_input(**request):")
    assert near.message == "there is no function transform_input; tranform_input may be it, misspelt"
    wrong = native.run("\ndef transform_input(request):\n    return request\n", Hook.INPUT, {"prompt": "Hi"})
    assert (wrong.status, wrong.fault.type, wrong.fault.line) == (Status.REJECTED, "SignatureError", 2)
    asynchronous = native.run("async def transform_output(response):\n    return 1\n", Hook.OUTPUT, 1)
    assert "write def in place of async def" in asynchronous.fault.message
    nothing = native.run("def transform_output(response):\n    pass", Hook.OUTPUT, 1)
    assert (nothing.status, nothing.value) == (Status.OK, None)  # null is JSON too


def test_values_come_back_as_json_and_prints_as_text_that_can_be_shown(native: Sandbox):
    source = """
import sys, enum, collections
class Colour(enum.IntEnum):
    RED = 1
class Loud(str):
    def __str__(self):
        return "LOUD"
def transform_output(response):
    print("one\\ttwo \\x1b[31m\\x00\\u202ered", Loud("quiet"))
    print("err", file=sys.stderr)
    try:
        input()
    except EOFError:
        print("no input")
    return [(1, 2), Colour.RED, Loud("quiet"), collections.OrderedDict(a=True), {1: None, 2.5: 0, None: 1, False: 2}, "\\ud800!"]
"""
    result = native.run(source, Hook.OUTPUT, response := {"a": "\ud800"})
    assert result.value == [[1, 2], 1, "quiet", {"a": True}, {"1": None, "2.5": 0, "null": 1, "false": 2}, "\ufffd!"]
    assert result.printed == "one\ttwo [31mred LOUD\nerr\nno input\n"
    assert response == {"a": "\ud800"}
    flood = native.run("for n in range(100): print('x' * 999)", Hook.LOAD)
    assert (len(flood.printed), flood.printed_lost) == (64 << 10, 100_000 - (64 << 10))


def test_what_is_out_of_reach_is_explained(native: Sandbox):
    refused = native.run("def transform_output(response):\n    return open('/etc/passwd').read()", Hook.OUTPUT, 1).fault
    assert refused.type == "PermissionError"
    assert "a transform has no files, no network and no other processes" in refused.message
    for name in ("requests", "urllib.request", "os.path"):
        fault = native.run(f"import {name}", Hook.LOAD).fault
        assert fault.message.startswith(f"a transform cannot import {name}: the sandbox keeps files, the network ")
        assert len(fault.message) < 300


def test_memory_and_time_that_run_out_are_told_apart(native: Sandbox):
    big = native.run(HEAD + "    return {'n': 'x' * (1 << 30)}", Hook.INPUT, {})
    assert (big.status, big.fault.line, big.fault.type) == (Status.MEMORY, 2, "MemoryError")
    assert big.fault.message
    deep = native.run(HEAD + "    return transform_input(**request)", Hook.INPUT, {})
    assert (deep.status, deep.fault.type) == (Status.ERROR, "RecursionError")
