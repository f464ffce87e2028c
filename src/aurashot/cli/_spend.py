"""`aurashot spend`: what a ledger records, and what is known later about its unresolved calls."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer
from typer.core import TyperGroup

_DEFAULT: Final = "summary"


class _WithDefault(TyperGroup):
    """A group that runs `summary` where no command of its own is named: `aurashot spend spend.db`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the name of the default command before its arguments."""
        first = args[0] if args else ""
        is_given = first in self.commands or first in self.get_help_option_names(ctx)
        return super().parse_args(ctx, args if is_given else [_DEFAULT, *args])


spend = typer.Typer(
    name="spend",
    cls=_WithDefault,
    help="""What was spent, and which calls are unresolved.

    "aurashot spend LEDGER" is short for "aurashot spend summary LEDGER", with the same options. A ledger that is called
    like a command is written as ./show or ./resolve.
    """,
)

Key = Annotated[str, typer.Argument(metavar="KEY", help="The idempotency key of the call.")]
InLedger = Annotated[
    Path, typer.Option("--ledger", metavar="FILE", help="The file of the ledger.", envvar="AURASHOT_LEDGER")
]


@spend.command()
def summary(
    path: Annotated[Path, typer.Argument(metavar="LEDGER", help="The file of the ledger.", envvar="AURASHOT_LEDGER")],
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="Only calls since this date or time, such as 2026-03-16, in UTC.")
    ] = None,
    unresolved: Annotated[
        bool, typer.Option("--unresolved", help="List the calls that may be on the bill and are not resolved.")
    ] = False,
    everything: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Show all values of all tags, or all unresolved calls; by default, ten values of ten tags, 100 calls.",
        ),
    ] = False,
) -> None:
    """Show what was spent, and which calls are unresolved.

    Reads a ledger that a program writes with SQLiteLedger, during or after the run.
    """
    from aurashot.cli._output import Output
    from aurashot.cli._since import moment
    from aurashot.cli._spend_report import Report
    from aurashot.ledger import SQLiteLedger

    with SQLiteLedger(path, create=False) as ledger:
        report = Report(ledger, since, moment(since))
        output = Output()
        if unresolved:
            output.show(report.data(), partial(report.show_unresolved, None if everything else 100), report.keys())
        else:
            output.show(report.data(), partial(report.show_summary, None if everything else 10), report.keys())


@spend.command()
def show(
    key: Key,
    path: InLedger,
    urls: Annotated[
        bool, typer.Option("--urls", help="Print the URLs of the images as well; who has one can fetch its image.")
    ] = False,
) -> None:
    """Show all that is recorded under a key."""
    from aurashot.cli._output import Output
    from aurashot.cli._spend_entries import data_of, describe, not_recorded
    from aurashot.ledger import SQLiteLedger

    with SQLiteLedger(path, create=False) as ledger:
        entries = ledger.find(key=key)
        if not entries:
            raise not_recorded(key, (entry.idempotency_key for entry in ledger.entries()))
    Output().show(
        {"entries": [data_of(entry, urls=urls) for entry in entries]},
        lambda screen: describe(entries, screen, path, urls=urls),
        [url for entry in entries for url in entry.urls] if urls else [entry.payment for entry in entries],
    )


@spend.command()
def resolve(
    key: Key,
    payment: Annotated[
        Literal["paid", "not_paid"], typer.Argument(metavar="paid|not_paid", help="What the bill, or support, says.")
    ],
    path: InLedger,
    *,
    url: Annotated[list[str] | None, typer.Option(metavar="URL", help="The URL of an image, if it was found.")] = None,
    request_id: Annotated[
        str | None, typer.Option(metavar="ID", help="The service's identifier, if it was found.")
    ] = None,
) -> None:
    """Record what became of an unresolved call.

    Look at your bill or ask support first. The command does not ask, and prints what it recorded. What is not_paid no
    longer counts towards a spend cap, and its key can be used again.
    """
    from aurashot.cli._output import Output
    from aurashot.cli._spend_entries import check_unresolved, data_of, tell_resolved
    from aurashot.ledger import SQLiteLedger

    with SQLiteLedger(path, create=False) as ledger:
        before = ledger.find(key=key)
        check_unresolved(key, before, ledger, path)
        number = ledger.resolve(key, payment, urls=url, request_id=request_id)
        after = ledger.find(key=key)
    numbers = {entry.number for entry in before}
    entries = [entry for entry in after if entry.number in numbers]
    Output().show(
        {"resolved": number, "entries": [data_of(entry) for entry in entries]},
        lambda screen: tell_resolved(before, number, payment, screen),
        [key],
    )
