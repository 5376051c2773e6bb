"""ContractCheck: all rules, one after the other, in a thread of its own."""

import threading
import time
from collections.abc import Iterable

from services.call import CallCancelled
from services.clusters import Cluster, get_attachment, get_cluster
from services.driver_contract import answer_rules, cluster_rules, load_rules, stop_rules
from services.driver_contract.asking import Asker, OutOfTimeError, Said
from services.driver_contract.reaching import Reaching
from services.driver_contract.records import Finding, Limits, Rule, Verdict
from services.driver_contract.stop_rules import PROMPT, Baseline
from services.driver_proxy.direct import direct_address
from services.driver_proxy.target import Target, Via, check_target
from services.errors import PlaygroundError
from services.jobs import UNWATCHED_SECONDS, Bell, Outcome
from services.workspace import Workspace

NO_ANSWER = "There is no answer to judge by."
TOO_SHORT = "The answer is too short to choose stop texts from."


class ContractCheck:
    """One check under way, or over. Its attributes may be read from any thread; findings come in the order of the rules."""

    def __init__(
        self,
        workspace: Workspace,
        target: Target,
        bell: Bell,
        *,
        driver: Cluster | None = None,
        alone: bool = False,
        limits: Limits | None = None,
        unwatched_seconds: float = UNWATCHED_SECONDS,
    ) -> None:
        """Start it. Raises BadInput, before anything is sent, for a target that cannot be called.

        Its requests are POSTs to the target's path, with its headers; its own method does not count. *driver* and *alone* are
        for a direct target (``why_not_directly``). The check stops when ``watched()`` was not called for *unwatched_seconds*.
        """
        check_target(target)
        address = direct_address(workspace, driver, alone=alone) if target.via is Via.DIRECT else ""
        self.target = target
        self.outcome = Outcome.RUNNING
        self.error: PlaygroundError | None = None
        """A failure of Brickyard itself; what an app does wrong is a finding."""
        self.seconds = 0.0
        """What it took, once it is over."""
        self._workspace = workspace
        self._address = address
        self._asker = Asker(workspace, target, address, limits or Limits())
        self._found: dict[Rule, Finding] = {}
        self._bell = bell
        self._watched = time.monotonic()
        self._unwatched_seconds = unwatched_seconds
        self._over = threading.Event()
        for work in (self._run, self._guard):
            threading.Thread(target=work, name=f"contract check of {target.label}", daemon=True).start()

    @property
    def running(self) -> bool:
        """Whether more may be found."""
        return self.outcome is Outcome.RUNNING

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is known up to now, in the order of the rules."""
        found = dict(self._found)
        return tuple(found[rule] for rule in Rule if rule in found)

    @property
    def doing(self) -> Rule | None:
        """The rule that is being tried; None when it is over."""
        return next((rule for rule in Rule if rule not in self._found), None) if self.running else None

    @property
    def sent(self) -> int:
        """Requests that were sent to the app."""
        return self._asker.sent

    def watched(self) -> None:
        """Somebody is looking at it."""
        self._watched = time.monotonic()

    def stop(self) -> None:
        """End it now, and the request that is under way. What was found stays."""
        if self.running:
            self._asker.stop()

    def _guard(self) -> None:
        while (left := self._watched + self._unwatched_seconds - time.monotonic()) > 0:
            if self._over.wait(left):
                return
        self.stop()

    def _run(self) -> None:
        began = time.monotonic()
        outcome = Outcome.FAILED
        try:
            self._try_all()
            outcome = Outcome.COMPLETE
        except CallCancelled:
            self._skip_rest("The check was stopped.")
            outcome = Outcome.STOPPED
        except BaseException:
            self.error = PlaygroundError(
                "Brickyard itself failed in the contract check.",
                "The server's log has the details; please report them.",
            )
            raise  # threading prints it: a bug stays loud
        finally:
            self.seconds = time.monotonic() - began
            self.outcome = outcome
            self._over.set()
            self._bell.ring()

    def _try_all(self) -> None:
        cluster = self._try_cluster()
        if cluster is not None and not cluster.running:
            self._skip_rest("The cluster is not running.")
            return
        try:
            self._try_app(cluster)
        except OutOfTimeError as late:
            self._note([load_rules.latency(self._asker.times)])
            self._skip_rest(str(late))

    def _try_cluster(self) -> Cluster | None:
        """The rules that need nothing from the app."""
        try:
            cluster = get_cluster(self._workspace, self.target.cluster_id)
            self._note([cluster_rules.running(cluster)])
            attachment = get_attachment(self._workspace, cluster, self._workspace.identity())
            self._note([cluster_rules.attaching(attachment), cluster_rules.access_mode(cluster)])
        except PlaygroundError as error:
            cluster = None
            if Rule.RUNNING not in self._found:
                self._note([cluster_rules.running(error)])
            unknown = Finding(Rule.ACCESS_MODE, Verdict.UNKNOWN, "The cluster could not be asked.")
            self._note([cluster_rules.unasked_attachment(self.target), unknown])
        self._note([cluster_rules.port(self.target)])
        return cluster

    def _try_app(self, cluster: Cluster | None) -> None:
        address = self._address or (cluster.driver_address if cluster else "")
        reaching = Reaching(self.target, address)
        first = self._asker.ask({"prompt": PROMPT})
        self._note(reaching.findings(first))
        if not reaching.got_there(first):
            self._skip_rest("The app is not reached.")
            return
        if first.ok and self.target.via is Via.PROXY and self._found[Rule.ATTACH].verdict is not Verdict.PASSED:
            let_in = Finding(Rule.ATTACH, Verdict.PASSED, "The proxy let the call in.", evidence=(first.record,))
            self._note([let_in])
        taken = self._found[Rule.LISTENS].verdict is Verdict.PASSED
        self._note([answer_rules.prompt(first, taken=taken)])
        if not first.ok:
            self._skip_rest(NO_ANSWER)
            return
        self._note([answer_rules.string(first, PROMPT)])
        known = stop_rules.baseline(self._asker, first)
        self._try_stops(known)
        self._try_bad_requests(known)
        self._try_load(known)

    def _try_stops(self, known: Baseline | None) -> None:
        lists = stop_rules.stop_lists(known) if known else []
        if known is None or not lists:
            why = TOO_SHORT if known else NO_ANSWER
            self._note([Finding(Rule.STOP_TAKEN, Verdict.SKIPPED, why), *stop_rules.skipped(why)])
            return
        self._note(stop_rules.judged(known, stop_rules.ask_with(self._asker, known, lists)))

    def _try_bad_requests(self, known: Baseline | None) -> None:
        extras = known.extras if known else {}
        ask = self._asker.ask
        self._note([answer_rules.unknown_key(ask({"prompt": PROMPT, **extras, "brickyard_unknown_key": True}))])
        self._note([answer_rules.missing_prompt(ask({}))])
        self._note([answer_rules.not_json(ask(b"this is not JSON"))])

    def _try_load(self, known: Baseline | None) -> None:
        stop_findings = [self._found[rule].verdict for rule in (Rule.STOPS, Rule.STOP_GONE, Rule.ONLY_STOP_GONE)]
        asked = load_rules.questions(self._asker, known, set(stop_findings) == {Verdict.PASSED})
        said = self._asker.ask_at_once([question.body for question in asked])
        self._note([load_rules.at_once(asked, said)])
        long: Said = self._asker.ask(load_rules.long_body(known))
        self._note([load_rules.long_answer(long, self._asker.limits.answer_seconds)])
        self._note([load_rules.latency(self._asker.times)])

    def _note(self, findings: Iterable[Finding]) -> None:
        self._found = self._found | {one.rule: one for one in findings}
        self._bell.ring()

    def _skip_rest(self, why: str) -> None:
        self._note([Finding(rule, Verdict.SKIPPED, why) for rule in Rule if rule not in self._found])
