"""One key pays once: what a key may be used for, given the entries that there are. Pure decisions, no I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aurashot.errors import InputError, UnresolvedError
from aurashot.ledger._entries import prompt_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aurashot.ledger._entries import Entry
    from aurashot.ledger._records import Intent

LOOK: Final = (
    "look at the bill or ask support, then record it with ledger.resolve({key!r}, 'paid') or "
    "ledger.resolve({key!r}, 'not_paid')"
)
ENDINGS: Final = {
    True: "it is under way in process {pid}, which is running; wait for it",
    False: "the program that sent it (process {pid}) ended before its outcome was recorded; " + LOOK,
    None: "it is under way elsewhere, or its program ended before its outcome was recorded; wait for it, or " + LOOK,
}
"""What is said of an entry without an outcome, by whether the process that wrote it lives."""
LOST: Final = "its response was lost{error}; " + LOOK
FINISHED: Final = {
    "pending": "the service responded before the image was done, and it cannot be fetched later; " + LOOK,
    "blocked": "the service refused its content, which may be billed; change the prompt or the image, and the key",
}
"""What is said of an entry with an outcome that is neither paid nor not paid."""


def check_key(intent: Intent, entries: Iterable[Entry]) -> Entry | None:
    """Return the paid entry that answers a request, or None if the request may be sent.

    Entries that are certainly not paid, of other keys, and of the same operation (the same `operation_id`, which is not
    empty) are passed over. So is everything where `intent.pay_once` is False.

    Args:
        intent: The request that is about to be sent.
        entries: Earlier entries, the oldest first: at least all of the same key.

    Raises:
        InputError: The key was used for another request; `argument` is `idempotency_key`.
        UnresolvedError: A request under the key may be on the bill.
    """
    earlier = of_others(intent, entries)
    same = [entry for entry in earlier if is_same_request(intent, entry)]
    paid = [entry for entry in same if entry.payment == "paid"]
    if paid:
        return paid[-1]
    if len(same) < len(earlier):
        raise _used(intent, next(entry for entry in earlier if entry not in same))
    if same:
        raise _unresolved(same)
    return None


def of_others(intent: Intent, entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries that count against a request: under its key, perhaps on the bill, of another operation."""
    if not intent.pay_once:
        return []
    return [
        entry
        for entry in entries
        if entry.idempotency_key == intent.idempotency_key
        and entry.payment != "not_paid"
        and (not intent.operation_id or entry.operation_id != intent.operation_id)
    ]


def is_same_request(intent: Intent, entry: Entry) -> bool:
    """Return whether an entry asked for the same: by the digests, or by operation and prompt where one has none."""
    if intent.request_digest is not None and entry.request_digest is not None:
        return intent.request_digest == entry.request_digest
    return (intent.operation, prompt_digest(intent)) == (entry.operation, entry.prompt_digest)


def _used(intent: Intent, entry: Entry) -> InputError:
    error = InputError(
        f"idempotency_key: {intent.idempotency_key!r} was used for another request ({entry.operation}, "
        f"{entry.started_at:%Y-%m-%d %H:%M:%S} UTC); use another key for this one",
        argument="idempotency_key",
    )
    error.idempotency_key = intent.idempotency_key
    return error


def _unresolved(entries: Sequence[Entry]) -> UnresolvedError:
    entry = next((each for each in reversed(entries) if each.is_under_way), entries[-1])
    words = FINISHED.get(entry.payment, LOST) if entry.is_finished else ENDINGS[entry.owner_lives]
    key, pid = entry.idempotency_key, entry.owner and entry.owner.pid
    error = UnresolvedError(
        f"A request under {key!r} may be on the bill ({entry.operation}, {entry.started_at:%Y-%m-%d %H:%M:%S} UTC): "
        + words.format(key=key, pid=pid, error=f" ({entry.error})" if entry.error else "")
    )
    error.idempotency_key, error.entry = key, entry
    return error
