"""Clusters: which there are, how they are, and whether an app on one's driver can be called."""

from services.clusters.attaching import Attachment, MayAttach, get_attachment
from services.clusters.listing import get_cluster, list_clusters
from services.clusters.records import AccessMode, Cluster, ClusterState, Fitness
from services.clusters.starting import start_cluster

__all__ = [
    "AccessMode",
    "Attachment",
    "Cluster",
    "ClusterState",
    "Fitness",
    "MayAttach",
    "get_attachment",
    "get_cluster",
    "list_clusters",
    "start_cluster",
]
