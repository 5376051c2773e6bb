"""Deployments, watched: how each of them ends, and what is known of it then."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services.deployments import Deployment, Ending, Progress, Sent, Step, Submission, TrialStep
from services.doors import typed
from services.endpoint_setup import create_endpoint, update_config
from services.endpoints import get_endpoint_detail
from services.endpoints.reading import detail_from_wire
from services.errors import PermissionDenied, Rejected, Side, Unreachable
from services.workspace import Workspace
from tests.browser.apps import free_port
from tests.local_workspace.calls import call
from tests.local_workspace.conftest import register
from tests.local_workspace.serving_calls import ROOT, created, entity, new_name, settled
from tests.local_workspaces import LocalWorkspace, eventually, start_local_workspace
from tests.services.chats import at
from tests.services.replies import Exchange, ReplyServer, whole


@pytest.fixture(scope="module")
def local_workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalWorkspace]:
    """A workspace whose deployments take no longer than they must, with a model that cannot be loaded."""
    started = start_local_workspace(tmp_path_factory.mktemp("workspace") / "stderr.txt", "--deployment-seconds", "0")
    try:
        assert call(started, "GET", "/api/2.0/mlflow/registered-models/search").ok
        register(f"sqlite:///{started.state}/mlflow.db", "local-files", "tests.unloadable")
        yield started
    finally:
        started.stop()


@pytest.fixture
def name(local_workspace: LocalWorkspace) -> Iterator[str]:
    """The name of an endpoint that is gone after the test."""
    fresh = f"watched-{new_name()}"
    yield fresh
    call(local_workspace, "DELETE", f"{ROOT}/{fresh}")


def body(name: str, *entities: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "config": {"served_entities": list(entities or [entity()])}}


def over(deployment: Deployment, seconds: float = 30) -> Deployment:
    eventually(lambda: not deployment.changing, seconds)
    return deployment


def labels(deployment: Deployment) -> list[tuple[str, Progress]]:
    return [(stage.label, stage.progress) for stage in deployment.stages]


def test_a_new_endpoint_is_seen_from_accepted_to_ready_with_times(workspace: Workspace, name: str):
    watched = Deployment(workspace, name, Sent(create_endpoint(workspace, body(name))))
    assert watched.running
    assert [stage.key for stage in watched.stages] == ["sent", "entity one", "config"]
    assert watched.stages[1].label == "one (SmolLM2 135M Instruct): being deployed"
    over(watched)
    assert watched.ending is Ending.READY
    assert labels(watched) == [
        ("Accepted by the workspace", Progress.DONE),
        ("one (SmolLM2 135M Instruct): deployed", Progress.DONE),
        ("The config is in place", Progress.DONE),
    ]
    assert 0.9 < watched.elapsed() < 60
    assert watched.elapsed() == watched.elapsed()
    assert watched.stages[-1].seconds(99) == pytest.approx(watched.elapsed(), abs=1)


def test_on_ready_one_call_is_made_and_only_one(workspace: Workspace, local_workspace: LocalWorkspace, name: str):
    asked = create_endpoint(
        workspace, body(name, {"entity_name": "local.models.all-minilm-l6-v2", "entity_version": "1"})
    )
    watched = over(Deployment(workspace, name, Sent(asked), trial=True))
    assert watched.trial is not None
    assert watched.trial.step is TrialStep.SENT
    assert watched.trial.job is not None
    assert watched.trial.job.reply.error is None
    assert "embedding" in watched.trial.job.reply.text
    calls = [one for one in local_workspace.requests() if one.path == f"/serving-endpoints/{name}/invocations"]
    assert [one.json for one in calls] == [watched.trial.body]


def test_without_a_call_wanted_none_is_made(workspace: Workspace, local_workspace: LocalWorkspace, name: str):
    over(Deployment(workspace, name, Sent(create_endpoint(workspace, body(name)))))
    assert not [one for one in local_workspace.requests() if f"{name}/invocations" in one.path]


def test_a_call_that_fails_leaves_the_endpoint_ready_and_says_why(workspace: Workspace, local_workspace, name: str):
    local_workspace.queue_fault("return-500", f"/serving-endpoints/{name}/invocations")
    watched = over(Deployment(workspace, name, Sent(create_endpoint(workspace, body(name))), trial=True))
    assert watched.ending is Ending.READY
    assert watched.trial is not None
    assert watched.trial.job is not None
    assert watched.trial.job.reply.error is not None


def test_a_custom_model_that_cannot_be_loaded_fails_with_the_words_that_say_why(workspace: Workspace, name: str):
    served = {"name": "broken", "entity_name": "tests.unloadable", "entity_version": "1", "workload_size": "Small"}
    watched = Deployment(workspace, name, Sent(create_endpoint(workspace, body(name, served))), trial=True)
    over(watched, 60)
    assert watched.ending is Ending.FAILED
    assert watched.evidence is not None
    assert "a_package_that_nobody_has" in watched.evidence.sentence
    assert watched.evidence.entity == "broken"
    assert any("failed" in event.message for event in watched.evidence.events)
    assert "a_package_that_nobody_has" in watched.evidence.build_log
    assert ("broken (tests.unloadable 1): could not be deployed", Progress.FAILED) in labels(watched)
    assert watched.trial is not None
    assert watched.trial.job is None


def test_an_endpoint_deleted_midway_ends_the_watch(workspace: Workspace, local_workspace: LocalWorkspace, name: str):
    watched = Deployment(workspace, name, Sent(create_endpoint(workspace, body(name))))
    assert call(local_workspace, "DELETE", f"{ROOT}/{name}").ok
    assert over(watched).ending is Ending.DELETED
    assert all(progress is not Progress.UNDER_WAY for _, progress in labels(watched))


def test_a_name_that_is_another_endpoints_by_now_counts_as_deleted(workspace: Workspace, local_workspace, name: str):
    sent = Sent(create_endpoint(workspace, body(name)))
    assert call(local_workspace, "DELETE", f"{ROOT}/{name}").ok
    create_endpoint(workspace, body(name))
    assert over(Deployment(workspace, name, sent)).ending is Ending.DELETED


def test_an_update_is_over_when_its_own_version_serves(workspace: Workspace, name: str):
    over(Deployment(workspace, name, Sent(create_endpoint(workspace, body(name)))))
    before = get_endpoint_detail(workspace, name)
    answer = update_config(workspace, name, body(name, entity("two"))["config"])
    watched = over(Deployment(workspace, name, Sent(answer, before=before)))
    assert watched.ending is Ending.READY
    assert watched.detail is not None
    assert watched.detail.config is not None
    assert [one.name for one in watched.detail.config.entities] == ["two"]


def test_a_creation_whose_answer_was_lost_is_found(workspace: Workspace, name: str):
    create_endpoint(workspace, body(name))
    lost = Unreachable("The answer did not come.", "Look.")
    watched = Deployment(workspace, name, Sent(lost=lost))
    assert "its answer was lost" in watched.stages[0].label
    assert over(watched).ending is Ending.READY
    assert "it has arrived" in watched.stages[0].label


def test_a_creation_that_never_arrived_is_said_not_to_be_made(workspace: Workspace, name: str):
    watched = over(Deployment(workspace, name, Sent(lost=Unreachable("Lost.", "Look."))))
    assert watched.ending is Ending.NOT_MADE
    assert watched.stages[0].progress is Progress.FAILED


def test_an_update_that_never_arrived_is_said_not_to_be_made(workspace: Workspace, local_workspace: LocalWorkspace):
    name = created(local_workspace, entity())
    before = get_endpoint_detail(workspace, name)
    watched = over(Deployment(workspace, name, Sent(lost=Unreachable("Lost.", "Look."), before=before)))
    assert watched.ending is Ending.NOT_MADE
    assert call(local_workspace, "DELETE", f"{ROOT}/{name}").ok


def test_an_update_whose_answer_was_lost_is_found(workspace: Workspace, local_workspace: LocalWorkspace, name: str):
    create_endpoint(workspace, body(name))
    settled(local_workspace, name)
    before = get_endpoint_detail(workspace, name)
    update_config(workspace, name, body(name, entity("two"))["config"])
    watched = over(Deployment(workspace, name, Sent(lost=Unreachable("Lost.", "Look."), before=before)))
    assert watched.ending is Ending.READY
    assert "entity two" in [stage.key for stage in watched.stages]


def test_a_watch_that_is_left_asks_no_more(workspace: Workspace, local_workspace: LocalWorkspace, name: str):
    watched = Deployment(workspace, name, Sent(create_endpoint(workspace, body(name))), trial=True)
    watched.leave()
    assert watched.ending is Ending.LEFT
    assert not watched.changing
    assert settled(local_workspace, name)["state"]["ready"] == "READY"
    assert watched.ending is Ending.LEFT
    assert watched.trial is not None
    assert watched.trial.step is TrialStep.STOPPED


# What is sent.


def submitted(workspace: Workspace, sent: dict[str, Any], **options: Any) -> Submission:
    submission = Submission(workspace, sent, [].append, **options)
    eventually(lambda: not submission.running, 30)
    if submission.deployment is not None:
        over(submission.deployment)
    return submission


def changes(local_workspace: LocalWorkspace, name: str) -> list[tuple[str, Any]]:
    """What was sent to create or update that endpoint."""
    asked = [one for one in local_workspace.requests() if one.method in ("POST", "PUT") and ROOT in one.path]
    return [(one.method, one.json) for one in asked if name in one.path or one.json.get("name") == name]


def test_a_submission_sends_the_body_once_and_watches(workspace: Workspace, local_workspace: LocalWorkspace, name: str):
    submission = submitted(workspace, body(name), trial=False)
    assert submission.step is Step.SENT
    assert submission.deployment is not None
    assert submission.deployment.ending is Ending.READY
    assert changes(local_workspace, name) == [("POST", body(name))]


def test_a_creation_whose_answer_is_cut_is_sent_once_and_found(
    workspace: Workspace, local_workspace: LocalWorkspace, name: str
):
    local_workspace.queue_fault("truncated-json", ROOT, times=2)  # the question for the name, then the creation
    submission = submitted(workspace, body(name), trial=False)
    assert submission.deployment is not None
    assert submission.deployment.sent.lost is not None
    assert submission.deployment.ending is Ending.READY
    assert len(changes(local_workspace, name)) == 1


def test_a_name_that_is_taken_is_seen_before_anything_is_sent(
    workspace: Workspace, local_workspace: LocalWorkspace, name: str
):
    create_endpoint(workspace, body(name))
    submission = submitted(workspace, body(name, entity("other")))
    assert submission.step is Step.KEPT_BACK
    assert submission.taken_by is not None
    assert len(changes(local_workspace, name)) == 1


def test_a_secret_that_is_not_there_keeps_the_body_back(
    workspace: Workspace, local_workspace: LocalWorkspace, name: str
):
    served = entity("one", environment_vars={"KEY": "{{secrets/nowhere/key}}"})
    submission = submitted(workspace, body(name, served))
    assert submission.step is Step.KEPT_BACK
    assert [problem.path[-1] for problem in submission.problems] == ["KEY"]
    assert not changes(local_workspace, name)


def test_a_refused_creation_says_why(workspace: Workspace, name: str):
    submission = submitted(workspace, body(name) | {"route_optimized": True})
    assert submission.step is Step.REFUSED
    assert isinstance(submission.error, Rejected)


def test_an_analyst_may_create_and_may_not_update_what_others_made(
    workspace: Workspace, analyst: Workspace, local_workspace: LocalWorkspace, name: str
):
    made = create_endpoint(workspace, body(name))
    refused = submitted(analyst, body(name, entity("two")), updates=made)
    assert isinstance(refused.error, PermissionDenied)
    assert call(local_workspace, "DELETE", f"{ROOT}/{name}").ok
    own = submitted(analyst, body(name), trial=False)
    assert own.deployment is not None
    assert own.deployment.ending is Ending.READY


def test_an_update_while_another_is_under_way_is_refused_with_a_sentence(make_local_workspace):
    local: LocalWorkspace = make_local_workspace("--deployment-seconds", "20")
    with contextlib.closing(typed(local.host, local.token)) as workspace:
        made = create_endpoint(workspace, body("busy"))
        refused = submitted(workspace, body("busy", entity("two")), updates=made)
    assert refused.error is not None
    assert "busy" in refused.error.message
    assert "update is over" in refused.error.hint


def test_a_workspace_that_is_not_there_says_so_and_nothing_was_sent():
    with contextlib.closing(typed("http://127.0.0.1:9", "dapi1")) as workspace:
        submission = submitted(workspace, body("x"))
    assert isinstance(submission.error, Unreachable)
    assert submission.deployment is None


# What a real workspace may say and the local one does not.


def wire(
    ready: str, update: str, deployment: str = "DEPLOYMENT_CREATING", message: str = "", **more: Any
) -> dict[str, Any]:
    served = {"name": "one", "state": {"deployment": deployment, "deployment_state_message": message}}
    place = "config" if ready == "READY" else "pending_config"
    config = {"config_version": 1, "served_entities": [served]}
    return {"name": "x", "id": "1", "state": {"ready": ready, "config_update": update}, place: config} | more


def in_turn(*replies: Any) -> Callable[[Exchange], None]:
    """Replies one after another to the endpoint's detail; the last one again and again. Everything else is 404."""
    lock, waiting = threading.Lock(), list(replies)

    def answer(exchange: Exchange) -> None:
        if not exchange.received.path.endswith("/serving-endpoints/x"):
            whole({"error_code": "ENDPOINT_NOT_FOUND", "message": "No such API."}, 404)(exchange)
            return
        with lock:
            reply = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        (reply if callable(reply) else whole(reply))(exchange)

    return answer


