"""Ordinary Python works in a transform."""

import json
from pathlib import Path

from services.sandbox import Hook, Sandbox, Status

FOLDER = Path(__file__).parent / "benign"
GIVEN = json.loads((FOLDER / "expected.json").read_text())
HOOKS = {"input": (Hook.INPUT, "request"), "output": (Hook.OUTPUT, "response")}


def test_ordinary_python_gives_what_it_gives_elsewhere(native: Sandbox):
    failed = {}
    for name, expected in GIVEN["expected"].items():
        hook, argument = HOOKS[expected["hook"]]
        result = native.run((FOLDER / f"{name}.py").read_text(), hook, GIVEN[argument])
        if (result.status, result.value, result.printed) != (Status.OK, expected["value"], expected["stdout"]):
            failed[name] = result.fault or result.status
    assert set(failed) == {"B34_async_helper"}, failed  # an event loop needs a socket
    assert failed["B34_async_helper"].message.startswith("a transform cannot import asyncio")


def test_time_zones_and_encodings_need_no_file(native: Sandbox):
    source = """
import datetime, zoneinfo
def transform_output(response):
    zone = zoneinfo.ZoneInfo("Asia/Seoul")
    hours = datetime.datetime(2026, 1, 1, tzinfo=zone).utcoffset().total_seconds() / 3600
    try:
        zoneinfo.ZoneInfo("Atlantis/Capital")
    except zoneinfo.ZoneInfoNotFoundError as error:
        missing = str(error)
    return [hours, "é".encode("cp1252").hex(), "bücher".encode("idna").decode(), missing]
"""
    missing = "No time zone found with key Atlantis/Capital"
    expected = [9.0, "e9", "xn--bcher-kva", f"'{missing}'"]  # a KeyError, as everywhere
    assert native.run(source, Hook.OUTPUT, 1).value == expected
