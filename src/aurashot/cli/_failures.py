"""Errors of commands: one line or one object, and an exit code."""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from aurashot.cli._exit_codes import FAILED, INTERRUPTED, USAGE, Kind, kind_of, paid_by
from aurashot.cli._format import current
from aurashot.cli._text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aurashot.cli._exit_codes import Paid
    from aurashot.errors import AuraShotError

EXIT_FAILED = FAILED.code
EXIT_USAGE = USAGE.code
EXIT_INTERRUPTED = INTERRUPTED.code


def fail(
    error: AuraShotError,
    *,
    is_free: bool = False,
    images: Sequence[dict[str, Any]] = (),
    paid: Paid | None = None,
) -> NoReturn:
    """Exit with one line or one object about an error.

    Args:
        error: What went wrong.
        is_free: Whether the work cost nothing because a sandbox did it.
        images: What is known of the images that the command had made before.
        paid: Whether the command had paid for images before.

    Raises:
        typer.Exit: With the exit code of the error.
    """
    if current().debug:
        traceback.print_exception(error, file=sys.stderr)
    failure = failure_of(error, is_free=is_free) | {"images": list(images)}
    if paid is not None and failure["paid"] is False:
        failure["paid"] = paid
    tell(describe(error, is_free=is_free), failure)
    raise typer.Exit(kind_of(error, is_free=is_free).code) from None


def tell(line: str, failure: dict[str, Any]) -> None:
    """Print a failure: an object on standard output as JSON, in every other format something on standard error."""
    from aurashot.cli._output import as_json, as_lines, write

    wanted = current().format
    if wanted == "json":
        write([as_json(failure)])
    elif wanted == "agent":
        write(as_lines({name: value for name, value in failure.items() if value not in (None, "", [])}), sys.stderr)
    else:
        write([f"error: {line}"], sys.stderr)


def interrupt(stop: BaseException, **known: Any) -> NoReturn:
    """Exit with one line or one object about Ctrl-C.

    Args:
        stop: What was raised; its notes are told.
        known: What is known, by the keys of the object.

    Raises:
        typer.Exit: With the exit code that shells know.
    """
    from aurashot.cli._output import write

    notes = _notes(stop)
    if current().format in {"human", "quiet"}:
        below = "\n" if sys.stderr.isatty() else ""  # a terminal shows ^C on the current line
        write([below + printable("; ".join(["stopped", *notes]))], sys.stderr)
    else:
        tell("", failure("Stopped by Ctrl-C", INTERRUPTED, notes, **known))
    raise typer.Exit(EXIT_INTERRUPTED) from None


def exit_code(error: AuraShotError) -> int:
    """Return the exit code of an error."""
    return kind_of(error).code


def failure(message: str, kind: Kind, notes: list[str] | None = None, **known: Any) -> dict[str, Any]:
    """Return the document about a failure: always with the same keys.

    Args:
        message: What went wrong, and after a semicolon what to do.
        kind: Its class.
        notes: What else is known.
        known: The keys that have another value than `None`.
    """
    detail = "; ".join(notes or [])
    return {
        "error": message,
        "detail": detail,
        "code": kind.word,
        "exit_code": kind.code,
        "type": known.get("type"),
        "paid": known.get("paid", False),
        "outcome": known.get("outcome"),
        "status_code": known.get("status_code"),
        "retry_after": known.get("retry_after"),
        "request_id": known.get("request_id"),
        "idempotency_key": known.get("idempotency_key"),
        "images": known.get("images", []),
    }


def failure_of(error: AuraShotError, *, is_free: bool = False) -> dict[str, Any]:
    """Return the document about an error."""
    delivered = error.delivered[-1] if error.delivered else None
    meta = getattr(delivered, "meta", None)
    return failure(
        error.message.rstrip("."),
        kind_of(error, is_free=is_free),
        _notes(error),
        type=type(error).__name__,
        paid=False if is_free else paid_by(error),
        outcome=error.outcome,
        status_code=getattr(error, "status_code", None) or None,
        retry_after=error.retry_after,
        request_id=getattr(delivered, "request_id", None) or error.request_id,
        idempotency_key=getattr(meta, "idempotency_key", None) or error.idempotency_key,
    )


def describe(error: AuraShotError, *, is_free: bool = False) -> str:
    """Return one line with what went wrong, whether it may have been billed, and the ids that support needs."""
    clauses = [error.message.rstrip("."), *_notes(error), *_images(error)]
    marks = {"request id": error.request_id}
    for each in error.delivered:
        marks = {"request id": getattr(each, "request_id", None), "idempotency key": each.meta.idempotency_key}
    if error.may_be_charged and not error.delivered and not is_free:
        marks["idempotency key"] = error.idempotency_key
    without = [each for each in error.delivered if not getattr(each, "outputs", ())]
    if (without or (error.may_be_charged and not error.delivered)) and not is_free:
        clauses.append("it may have been billed anyway")
    quoted = ", ".join(f"{name} {value}" for name, value in marks.items() if value)
    return printable("; ".join(clauses) + (f" ({quoted})" if quoted else ""))


def _images(error: AuraShotError) -> list[str]:
    """Return a clause about the images that were generated before the error; their URLs can be signed."""
    number = sum(bool(getattr(each, "outputs", ())) for each in error.delivered)
    return [] if not number else ["the image was generated" if number == 1 else f"{number} images were generated"]


def _notes(error: BaseException) -> list[str]:
    return list(getattr(error, "__notes__", []))