def watching(server: ReplyServer, sent: Sent | None = None, **options: Any) -> Deployment:
    return over(Deployment(at(server), "x", sent or Sent(), **options))


def test_a_workspace_that_goes_away_is_said_and_asked_again(make_local_workspace, tmp_path):
    state = str(tmp_path / "state")
    port = str(free_port())  # none of those that the system gives to others meanwhile
    local: LocalWorkspace = make_local_workspace("--state", state, "--deployment-seconds", "3", "--port", port)
    with contextlib.closing(typed(local.host, local.token)) as workspace:
        watched = Deployment(workspace, "away", Sent(create_endpoint(workspace, body("away"))))
        local.stop()
        eventually(lambda: watched.trouble is not None)
        assert watched.trouble is not None
        assert watched.trouble.side is Side.NETWORK
        assert watched.running
        make_local_workspace("--state", state, "--deployment-seconds", "0", "--port", port)
        over(watched)
    assert watched.ending is Ending.READY
    assert watched.trouble is None


def test_one_answer_that_knows_nothing_of_it_yet_does_not_end_the_watch(make_reply_server):
    missing = whole({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "No."}, 404)
    server = make_reply_server(in_turn(missing, wire("READY", "NOT_UPDATING", "DEPLOYMENT_READY")))
    assert watching(server).ending is Ending.READY


