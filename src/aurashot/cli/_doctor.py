"""`aurashot doctor`: what keeps the SDK from working here, and what to do about it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aurashot.cli._screen import Screen
    from aurashot.diagnostics import Finding


def doctor(
    ledger: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The file of a ledger, to check it as well.", envvar="AURASHOT_LEDGER"),
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.001, metavar="SECONDS", help="The time for the request to the service.")
    ] = 10.0,
    offline: Annotated[bool, typer.Option("--offline", help="Send nothing.")] = False,
) -> None:
    """Check key, files, proxies, certificates, service, clock, extras and ledger, and say how to fix what is wrong.

    The service gets one request that is free. Nothing is changed, and the key is not shown. The exit code is 1 if
    something must be fixed.
    """
    from aurashot.cli._failures import EXIT_FAILED
    from aurashot.cli._output import Output
    from aurashot.diagnostics import diagnose

    output = Output()
    with output.working("checking"):
        findings = diagnose(ledger=ledger, timeout=timeout, offline=offline)
    errors = [finding for finding in findings if finding.level == "error"]
    document = {
        "ok": not errors,
        "findings": [
            {"check": each.check, "level": each.level, "summary": each.summary, "fix": each.fix} for each in findings
        ],
    }
    output.show(document, lambda screen: _show(findings, screen), [each.summary for each in errors])
    if errors:
        raise typer.Exit(EXIT_FAILED)


def _show(findings: "Sequence[Finding]", screen: "Screen") -> None:
    for finding in findings:
        screen.row(finding.level, finding.summary)
        if finding.fix:
            screen.row("", f"{'To fix it' if finding.level == 'error' else 'To do'}: {finding.fix}")
    errors = sum(finding.level == "error" for finding in findings)
    screen.say()
    if errors:
        screen.say(f"{'1 thing' if errors == 1 else f'{errors} things'} must be fixed.")
    else:
        screen.say("Nothing has to be fixed.")
