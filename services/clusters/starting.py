"""Start a cluster."""

from services.clusters.records import Cluster
from services.workspace import Workspace


def start_cluster(workspace: Workspace, cluster: Cluster) -> None:
    """Ask for its start, once; it takes minutes, and costs money from then on. Raises PlaygroundError."""
    body = {"cluster_id": cluster.cluster_id}
    workspace.change("POST", "/api/2.1/clusters/start", body, name=f"the start of cluster {cluster.cluster_id}")
