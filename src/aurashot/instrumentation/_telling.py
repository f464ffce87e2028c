"""Telling the hooks and the log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aurashot.instrumentation._events import Event, Hook

logger: Final = logging.getLogger("aurashot")
logger.addHandler(logging.NullHandler())


class Teller:
    """Tell each event to the hooks and, at DEBUG, to the log."""

    __slots__ = ("_hooks",)

    def __init__(self, hooks: tuple[Hook, ...] = ()) -> None:
        self._hooks = hooks

    @property
    def listening(self) -> bool:
        """Whether anybody wants to know: events are made only then."""
        return bool(self._hooks) or logger.isEnabledFor(logging.DEBUG)

    def tell(self, event: Event) -> None:
        """Tell one event."""
        logger.debug("%s", event)
        for hook in self._hooks:
            try:
                hook(event)
            except Exception:  # a hook must not cost a picture
                logger.exception("the hook %r failed", hook)
