"""The contract check: one button, the rules as they are tried, what was found of each, and the report to take away."""

import streamlit as st

from services.clusters import Cluster
from services.counting import in_words
from services.driver_contract import (
    ANY_DRIVER,
    MOST_REQUESTS,
    ContractCheck,
    Finding,
    Rule,
    Verdict,
    pytest_file,
    report_text,
)
from services.driver_proxy import Target
from services.errors import PlaygroundError
from services.jobs import Bell, Outcome
from services.wire_record import WireRecord
from services.workspace import Workspace
from ui.driver_proxy.view import KEY, DriverProxyView
from ui.errors import draw_error
from ui.exchange_dialog import inspector_dialog
from ui.foreign_text import code, literal
from ui.session import alone

LOOK_SECONDS = 0.5
_SIGNS = {
    Verdict.PASSED: ":green[:material/check_circle:]",
    Verdict.FAILED: ":red[:material/cancel:]",
    Verdict.UNKNOWN: ":orange[:material/help:]",
    Verdict.SKIPPED: ":gray[:material/remove_circle_outline:]",
}


def contract(here: Workspace, view: DriverProxyView, target: Target | None, cluster: Cluster | None) -> None:
    """Draw it."""
    st.markdown(
        "Does the app keep to what LangChain's `Databricks` needs of it? Each rule gets a tick, or a sentence that says what "
        f"to change. It sends up to {MOST_REQUESTS} short requests to the app, all of them POST, within ten minutes at most."
    )
    if target is None:
        st.info("Choose a cluster and a port that can be called first.", icon=":material/dns:")
        return
    running = view.check is not None and view.check.running
    if st.button(
        "Check the contract",
        key=f"{KEY}.check-{view.checks}",
        type="primary",
        icon=":material/fact_check:",
        disabled=running,
    ):
        _begin(here, view, target, cluster)
        st.rerun()
    if view.check_error is not None:
        draw_error(view.check_error)
    if view.check is not None and view.check.running:
        st.fragment(_draw_progress, run_every=LOOK_SECONDS)(view.check)
    elif view.check is not None:
        address = cluster.driver_address if cluster else ""
        _draw_outcome(view.check, here.host, address, is_current=view.check.target == target)


def _begin(here: Workspace, view: DriverProxyView, target: Target, cluster: Cluster | None) -> None:
    if view.check is not None and view.check.running:
        return
    view.checks += 1
    view.check, view.check_error = None, None
    try:
        view.check = ContractCheck(here, target, Bell(), driver=cluster, alone=alone())
    except PlaygroundError as error:
        view.check_error = error


def _draw_progress(check: ContractCheck) -> None:
    check.watched()
    if not check.running:
        st.rerun()
    found, doing = check.findings, check.doing
    st.progress(
        len(found) / len(Rule),
        f"{len(found)} of {len(Rule)} rules, {in_words(check.sent, 'request')} sent. {doing.label if doing else ''}",
    )
    st.button("Stop", key=f"{KEY}.check-stop", on_click=check.stop, icon=":material/stop_circle:", help="End it now")
    for finding in found:
        st.markdown(_line(finding))


def _draw_outcome(check: ContractCheck, host: str, address: str, *, is_current: bool) -> None:
    if check.error is not None:
        draw_error(check.error)
    if not is_current:
        st.caption(f":material/history: This is of {literal(check.target.label)}, not of what is chosen above.")
    _draw_sum(check)
    skipped = [one for one in check.findings if one.verdict is Verdict.SKIPPED]
    for place, finding in enumerate(check.findings):
        if finding not in skipped:
            _draw_finding(finding, place)
    if skipped:
        with st.expander(f"{len(skipped)} rules were not tried", icon=":material/remove_circle_outline:"):
            for finding in skipped:
                st.markdown(f"{_line(finding)}  \n:small[{literal(finding.sentence)}]")
    report, name = report_text(check), f"contract-{check.target.cluster_id}-{check.target.port}.md"
    with st.container(horizontal=True):
        st.download_button(
            "Save the report",
            report,
            name,
            "text/markdown",
            key=f"{KEY}.report",
            on_click="ignore",
            icon=":material/download:",
        )
        exported = pytest_file(check.target, host=host, driver_address=address or ANY_DRIVER)
        st.download_button(
            "Save as a pytest file",
            exported.code,
            exported.file_name,
            "text/x-python",
            key=f"{KEY}.pytest",
            on_click="ignore",
            icon=":material/science:",
            help="The same rules as tests that run elsewhere, against this app or another one.",
        )
    with st.expander("The report, to copy", icon=":material/content_copy:", key=f"{KEY}.report-text"):
        st.code(report, language="markdown", wrap_lines=True)


def _draw_sum(check: ContractCheck) -> None:
    verdicts = [one.verdict for one in check.findings]
    failed, passed = verdicts.count(Verdict.FAILED), verdicts.count(Verdict.PASSED)
    open_ = len(verdicts) - failed - passed
    more = f" {open_} could not be told." if open_ else ""
    took = f" {in_words(check.sent, 'request')}, {check.seconds:.1f} s."
    if check.outcome is Outcome.STOPPED:
        st.warning(f"Stopped: what was found before is below.{took}", icon=":material/stop_circle:")
    elif failed:
        st.error(
            f"{failed} of {len(verdicts)} rules {'is' if failed == 1 else 'are'} not kept.{more}{took}",
            icon=":material/cancel:",
        )
    elif passed:
        st.success(f"The app keeps {passed} of {len(verdicts)} rules.{more}{took}", icon=":material/check_circle:")


def _draw_finding(finding: Finding, place: int) -> None:
    key = f"{KEY}-rule-{finding.rule.value}"
    with st.container(border=finding.verdict is Verdict.FAILED, gap="small", key=key):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            details = [_line(finding), f":small[{literal(finding.sentence)}]"]
            if finding.change:
                details.append(f":small[**Next:** {literal(finding.change)}]")
            st.markdown("  \n".join(details), width="stretch")
            _draw_evidence(finding, place)
        if finding.command:
            st.code(finding.command, language="bash")


def _draw_evidence(finding: Finding, place: int) -> None:
    """A way into the last request that shows it, and a menu of all where there are several."""
    if not finding.evidence:
        return
    if st.button("Inspect", key=f"{KEY}.evidence-{place}", type="tertiary", icon=":material/search:"):
        inspector_dialog(finding.evidence[-1])
    if len(finding.evidence) == 1:
        return
    names = [_request(number, record) for number, record in enumerate(finding.evidence, 1)]
    key = f"{KEY}.evidence-{place}-all"
    chosen = st.menu_button(f"All {len(names)}", names, key=key, type="tertiary", help="Inspect one of its requests")
    if chosen in names:
        inspector_dialog(finding.evidence[names.index(chosen)])


def _request(number: int, record: WireRecord) -> str:
    return f"Request {number}: {f'HTTP {record.status}' if record.status is not None else 'no reply'}"


def _line(finding: Finding) -> str:
    took = f" :small[{code(f'{finding.seconds:.2f} s')}]" if finding.seconds >= 0.01 else ""
    verdict = "" if finding.verdict is Verdict.PASSED else f" :small[({finding.verdict.value})]"
    return f"{_SIGNS[finding.verdict]} **{literal(finding.rule.label)}**{verdict}{took}"
