"""Deployments: watch what was sent become an endpoint that is ready, and find out why it does not."""

from services.deployments.deployment import GIVE_UP_SECONDS, Deployment, Ending, Sent
from services.deployments.evidence import Evidence, evidence_of
from services.deployments.stages import Progress, Stage
from services.deployments.submission import Step, Submission
from services.deployments.trial import Trial, TrialStep

__all__ = [
    "GIVE_UP_SECONDS",
    "Deployment",
    "Ending",
    "Evidence",
    "Progress",
    "Sent",
    "Stage",
    "Step",
    "Submission",
    "Trial",
    "TrialStep",
    "evidence_of",
]
