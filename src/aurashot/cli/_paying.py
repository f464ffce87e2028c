"""A client that pays for a command, and says after a failure or Ctrl-C what may be on the bill."""

from __future__ import annotations

import shlex
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from aurashot.errors import AuraShotError, IdentityDriftError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from aurashot import AuraShot
    from aurashot.cli._exit_codes import Paid
    from aurashot.instrumentation import Event
    from aurashot.ledger import SQLiteLedger


class Account:
    """What a command has paid for, as far as it is known.

    Args:
        ledger: The file that records it, if there is one.
        max_images: The most images that the command may pay for.
        timeout: Seconds that one call may take.
        images: Returns what is known of the images so far, for the data about a failure.

    Attributes:
        paid: How many images were paid for.
        under_way: The idempotency key of a billed request that was sent and not answered.
        key: The idempotency key of the command, from which those of its images follow.
    """

    def __init__(
        self,
        ledger: Path | None,
        *,
        max_images: int | None = None,
        timeout: float | None = None,
        images: Callable[[], list[dict[str, Any]]] = list,
        key: str | None = None,
    ) -> None:
        self.paid = 0
        self.under_way: str | None = None
        self.key: str | None = key
        self._ledger = ledger
        self._max_images = max_images
        self._timeout = timeout
        self._images = images

    @contextmanager
    def client(self) -> Generator[AuraShot]:
        """Yield a client that records what it pays for.

        Raises:
            typer.Exit: The block failed or was interrupted; that was told.
        """
        from aurashot import AuraShot

        options: dict[str, Any] = {} if self._timeout is None else {"timeout": self._timeout}
        try:
            with ExitStack() as stack:
                ledger = self._opened(stack)
                yield stack.enter_context(AuraShot(ledger=ledger, hooks=[self._note], **options))
        except AuraShotError as error:
            self._failed(error)
        except KeyboardInterrupt as stop:
            self._interrupted(stop)

    def _opened(self, stack: ExitStack) -> SQLiteLedger | None:
        if self._ledger is None:
            return None
        from aurashot.ledger import SpendCap, SQLiteLedger

        cap = None if self._max_images is None else SpendCap(max_images=self._max_images, per="run")
        return stack.enter_context(SQLiteLedger(self._ledger, cap=cap))

    def _note(self, event: Event) -> None:
        """Note a billed request, as a hook of the client."""
        from aurashot.instrumentation import RequestFailed, RequestStarted, RequestSucceeded

        if isinstance(event, RequestStarted) and event.billable:
            self.under_way = event.idempotency_key
        elif isinstance(event, RequestSucceeded) and event.billable:
            self.under_way = None
            self.paid += 1
        elif isinstance(event, RequestFailed) and event.billable:
            error = event.error
            if isinstance(error, AuraShotError) and error.outcome in {"not_sent", "rejected"}:
                self.under_way = None

    def _failed(self, error: AuraShotError) -> NoReturn:
        from aurashot.cli._failures import fail

        images = self._images()
        paths = [str(image["path"]) for image in images if image.get("path")]
        if isinstance(error, IdentityDriftError) and paths:
            error.add_note(f"saved all the same: {', '.join(paths)}")
        if self._ledger is not None and not error.delivered and error.may_be_charged and error.idempotency_key:
            error.add_note(f"when your bill shows it, run: {self._resolve(error.idempotency_key)}")
        fail(error, images=images, paid=True if self.paid else None)

    def _interrupted(self, stop: KeyboardInterrupt) -> NoReturn:
        from aurashot.cli._failures import interrupt

        made = [each for each in getattr(stop, "delivered", ()) if _has_image(each)]
        key = made[-1].meta.idempotency_key if made else self.under_way
        for note in self._notes(key, is_made=bool(made)):
            stop.add_note(note)
        paid: Paid = True if made or (self.paid and not key) else "unknown" if key else False
        interrupt(stop, paid=paid, idempotency_key=key, images=self._images())

    def _notes(self, key: str | None, *, is_made: bool) -> list[str]:
        """Return what Ctrl-C has left behind, and how to get it."""
        if is_made:
            again = shlex.quote(self.key or str(key))
            return [
                f"an image was made and billed under the idempotency key {key}",
                f"run the command again with --idempotency-key {again} to save it without paying again",
            ]
        if key and self._ledger is not None:
            return [
                f"an image may have been billed under the idempotency key {key}",
                f"the ledger has it as unresolved; when your bill shows it, run: {self._resolve(key)}",
            ]
        if key:
            return [
                f"an image may have been billed under the idempotency key {key}",
                "it cannot be fetched from here; look at your bill, or ask support about that key",
            ]
        return [] if self.paid else ["nothing was billed"]

    def _resolve(self, key: str) -> str:
        return f"aurashot spend resolve --ledger {shlex.quote(str(self._ledger))} {shlex.quote(key)} paid"


def _has_image(made: object) -> bool:
    return bool(getattr(made, "outputs", ()) or getattr(made, "images", ()))
