"""What a ledger is told about one call: before each request that may be billed, and at the end."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, Final, cast

from aurashot._once import ran_out
from aurashot.models import Generation, WorkflowJob

if TYPE_CHECKING:
    from aurashot._calls import Call
    from aurashot._deadline import Deadline
    from aurashot.errors import AuraShotError
    from aurashot.ledger import Intent, Ledger, Payment, Settlement
    from aurashot.models import Received

PATIENCE: Final = 5.0
"""Seconds for which a call waits for others who write, within its own time."""
GRACE: Final = 0.2
"""Seconds that are left for its outcome when its time is over."""

logger: Final = logging.getLogger("aurashot")


class Record:
    """The entries of one call. `begin`, `paid` and `failed` write, and so they block."""

    def __init__(self, ledger: Ledger, call: Call[Any], key: str, deadline: Deadline) -> None:
        self._ledger = ledger
        self._call = call
        self._key = key
        self._deadline = deadline
        self._entry: int | None = None
        self._attempts = 0
        self._doubt: AuraShotError | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is an entry that is not settled."""
        return self._entry is not None

    def begin(self) -> None:
        """Make sure of an entry for the next request: the last one, or a new one if that may be on the bill.

        Raises:
            LedgerError: It cannot be recorded, so it must not be sent.
            SpendCapError: It would exceed the cap.
            DeadlineExceededError: The call's time is over.
        """
        if self._doubt is not None:
            self._settle("unknown", error=self._doubt)
        if not self.is_open:
            patience = min(PATIENCE, self._deadline.remaining)
            self._entry = self._ledger.reserve(intent(self._call, self._key), timeout=patience).number
        if self._deadline.passed:
            raise ran_out(self._deadline)

    def attempted(self, error: AuraShotError) -> None:
        """Take note of a request that failed; nothing is written yet."""
        self._attempts += 1
        self._doubt = error if error.may_be_charged else None

    def paid(self, result: Received) -> None:
        """Write down what was delivered."""
        self._attempts += 1
        self._settle("paid", **delivered(result))

    def failed(self, error: BaseException, *, is_out: bool) -> None:
        """Write down how the call ended, be it by a cancellation."""
        self._settle("unknown" if is_out or self._doubt is not None else "not_paid", error=error)

    def _settle(self, outcome: Payment, error: BaseException | None = None, **details: Any) -> None:
        from aurashot.ledger import Settlement

        if self._entry is None:
            return
        entry, self._entry = self._entry, None
        kind = None if error is None else type(error).__name__
        settlement = Settlement(outcome=outcome, attempts=self._attempts, error=kind, **details)
        self._attempts, self._doubt = 0, None
        self._write(entry, settlement)

    def _write(self, entry: int, settlement: Settlement) -> None:
        try:
            self._ledger.settle(entry, settlement, timeout=max(GRACE, min(PATIENCE, self._deadline.remaining)))
        except Exception:  # the answer is here, and must not be lost over its record
            logger.exception("entry %d of the ledger stays unknown, although it is %s", entry, settlement.outcome)


def intent(call: Call[Any], key: str) -> Intent:
    """Return what a billed request is about to ask for."""
    from aurashot.ledger import Intent

    body = json.loads(cast("bytes", call.content))
    fields = body.get("input") or body
    pictures = body.get("images") or {name: value for name, value in fields.items() if name.endswith("Image")}
    return Intent(
        idempotency_key=key,
        operation=call.operation,
        prompt=fields.get("prompt") or fields.get("textDescription"),
        references=pictures,
        tags=call.labels.tags or {},
        pay_once=False,
    )


def delivered(result: Received) -> dict[str, Any]:
    """Return what of an answer goes into a settlement."""
    match result:
        case Generation():
            usage = result.token_usage
            return {
                "request_id": result.request_id,
                "urls": tuple(output.url for output in result.outputs),
                "input_tokens": usage and usage.input_tokens,
                "output_tokens": usage and usage.output_tokens,
            }
        case WorkflowJob():
            return {"request_id": result.execution_id or result.task_id, "urls": result.images}
        case _:
            return {}
