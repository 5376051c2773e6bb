"""The rules about reaching the app, judged by the first request; and, where this machine is the driver, by what listens here."""

from services.driver_contract.asking import Said
from services.driver_contract.listeners import listening_addresses, loopback_only
from services.driver_contract.records import Finding, Rule, Verdict
from services.driver_proxy.diagnosis import AT_ONCE, is_no_listener
from services.driver_proxy.direct import is_this_machine
from services.driver_proxy.target import Target
from services.errors import NotFound, PermissionDenied, Rejected, Side, Unauthenticated, Unreachable

LISTEN_ON_ALL = 'Let the app listen on 0.0.0.0, as in app.run(host="0.0.0.0") or --host 0.0.0.0.'
START = "Start the app on the driver, and look at its log: perhaps it ended, or listens on another port."


class Reaching:
    """What is known of the way to the app. Made before the first request, so that an app that dies of it was seen."""

    def __init__(self, target: Target, driver_address: str) -> None:
        self._target = target
        self._driver_address = driver_address
        self._here = listening_addresses(target.port) if is_this_machine(driver_address) else None

    def findings(self, first: Said) -> list[Finding]:
        """LISTENS and ADDRESS; after a refusal of the platform also RUNNING or ATTACH, known better now."""
        seen = (first.record,)
        refusal = _refused_on_the_way(first)
        if refusal is not None:
            verdict = Verdict.UNKNOWN
            text = "The call did not get as far as the app."
            better = [Finding(refusal, Verdict.FAILED, first.trouble, first.error.hint if first.error else "", 0, seen)]
            return [*better, Finding(Rule.LISTENS, verdict, text), Finding(Rule.ADDRESS, verdict, text)]
        if not self._refused_to_connect(first):
            return self._reached(first)
        if self._here is None:
            return self._refused_elsewhere(first)
        return self._refused_here(first, self._here)

    def got_there(self, first: Said) -> bool:
        """Whether the app itself was asked, as far as can be known."""
        if self._refused_to_connect(first):
            return bool(self._here) and not loopback_only(self._here or frozenset(), self._driver_address)
        return _refused_on_the_way(first) is None

    def _reached(self, first: Said) -> list[Finding]:
        seen, port = (first.record,), self._target.port
        if first.answer is None and not self._here:
            text = f"No answer came, but the call was not refused either: {first.trouble}"
            return [
                Finding(Rule.LISTENS, Verdict.UNKNOWN, text, evidence=seen, command=_command(port)),
                Finding(Rule.ADDRESS, Verdict.UNKNOWN, "No answer came.", command=_command(port)),
            ]
        listens = Finding(Rule.LISTENS, Verdict.PASSED, f"Port {port} takes calls.", "", first.seconds, seen)
        if self._driver_address.startswith("127.0.0.1"):
            text = "The driver's address is itself the loopback one here, so that this does not show."
            return [listens, Finding(Rule.ADDRESS, Verdict.UNKNOWN, text)]
        return [listens, Finding(Rule.ADDRESS, Verdict.PASSED, "It is reached at the driver's own address.")]

    def _refused_to_connect(self, first: Said) -> bool:
        if first.answer is not None:
            return is_no_listener(first.answer, self._target, first.seconds)
        return isinstance(first.error, Unreachable) and not first.hung and first.seconds < AT_ONCE

    def _refused_here(self, first: Said, here: frozenset[str]) -> list[Finding]:
        """This machine is the driver: it knows what listens."""
        seen, port = (first.record,), self._target.port
        if not here:
            return [
                Finding(Rule.LISTENS, Verdict.FAILED, f"Nothing listens on port {port}.", START, first.seconds, seen),
                Finding(Rule.ADDRESS, Verdict.SKIPPED, "Nothing listens."),
            ]
        shown = ", ".join(sorted(here))
        listens = Finding(Rule.LISTENS, Verdict.PASSED, f"Something listens on {shown}, port {port}.", "", 0, seen)
        if loopback_only(here, self._driver_address):
            text = f"It listens on {shown} only, where the proxy does not reach it."
            return [listens, Finding(Rule.ADDRESS, Verdict.FAILED, text, LISTEN_ON_ALL, 0, seen)]
        return [listens, Finding(Rule.ADDRESS, Verdict.PASSED, f"It listens on {shown}.")]

    def _refused_elsewhere(self, first: Said) -> list[Finding]:
        port = self._target.port
        text = f"Port {port} of the driver takes no calls: the app is not running, or listens on 127.0.0.1 only."
        unknown = (
            "From outside the driver a closed port and one on 127.0.0.1 only look alike. On the driver this tells:"
        )
        return [
            Finding(Rule.LISTENS, Verdict.FAILED, text, f"{START} {LISTEN_ON_ALL}", first.seconds, (first.record,)),
            Finding(Rule.ADDRESS, Verdict.UNKNOWN, unknown, LISTEN_ON_ALL, command=_command(port)),
        ]


def _command(port: int) -> str:
    return f"ss -ltn 'sport = :{port}'"


def _refused_on_the_way(first: Said) -> Rule | None:
    """The rule that a refusal of the platform itself breaks; None where the app was asked."""
    if first.error is None or first.error.side is Side.APP:
        return None
    if isinstance(first.error, NotFound) or (isinstance(first.error, Rejected) and "not running" in first.trouble):
        return Rule.RUNNING
    return Rule.ATTACH if isinstance(first.error, PermissionDenied | Unauthenticated) else None
