"""What a cluster is, as far as an app on its driver is concerned."""

from dataclasses import dataclass
from enum import StrEnum


class ClusterState(StrEnum):
    """The states of the Clusters API."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    RESTARTING = "RESTARTING"
    RESIZING = "RESIZING"
    TERMINATING = "TERMINATING"
    TERMINATED = "TERMINATED"
    ERROR = "ERROR"
    UNKNOWN = "UNKNOWN"
    """Also whatever else the API may say one day."""

    @property
    def has_driver(self) -> bool:
        """Whether its driver can be called now."""
        return self in {ClusterState.RUNNING, ClusterState.RESIZING}

    @property
    def passing(self) -> bool:
        """Whether it becomes another by itself."""
        return self in {
            ClusterState.PENDING,
            ClusterState.RESTARTING,
            ClusterState.RESIZING,
            ClusterState.TERMINATING,
        }


class Fitness(StrEnum):
    """Whether an access mode suits an app behind the driver proxy."""

    FIT = "fit"
    UNFIT = "unfit"
    UNKNOWN = "unknown"


class AccessMode(StrEnum):
    """A cluster's access mode, in the words of its page. LangChain's docs name two for driver-proxy apps."""

    DEDICATED = "dedicated"
    """To one user, or to a group. Once “single user”."""
    NO_ISOLATION = "no isolation shared"
    STANDARD = "standard"
    """Once “shared”: users are kept apart, so nobody's app may listen on the driver for all."""
    LEGACY = "legacy"
    AUTO = "automatic"
    UNKNOWN = "unknown"

    @property
    def fitness(self) -> Fitness:
        """Whether an app on such a cluster's driver can be called."""
        if self in {AccessMode.DEDICATED, AccessMode.NO_ISOLATION}:
            return Fitness.FIT
        return Fitness.UNFIT if self in {AccessMode.STANDARD, AccessMode.LEGACY} else Fitness.UNKNOWN


@dataclass(frozen=True)
class Cluster:
    """One cluster. Names and messages are foreign text."""

    cluster_id: str
    name: str
    """Its id where it has none."""
    state: ClusterState
    state_message: str = ""
    """What the platform says about the state, or about how it ended; empty where nothing."""
    access_mode: AccessMode = AccessMode.UNKNOWN
    single_user: str = ""
    """Who alone may use it; empty where nobody is named."""
    driver_address: str = ""
    """The driver's private address; empty while there is no driver, or where the platform does not tell."""
    creator: str = ""
    runtime: str = ""
    """Its Databricks Runtime, as the platform writes it."""

    @property
    def running(self) -> bool:
        """Whether its driver can be called now."""
        return self.state.has_driver
