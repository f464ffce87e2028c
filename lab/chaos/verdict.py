"""Compare what the callers got with the server's record, and list the calls that break an invariant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from lab.chaos.run import DEADLINE
from lab.faults.responses import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lab.billing import History
    from lab.chaos.reports import CallReport
    from lab.chaos.run import Findings

GRACE: Final = 0.25
"""Seconds by which a call may exceed its deadline, on a fast machine."""
TURNS: Final = 2
"""On a slow machine, how often each other call in flight may run first."""
FEW: Final = 2_000
"""With fewer calls, not every fault occurs, and memory has not reached its plateau."""


class Case(NamedTuple):
    """A call: its report, the server's record, and the CPU time of one turn of all concurrent calls, in seconds."""

    report: CallReport
    history: History
    turn: float


def _is_double(case: Case) -> bool:
    return case.history.bills > 1


def _is_lost(case: Case) -> bool:
    report = case.report
    reported = report.typed and report.outcome in {"unknown", "accepted"} and report.error_key == report.key
    return case.history.bills > 0 and not report.delivered and not reported


def _is_wrong_response(case: Case) -> bool:
    return case.report.delivered and case.report.image != case.report.key


def _is_untyped(case: Case) -> bool:
    return not case.report.delivered and not case.report.typed


def _is_wrong_outcome(case: Case) -> bool:
    return not case.report.delivered and case.report.outcome in {"not_sent", "rejected"} and case.history.bills > 0


def _is_late(case: Case) -> bool:
    """Allow for the time in which the other calls in flight use the CPU."""
    report = case.report
    return report.seconds - report.stalled > report.rounds * DEADLINE + max(GRACE, TURNS * case.turn)


def _leaks(case: Case) -> bool:
    return case.report.leaks


RULES: Final[dict[str, Callable[[Case], bool]]] = {
    "double-billed": _is_double,
    "silently lost": _is_lost,
    "wrong response": _is_wrong_response,
    "untyped": _is_untyped,
    "wrong outcome": _is_wrong_outcome,
    "late": _is_late,
    "key leaked": _leaks,
}
"""The rules that no call may break."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a run.

    Attributes:
        findings: The run.
        broken: For each rule, the calls that break it.
        problems: Messages about all other problems.
    """

    findings: Findings
    broken: dict[str, list[CallReport]]
    problems: list[str]

    @property
    def is_good(self) -> bool:
        """Whether the run has passed, or is not checked."""
        return not self.findings.plan.is_checked or not (any(self.broken.values()) or self.problems)

    @property
    def requests(self) -> int:
        """Number of requests of all calls."""
        return sum(history.requests for history in self.findings.truth.histories.values())

    @property
    def requests_per_call(self) -> float:
        """Average number of requests per call."""
        return self.requests / len(self.findings.reports)

    @property
    def delivered(self) -> int:
        """Number of calls that got an image."""
        return sum(report.delivered for report in self.findings.reports)

    @property
    def reported(self) -> tuple[int, int]:
        """Number of calls reported as possibly billed, and how many of those were billed."""
        history = self.findings.truth.history
        reports = [
            report
            for report in self.findings.reports
            if not report.delivered and report.outcome in {"unknown", "accepted"}
        ]
        return len(reports), sum(history(report.key).bills > 0 for report in reports)

    def messages(self) -> Iterator[str]:
        """Yield a message for each problem; at most five calls per rule."""
        history = self.findings.truth.history
        for rule, calls in self.broken.items():
            for report in calls[:5]:
                faults = history(report.key).faults
                yield f"{rule}: {report.key} after {faults}: {report.error} {report.outcome} {report.text}"
        yield from self.problems


def check(findings: Findings) -> Verdict:
    """Compare the reports with the server's record."""
    turn = findings.figures.cpu / len(findings.reports) * findings.plan.at_once
    cases = [Case(report, findings.truth.history(report.key), turn) for report in findings.reports]
    broken = {name: [case.report for case in cases if rule(case)] for name, rule in RULES.items()}
    verdict = Verdict(findings, broken, [])
    verdict.problems.extend(_problems(verdict, full=len(findings.reports) >= FEW))
    return verdict


def _problems(verdict: Verdict, *, full: bool) -> Iterator[str]:
    yield from _unexpected(verdict.findings)
    if full:
        yield from _bounds(verdict)
    if verdict.findings.plan.with_ledger:
        yield from _ledger_mismatches(verdict.findings)


def _unexpected(findings: Findings) -> Iterator[str]:
    """Yield messages about mixed-up requests, followed redirects, leaked keys and resources left open."""
    truth, figures = findings.truth, findings.figures
    if len(findings.reports) != len({report.key for report in findings.reports}):
        yield "a call was reported twice"
    if truth.mismatched:
        yield f"{truth.mismatched} requests had the body of another request"
    if truth.redirected:
        yield f"{truth.redirected} requests followed a redirect, {truth.redirected_with_key} of them with the key"
    if figures.leaks:
        yield f"{figures.leaks} of {figures.records} log records contain the key"
    if figures.files[1] > figures.files[0] or figures.threads[1] > figures.threads[0] or figures.tasks:
        yield f"left open: files {figures.files}, threads {figures.threads}, tasks {figures.tasks}"


def _bounds(verdict: Verdict) -> Iterator[str]:
    """Yield messages about figures of a full run that are out of bounds."""
    findings, plan = verdict.findings, verdict.findings.plan
    if findings.figures.growth > plan.max_growth:
        yield f"memory grew by {findings.figures.growth:.1f} MiB"
    if missing := {fault.name for fault in TABLES[plan.table]} - set(findings.truth.fault_counts()):
        yield f"faults that never occurred: {', '.join(sorted(missing))}"
    retries = verdict.requests - len(findings.reports)
    if plan.max_retries and retries > plan.max_retries:
        yield f"{retries:,} retries, more than {plan.max_retries}"
    if verdict.delivered < plan.min_delivered * len(findings.reports):
        yield f"{verdict.delivered} delivered, less than {plan.min_delivered:.2%}"


def _ledger_mismatches(findings: Findings) -> Iterator[str]:
    for report in findings.reports:
        outcomes = [entry.payment for entry in findings.entries.get(report.key, [])]
        billed = findings.truth.history(report.key).bills > 0
        if billed and not {"paid", "unknown"} & set(outcomes):
            yield f"{report.key} was billed, but the ledger has {outcomes}"
        if ("paid" in outcomes) != report.delivered:
            yield f"{report.key} was {'' if report.delivered else 'not '}delivered, but the ledger has {outcomes}"
