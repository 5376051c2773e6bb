"""What the replies of one browser may hold in memory."""

import json

from services.driver_proxy import DriverCallJob, Target
from services.invocation import InvocationJob
from services.jobs import Bell, Outcome
from tests.local_workspaces import eventually
from tests.services.chats import CHAT, at
from tests.services.replies import whole
from ui.kept_replies import KEPT, KeptReplies
from ui.tallies import Tallies


def test_the_oldest_replies_are_let_go_and_how_they_ended_stays(make_reply_server):
    here, held = at(make_reply_server(whole(b'{"predictions": ["bricks"]}'))), KeptReplies()
    jobs = []
    for _ in range(KEPT + 1):
        job = InvocationJob(here, CHAT, {"inputs": []}, Bell())
        held.add(job)
        eventually(lambda job=job: not job.running)
        jobs.append(job)
    first, last = jobs[0], jobs[-1]
    assert (first.reply.body, first.reply.text, first.call.record.request_body) == (None, "", b"")
    assert (first.reply.outcome, first.call.record.status, first.call.record.forgotten) == (Outcome.COMPLETE, 200, True)
    assert json.loads(last.reply.text) == {"predictions": ["bricks"]}
    assert last.reply.text is last.reply.text, "made once: of megabytes it takes seconds"


def test_replies_of_apps_on_a_driver_count_among_them(make_reply_server):
    here, held = at(make_reply_server(whole(b'{"text": "bricks"}'))), KeptReplies()
    job = DriverCallJob(here, Target("", "0101-000000-abc", 7777), {"prompt": "long"}, Bell())
    held.add(job)
    eventually(lambda: not job.running)
    assert job.reply.value == {"text": "bricks"}
    assert "bricks" in job.reply.text
    for _ in range(KEPT):
        newer = InvocationJob(here, CHAT, {"inputs": []}, Bell())
        held.add(newer)
        eventually(lambda newer=newer: not newer.running)
    assert (job.reply.raw, job.reply.value, job.reply.body, job.reply.text) == (None, None, None, "")
    assert (job.call.record.reply_body, job.call.record.request_body, job.call.record.forgotten) == (b"", b"", True)
    assert (job.reply.outcome, job.call.record.status, job.reply.content_type) == (
        Outcome.COMPLETE,
        200,
        "application/json",
    )


def test_the_last_call_of_a_workspace_is_forgotten_with_its_token_and_stays_counted(make_reply_server):
    here, tallies = at(make_reply_server(whole(b"{}"))), Tallies()
    job = InvocationJob(here, CHAT, {}, Bell())
    eventually(lambda: not job.running)
    for partner in (f"{here.host} as ann", "http://elsewhere as ann"):
        tallies._counted.clear()
        tallies.note(partner, CHAT, job.call)
    tallies.let_go(here)
    assert tallies.last(f"{here.host} as ann", CHAT) is None
    assert tallies.last("http://elsewhere as ann", CHAT) is job.call.record
    assert len(tallies.answered) == 2
