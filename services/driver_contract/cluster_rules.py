"""The rules about the cluster and the port: nothing is sent to the app for them."""

from services.clusters import Attachment, Cluster, Fitness, MayAttach
from services.driver_contract.records import Finding, Rule, Verdict
from services.driver_proxy.target import PORTS, Target, Via, cautions
from services.errors import PlaygroundError

_MODES = "The seed's contract and LangChain's docs name dedicated (single user) and no isolation shared."


def running(cluster: Cluster | PlaygroundError) -> Finding:
    """Whether the cluster has a driver now."""
    if isinstance(cluster, PlaygroundError):
        return Finding(Rule.RUNNING, Verdict.UNKNOWN, cluster.message, cluster.hint)
    said = f" {cluster.state_message}" if cluster.state_message else ""
    if cluster.running:
        return Finding(Rule.RUNNING, Verdict.PASSED, f"{cluster.name} is {cluster.state.lower()}.")
    change = (
        "Wait until it runs, and start the app again." if cluster.state.passing else "Start it, and then the app on it."
    )
    return Finding(Rule.RUNNING, Verdict.FAILED, f"{cluster.name} is {cluster.state.lower()}.{said}", change)


def attaching(attachment: Attachment) -> Finding:
    """Whether we may attach."""
    verdicts = {MayAttach.YES: Verdict.PASSED, MayAttach.NO: Verdict.FAILED, MayAttach.UNKNOWN: Verdict.UNKNOWN}
    change = "" if attachment.may is not MayAttach.NO else "Ask whoever manages it for CAN ATTACH TO, or use another."
    return Finding(Rule.ATTACH, verdicts[attachment.may], attachment.reason, change)


def access_mode(cluster: Cluster) -> Finding:
    """Whether its access mode lets an app be called."""
    shown = f"Its access mode is {cluster.access_mode.value}."
    if cluster.access_mode.fitness is Fitness.FIT:
        return Finding(Rule.ACCESS_MODE, Verdict.PASSED, shown)
    if cluster.access_mode.fitness is Fitness.UNFIT:
        change = "Run the app on a cluster that is dedicated to you, or one without isolation."
        return Finding(Rule.ACCESS_MODE, Verdict.FAILED, shown, change)
    return Finding(Rule.ACCESS_MODE, Verdict.UNKNOWN, f"{shown} {_MODES}")


def port(target: Target) -> Finding:
    """Whether the port is one for apps."""
    found = cautions(target)
    if not found:
        return Finding(Rule.PORT, Verdict.PASSED, f"Port {target.port} is from {PORTS[0]} to {PORTS[-1]}.")
    change = f"Let the app listen on another port from {PORTS[0]} to {PORTS[-1]}, such as 7777."
    return Finding(Rule.PORT, Verdict.FAILED, " ".join(found), change)


def unasked_attachment(target: Target) -> Finding:
    """Without a cluster to ask."""
    where = "A direct call asks nobody." if target.via is Via.DIRECT else "A call will show it."
    return Finding(Rule.ATTACH, Verdict.UNKNOWN, f"The cluster could not be asked. {where}")