def test_not_updating_is_not_the_end_while_an_entity_is_still_being_created(make_reply_server):
    server = make_reply_server(
        in_turn(wire("NOT_READY", "NOT_UPDATING"), wire("READY", "NOT_UPDATING", "DEPLOYMENT_READY"))
    )
    assert watching(server).ending is Ending.READY


def test_messages_of_the_platform_are_in_the_stages(make_reply_server):
    server = make_reply_server(in_turn(wire("NOT_READY", "IN_PROGRESS", message="Pulling the image")))
    watched = Deployment(at(server), "x", Sent())
    eventually(lambda: any(stage.message == "Pulling the image" for stage in watched.stages))
    watched.leave()


@pytest.mark.parametrize(
    ("reply", "ending"),
    [
        (wire("NOT_READY", "NOT_UPDATING", "DEPLOYMENT_READY"), Ending.STOPPED),
        ({"name": "x", "state": {"ready": "NOT_READY", "config_update": "NOT_UPDATING"}}, Ending.EMPTY),
        (wire("NOT_READY", "UPDATE_CANCELED"), Ending.FAILED),
        (wire("READY", "UPDATE_FAILED", "DEPLOYMENT_READY"), Ending.FAILED),
    ],
)
def test_each_end_is_told_from_the_others(make_reply_server, reply: dict[str, Any], ending: Ending):
    watched = watching(make_reply_server(in_turn(reply)))
    assert watched.ending is ending


