"""Other people's Python, run where it can reach nothing: one fresh, confined process a call.

``sandbox()`` is this process's own. ``Sandbox.run`` never raises for what the code does; it says so in its result.
"""

from services.sandbox.records import Fault, Frame, Hook, Layer, Limits, Result, SandboxState, Status
from services.sandbox.sandbox import Engine, Sandbox, sandbox

__all__ = [
    "Engine",
    "Fault",
    "Frame",
    "Hook",
    "Layer",
    "Limits",
    "Result",
    "Sandbox",
    "SandboxState",
    "Status",
    "sandbox",
]
