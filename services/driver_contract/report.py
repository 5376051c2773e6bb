"""The findings as text to pass on."""

from services.driver_contract.check import ContractCheck
from services.driver_contract.records import Finding, Verdict
from services.driver_proxy.target import Target, Via, url_of

_MARKS = {Verdict.PASSED: "x", Verdict.FAILED: " ", Verdict.UNKNOWN: "?", Verdict.SKIPPED: "-"}


def report_text(check: ContractCheck) -> str:
    """Markdown: what was checked, one line for each rule, what to change below it. Foreign text stands in code."""
    target = check.target
    counts = {verdict: sum(one.verdict is verdict for one in check.findings) for verdict in Verdict}
    counted = ", ".join(f"{count} {verdict.value}" for verdict, count in counts.items() if count)
    lines = [
        f"# Contract check of {_code(target.label)}",
        "",
        f"`POST {_address(target)}`, {target.via.value}; {check.sent} requests in {check.seconds:.1f} s.",
        f"{counted or 'Nothing was tried'}{'' if not check.running else ', and not over yet'}.",
        "",
    ]
    return "\n".join(lines + [line for one in check.findings for line in _lines(one)]) + "\n"


def _address(target: Target) -> str:
    if target.via is Via.PROXY:
        return url_of(target)
    return f"http://<driver>:{target.port}{target.path or '/'}"


def _lines(finding: Finding) -> list[str]:
    took = f" ({finding.seconds:.2f} s)" if finding.seconds else ""
    lines = [f"- [{_MARKS[finding.verdict]}] **{finding.rule.label}**: {finding.verdict.value}{took}"]
    lines.append(f"  {_code(finding.sentence)}")
    lines += [f"  To do: {_code(finding.change)}"] if finding.change else []
    lines += [f"  On the driver: {_code(finding.command)}"] if finding.command else []
    return lines


def _code(text: str) -> str:
    """In a code span that its text cannot leave."""
    shown = " ".join(text.split())
    fence = "`"
    while fence in shown:
        fence += "`"
    blank = " " if shown[:1] == "`" or shown[-1:] == "`" else ""
    return f"{fence}{blank}{shown}{blank}{fence}"