def test_a_failure_is_told_although_events_and_logs_cannot_be_had(make_reply_server):
    said = wire("NOT_READY", "UPDATE_FAILED", "DEPLOYMENT_FAILED", "The image could not be built.")
    watched = watching(make_reply_server(in_turn(said)))
    assert watched.evidence is not None
    assert watched.evidence.sentence == "The image could not be built."
    assert len(watched.evidence.missing) == 3


def test_an_answer_from_before_the_update_does_not_end_the_watch(make_reply_server):
    old = wire("READY", "NOT_UPDATING", "DEPLOYMENT_READY")
    new = json.loads(json.dumps(old).replace('"config_version": 1', '"config_version": 2'))
    server = make_reply_server(in_turn(old, old, new))
    watched = watching(server, Sent(detail_from_wire(new), before=detail_from_wire(old)))
    assert watched.ending is Ending.READY
    assert len(server.received) == 3


@pytest.mark.parametrize("reply", [[], "no", {"name": 7}, {"state": "READY"}, {"config": {"served_entities": [7]}}])
def test_an_odd_answer_breaks_nothing(make_reply_server, reply: Any):
    watched = Deployment(at(make_reply_server(in_turn(reply, reply, wire("READY", "NOT_UPDATING")))), "x", Sent())
    eventually(lambda: watched.ending is Ending.READY)


def test_it_gives_up_in_the_end(make_reply_server):
    server = make_reply_server(in_turn(wire("NOT_READY", "IN_PROGRESS")))
    watched = watching(server, give_up_seconds=0.1)
    assert watched.ending is Ending.GIVEN_UP
    assert {stage.progress for stage in watched.stages} == {Progress.DONE, Progress.CUT}
