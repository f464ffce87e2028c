"""Thousands of calls against a server that fails in many ways: `scripts/lab chaos --help`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from lab.chaos.run import DEADLINE, Plan, carry_out
from lab.chaos.verdict import RULES, Verdict, judge
from lab.faults.responses import TABLES
from lab.page import table, write

if TYPE_CHECKING:
    from collections.abc import Sequence

PLANS: Final = {
    plan.name: plan
    for plan in (
        Plan(name="sync, 32 threads", caller="sync", at_once=32),
        Plan(name="async, 200 at once", caller="async", at_once=200),
        Plan(name="async on httpx-aiohttp", caller="aiohttp", at_once=200),
        Plan(name="sync, with a ledger", caller="sync", at_once=32, with_ledger=True),
        Plan(name="async, with a ledger", caller="async", at_once=200, with_ledger=True),
        Plan(name="outage: nothing works", caller="async", at_once=200, table="outage", posts=1.01),
        Plan(name="5 % refusals", caller="async", at_once=200, table="safe", delivered=0.99),
        Plan(
            name="a service that honours keys",
            caller="async",
            at_once=200,
            attempts=6,
            retry_unknown=True,
            honours_keys=True,
            growth=16.0,  # what it levels off at, 78 MiB, is at times reached in the second half only
            delivered=0.985,  # on a slow machine more of them have no time for a last attempt
        ),
        Plan(name="plain httpx, usual policy, sync", caller="usual-sync", at_once=32, is_judged=False),
        Plan(name="plain httpx, usual policy, async", caller="usual-async", at_once=200, is_judged=False),
    )
}
USUAL: Final = "plain httpx"
HEAD: Final = (
    "run",
    "calls",
    "s",
    "delivered",
    "reported as perhaps billed (were)",
    *RULES,
    "requests a call",
    "files before and after",
    "MiB before and after",
    "MiB grown in the last half",
)


def row(verdict: Verdict) -> Sequence[object]:
    """Return a run's cells."""
    findings, figures = verdict.findings, verdict.findings.figures
    reported, were = verdict.reported
    return (
        findings.plan.name + (f" (seed {findings.seed})" if findings.seed > 1 else ""),
        f"{len(findings.reports):,}",
        f"{figures.seconds:.0f}",
        f"{verdict.delivered:,}",
        f"{reported:,} ({were:,})" if findings.plan.is_judged else "-",
        *(f"{len(calls):,}" for calls in verdict.broken.values()),
        f"{verdict.posts:.3f}",
        f"{figures.files[0]} → {figures.files[1]}",
        f"{figures.memory[0]} → {figures.memory[1]}",
        f"{figures.growth:.1f}",
    )


def faults_table() -> str:
    """Return what the server does, and how often."""
    rows = ((fault.name, f"{fault.share / 10:g} %", "yes" if fault.bills else "no") for fault in TABLES["mixed"])
    return table(("response", "share", "billed"), rows)


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(prog="scripts/lab chaos", description="Call a server that fails in many ways.")
    parser.add_argument("--calls", type=int, default=10_000, help="calls a run (10,000)")
    parser.add_argument("--seed", type=int, default=1, help="the first seed (1)")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds (1)")
    parser.add_argument("--only", default="", help="the runs whose names hold this word")
    parser.add_argument(
        "--usual", action="store_true", help="plain httpx with the usual policy as well, with the first seed"
    )
    parser.add_argument("--write", action="store_true", help="put the tables into docs/reliability.md")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the runs, print the table, and return the exit code."""
    options = parsed(arguments)
    verdicts: list[Verdict] = []
    for seed in range(options.seed, options.seed + options.seeds):
        for name, plan in PLANS.items():
            is_asked_for = not name.startswith(USUAL) or (options.usual and seed == options.seed)
            if options.only not in name or not is_asked_for:
                continue
            verdicts.append(judge(carry_out(plan, seed, options.calls)))
            print(f"{name}, seed {seed}: {verdicts[-1].findings.figures.seconds:.0f} s", file=sys.stderr)
            for words in verdicts[-1].words() if plan.is_judged else ():
                print(f"  {words}", file=sys.stderr)  # for whoever looks into it
    text = table(HEAD, map(row, verdicts))
    print(text)  # the table is what this command is for
    if options.write:
        faults = len(TABLES["mixed"]) - 1
        about = f"{faults} faults, {sum(fault.share for fault in TABLES['mixed'][1:]) / 10:g} % of all answers; "
        write("chaos", f"{about}{DEADLINE:g} s a call.\n\n{text}\n\n{faults_table()}")
    return 0 if all(verdict.is_good for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
