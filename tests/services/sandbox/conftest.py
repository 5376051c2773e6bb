"""A sandbox with the native engine, for the tests that need no other."""

import sys
from collections.abc import Iterator

import pytest

from services.sandbox import Sandbox

if sys.platform != "linux":
    collect_ignore_glob = ["test_[!w]*.py"]  # the native engine's


@pytest.fixture(scope="module")
def native() -> Iterator[Sandbox]:
    from services.sandbox.native import NativeEngine

    sandbox = Sandbox(NativeEngine())
    assert sandbox.state.available, sandbox.state.reason
    yield sandbox
    sandbox.close()
