"""Thousands of calls against a server that injects faults: `scripts/lab chaos --help`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from lab.chaos.run import DEADLINE, Plan, execute
from lab.chaos.verdict import RULES, Verdict, check
from lab.faults.responses import TABLES
from lab.page import table, write

if TYPE_CHECKING:
    from collections.abc import Sequence

PLANS: Final = {
    plan.name: plan
    for plan in (
        Plan(name="sync, 32 threads", caller="sync", at_once=32),
        Plan(name="async, 200 tasks", caller="async", at_once=200),
        Plan(name="async on httpx-aiohttp", caller="aiohttp", at_once=200),
        Plan(name="sync, with a ledger", caller="sync", at_once=32, with_ledger=True),
        Plan(name="async, with a ledger", caller="async", at_once=200, with_ledger=True),
        Plan(name="outage: every response is 503", caller="async", at_once=200, table="outage", max_retries=100),
        Plan(name="5 % rejections", caller="async", at_once=200, table="safe", min_delivered=0.99),
        Plan(
            name="server honours idempotency keys",
            caller="async",
            at_once=200,
            attempts=6,
            retry_unknown=True,
            honours_keys=True,
            max_growth=16.0,  # memory sometimes reaches its plateau of 78 MiB only in the second half
            min_delivered=0.985,  # on a slow machine, more calls have no time for a last attempt
        ),
        Plan(name="plain httpx, common retry policy, sync", caller="usual-sync", at_once=32, is_checked=False),
        Plan(name="plain httpx, common retry policy, async", caller="usual-async", at_once=200, is_checked=False),
    )
}
USUAL: Final = "plain httpx"
HEAD: Final = (
    "run",
    "calls",
    "s",
    "delivered",
    "reported as possibly billed (billed)",
    *RULES,
    "requests per call",
    "open files before → after",
    "MiB before → after",
    "MiB growth in second half",
)


def row(verdict: Verdict) -> Sequence[object]:
    """Return the table row of a run."""
    findings, figures = verdict.findings, verdict.findings.figures
    reported, billed = verdict.reported
    return (
        findings.plan.name + (f" (seed {findings.seed})" if findings.seed > 1 else ""),
        f"{len(findings.reports):,}",
        f"{figures.seconds:.0f}",
        f"{verdict.delivered:,}",
        f"{reported:,} ({billed:,})" if findings.plan.is_checked else "-",
        *(f"{len(calls):,}" for calls in verdict.broken.values()),
        f"{verdict.requests_per_call:.3f}",
        f"{figures.files[0]} → {figures.files[1]}",
        f"{figures.memory[0]} → {figures.memory[1]}",
        f"{figures.growth:.1f}",
    )


def faults_table() -> str:
    """Return the table of faults and their frequency."""
    rows = ((fault.name, f"{fault.share / 10:g} %", "yes" if fault.bills else "no") for fault in TABLES["mixed"])
    return table(("response", "share", "billed"), rows)


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the parsed options."""
    parser = argparse.ArgumentParser(prog="scripts/lab chaos", description="Call a server that injects faults.")
    parser.add_argument("--calls", type=int, default=10_000, help="calls per run (10,000)")
    parser.add_argument("--seed", type=int, default=1, help="the first seed (1)")
    parser.add_argument("--seeds", type=int, default=1, help="number of seeds (1)")
    parser.add_argument("--only", default="", help="only runs whose names contain this text")
    parser.add_argument(
        "--usual", action="store_true", help="also run plain httpx with a common retry policy, with the first seed"
    )
    parser.add_argument("--write", action="store_true", help="write the tables to docs/reliability.md")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Execute the runs, print the table and return the exit code."""
    options = parsed(arguments)
    verdicts: list[Verdict] = []
    for seed in range(options.seed, options.seed + options.seeds):
        for name, plan in PLANS.items():
            is_selected = not name.startswith(USUAL) or (options.usual and seed == options.seed)
            if options.only not in name or not is_selected:
                continue
            verdicts.append(check(execute(plan, seed, options.calls)))
            print(f"{name}, seed {seed}: {verdicts[-1].findings.figures.seconds:.0f} s", file=sys.stderr)
            for message in verdicts[-1].messages() if plan.is_checked else ():
                print(f"  {message}", file=sys.stderr)
    text = table(HEAD, map(row, verdicts))
    print(text)
    if options.write:
        faults = len(TABLES["mixed"]) - 1
        about = f"{faults} faults, {sum(fault.share for fault in TABLES['mixed'][1:]) / 10:g} % of all responses; "
        write("chaos", f"{about}{DEADLINE:g} s per call.\n\n{text}\n\n{faults_table()}")
    return 0 if all(verdict.is_good for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
