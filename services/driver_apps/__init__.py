"""Starter apps: a whole HTTP app for a cluster's driver, written for one model, that keeps the driver proxy's contract.

Pure: a choice in, source out. `examples/driver_app.py` is the one for FastAPI around a serving endpoint.
"""

from services.driver_apps.records import SOURCES, Framework, ModelKind, Source
from services.driver_apps.steps import Step, step_here, steps
from services.driver_apps.writing import driver_app

__all__ = ["SOURCES", "Framework", "ModelKind", "Source", "Step", "driver_app", "step_here", "steps"]
