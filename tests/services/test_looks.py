"""How endpoints do in detail, asked for beside the script."""

import threading

from services.endpoints import list_endpoints
from services.endpoints.reading import detail_from_wire
from services.looks import Looks
from services.readiness import ReadinessKind
from tests.local_workspaces import eventually
from tests.services.chats import CHAT, at
from tests.services.replies import Exchange, whole

SLEEPING = {
    "name": "x",
    "state": {"ready": "READY", "config_update": "NOT_UPDATING"},
    "config": {
        "served_entities": [
            {
                "name": "one",
                "entity_name": "m",
                "state": {"deployment": "DEPLOYMENT_READY", "deployment_state_message": "Scaled to zero"},
            }
        ]
    },
}
LISTED = detail_from_wire(SLEEPING).endpoint


def test_what_cannot_sleep_and_is_ready_is_never_asked_about(local_workspace, workspace):
    listed = next(one for one in list_endpoints(workspace) if one.name == CHAT)
    local_workspace.clear()
    assert Looks().readiness(workspace, listed).kind is ReadinessKind.READY
    assert local_workspace.requests() == []


def test_nobody_waits_for_an_answer_and_it_counts_when_it_has_come(make_reply_server):
    answer = threading.Event()

    def slow(exchange: Exchange) -> None:
        exchange.until(answer)
        whole(SLEEPING)(exchange)

    server, looks = make_reply_server(slow), Looks()
    workspace = at(server)
    assert looks.readiness(workspace, LISTED).kind is ReadinessKind.READY
    assert looks.is_first(workspace, "x")
    answer.set()
    eventually(lambda: looks.readiness(workspace, LISTED).kind is ReadinessKind.SCALED_TO_ZERO)
    assert not looks.is_first(workspace, "x")
    assert len(server.received) == 1, "fresh for ten seconds"


def test_what_is_forgotten_is_asked_anew(make_reply_server):
    server, looks = make_reply_server(whole(SLEEPING)), Looks()
    workspace = at(server)
    eventually(lambda: looks.readiness(workspace, LISTED).kind is ReadinessKind.SCALED_TO_ZERO)
    looks.forget("x")
    assert looks.readiness(workspace, LISTED).kind is ReadinessKind.READY
    eventually(lambda: len(server.received) == 2)


def test_a_refusal_leaves_it_at_what_the_list_says(make_reply_server):
    server, looks = make_reply_server(whole({"error_code": "INTERNAL_ERROR", "message": "no"}, 500)), Looks()
    workspace = at(server)
    assert looks.readiness(workspace, LISTED).kind is ReadinessKind.READY
    eventually(lambda: not looks.is_first(workspace, "x"))
    assert looks.readiness(workspace, LISTED).kind is ReadinessKind.READY


def test_one_workspace_does_not_see_the_looks_of_another(make_reply_server):
    server, looks = make_reply_server(whole(SLEEPING)), Looks()
    one, other = at(server), at(server, "dapi-another-0123456789")
    eventually(lambda: looks.readiness(one, LISTED).kind is ReadinessKind.SCALED_TO_ZERO)
    assert looks.readiness(other, LISTED).kind is ReadinessKind.READY
    looks.let_go(one)
    assert looks.readiness(one, LISTED).kind is ReadinessKind.READY
