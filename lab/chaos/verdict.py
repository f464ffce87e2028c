"""What the callers were told beside what is true: the invariants, each a list of the calls that break it."""

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
"""Seconds that a call may end after its deadline, on a machine that is fast enough."""
TURNS: Final = 2
"""How often each other call in flight may come first on one that is not."""
FEW: Final = 2_000
"""With fewer calls than this, not every fault fires, and memory is still finding its level."""


class Case(NamedTuple):
    """One call: what its caller was told, what is true, and how long it takes until each call at once had a turn."""

    report: CallReport
    history: History
    turn: float


def _is_double(case: Case) -> bool:
    return case.history.bills > 1


def _is_lost(case: Case) -> bool:
    report = case.report
    reported = report.typed and report.outcome in {"unknown", "accepted"} and report.error_key == report.key
    return case.history.bills > 0 and not report.delivered and not reported


def _is_foreign(case: Case) -> bool:
    return case.report.delivered and case.report.answered != case.report.key


def _is_untyped(case: Case) -> bool:
    return not case.report.delivered and not case.report.typed


def _is_wrong(case: Case) -> bool:
    return not case.report.delivered and case.report.outcome in {"not_sent", "rejected"} and case.history.bills > 0


def _is_late(case: Case) -> bool:
    """When all that are in flight have something to do at once, the last of them has to wait for the others."""
    report = case.report
    return report.seconds - report.withheld > report.rounds * DEADLINE + max(GRACE, TURNS * case.turn)


def _leaks(case: Case) -> bool:
    return case.report.leaks


RULES: Final[dict[str, Callable[[Case], bool]]] = {
    "double-billed": _is_double,
    "silently lost": _is_lost,
    "foreign": _is_foreign,
    "untyped": _is_untyped,
    "wrong `not_sent`": _is_wrong,
    "late": _is_late,
    "key shown": _leaks,
}
"""What must not happen to a call."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run comes to.

    Attributes:
        findings: The run.
        broken: The calls that break each rule.
        troubles: Whatever else is wrong, in words.
    """

    findings: Findings
    broken: dict[str, list[CallReport]]
    troubles: list[str]

    @property
    def is_good(self) -> bool:
        """Whether the run proves what it should."""
        return not self.findings.plan.is_judged or not (any(self.broken.values()) or self.troubles)

    @property
    def posts(self) -> float:
        """Requests a call."""
        return sum(history.posts for history in self.findings.truth.histories.values()) / len(self.findings.reports)

    @property
    def delivered(self) -> int:
        """Calls that ended with an image."""
        return sum(report.delivered for report in self.findings.reports)

    @property
    def reported(self) -> tuple[int, int]:
        """Calls that ended as perhaps billed, and how many of those were."""
        history = self.findings.truth.history
        ends = [
            report
            for report in self.findings.reports
            if not report.delivered and report.outcome in {"unknown", "accepted"}
        ]
        return len(ends), sum(history(report.key).bills > 0 for report in ends)

    def words(self) -> Iterator[str]:
        """Tell what is wrong, with the first examples."""
        history = self.findings.truth.history
        for rule, calls in self.broken.items():
            for report in calls[:5]:
                faults = history(report.key).faults
                yield f"{rule}: {report.key} after {faults}: {report.error} {report.outcome} {report.text}"
        yield from self.troubles


def judge(findings: Findings) -> Verdict:
    """Hold what was said against what is true."""
    turn = findings.figures.cpu / len(findings.reports) * findings.plan.at_once
    cases = [Case(report, findings.truth.history(report.key), turn) for report in findings.reports]
    broken = {name: [case.report for case in cases if rule(case)] for name, rule in RULES.items()}
    verdict = Verdict(findings, broken, [])
    verdict.troubles.extend(_troubles(verdict, full=len(findings.reports) >= FEW))
    return verdict


def _troubles(verdict: Verdict, *, full: bool) -> Iterator[str]:
    yield from _strays(verdict.findings)
    if full:
        yield from _bounds(verdict)
    if verdict.findings.plan.with_ledger:
        yield from _beside_the_ledger(verdict.findings)


def _strays(findings: Findings) -> Iterator[str]:
    """Tell what came where it does not belong, and what was left behind."""
    truth, figures = findings.truth, findings.figures
    if len(findings.reports) != len({report.key for report in findings.reports}):
        yield "a call ended twice"
    if truth.crossed:
        yield f"{truth.crossed} requests had the body of another"
    if truth.evil_hits:
        yield f"{truth.evil_hits} requests followed a redirect, {truth.evil_keys} of them with the key"
    if figures.leaks:
        yield f"{figures.leaks} of {figures.records} log records show the key"
    if figures.files[1] > figures.files[0] or figures.threads[1] > figures.threads[0] or figures.tasks:
        yield f"left behind: files {figures.files}, threads {figures.threads}, tasks {figures.tasks}"


def _bounds(verdict: Verdict) -> Iterator[str]:
    """Tell which figures of a full run are not what they should be."""
    findings, plan = verdict.findings, verdict.findings.plan
    if findings.figures.growth > plan.growth:
        yield f"memory grew by {findings.figures.growth:.1f} MiB"
    if missing := {fault.name for fault in TABLES[plan.table]} - set(findings.truth.fired()):
        yield f"never fired: {', '.join(sorted(missing))}"
    if plan.posts and verdict.posts > plan.posts:
        yield f"{verdict.posts:.3f} requests a call are more than {plan.posts}"
    if verdict.delivered < plan.delivered * len(findings.reports):
        yield f"{verdict.delivered} delivered are less than {plan.delivered:.2%}"


def _beside_the_ledger(findings: Findings) -> Iterator[str]:
    for report in findings.reports:
        outcomes = [entry.payment for entry in findings.entries.get(report.key, [])]
        billed = findings.truth.history(report.key).bills > 0
        if billed and not {"paid", "unknown"} & set(outcomes):
            yield f"{report.key} was billed, and the ledger says {outcomes}"
        if ("paid" in outcomes) != report.delivered:
            yield f"{report.key} was {'' if report.delivered else 'not '}delivered, and the ledger says {outcomes}"
