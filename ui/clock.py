"""Moments as the person's own clock shows them."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import streamlit as st


def clock(seconds: float) -> str:
    """The time of day of a moment, given in seconds since the epoch."""
    return datetime.fromtimestamp(seconds, _zone()).strftime("%H:%M:%S")


def day_and_clock(milliseconds: int | None) -> str:
    """Day and time of a moment, given in milliseconds since the epoch; "unknown" for none, or one that is no moment."""
    try:
        return (
            datetime.fromtimestamp((milliseconds or 0) / 1000, _zone()).strftime("%Y-%m-%d %H:%M:%S")
            if milliseconds
            else "unknown"
        )
    except (ValueError, OverflowError, OSError):
        return "unknown"


def _zone() -> tzinfo:
    """Where the browser is. A name that this machine has no rules for counts as UTC."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError
        return UTC
