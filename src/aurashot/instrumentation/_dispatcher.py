"""Sends events to the hooks and to the log."""

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING, Final, cast

from aurashot.errors import ConfigurationError

if TYPE_CHECKING:
    from aurashot.instrumentation._events import Event, Hook, PromptHook, RequestStarted

logger: Final = logging.getLogger("aurashot")
logger.addHandler(logging.NullHandler())


class Dispatcher:
    """Sends each event to the hooks and to the log: the ends of operations, and retries, at INFO, all others at DEBUG.

    Raises:
        ConfigurationError: A hook cannot be called with an event, or has to be awaited.
    """

    __slots__ = ("_hooks", "_prompt_hooks")

    def __init__(self, hooks: tuple[Hook, ...] = ()) -> None:
        for hook in hooks:
            _check(hook)
        self._hooks = hooks
        self._prompt_hooks = cast(
            "tuple[PromptHook, ...]", tuple(hook for hook in hooks if getattr(hook, "wants_prompts", False) is True)
        )

    @property
    def listening(self) -> bool:
        """Whether there is a hook or the log is at INFO or below; otherwise no events are made."""
        return bool(self._hooks) or logger.isEnabledFor(logging.INFO)

    def emit(self, event: Event) -> None:
        """Send one event."""
        if logger.isEnabledFor(logging.INFO):
            _log(event)
        for hook in self._hooks:
            try:
                hook(event)
            except Exception:  # a hook must not cost an image
                labels = {"operation_id": event.operation_id, "operation": event.operation}
                logger.exception("the hook %r failed in operation %s", hook, event.operation_id, extra=labels)

    @property
    def wants_prompts(self) -> bool:
        """Whether there is a hook that asked for prompts."""
        return bool(self._prompt_hooks)

    def give_prompt(self, event: RequestStarted, prompt: str) -> None:
        """Give the prompt of a request to the hooks that asked for prompts, and to nobody else."""
        for hook in self._prompt_hooks:
            try:
                hook.on_prompt(event, prompt)
            except Exception as problem:  # noqa: BLE001  # as above; a traceback could show the prompt
                logger.error(  # noqa: TRY400  # as above
                    "the hook %r failed with %s in operation %s",
                    hook,
                    type(problem).__name__,
                    event.operation_id,
                    extra={"operation_id": event.operation_id},
                )


def _log(event: Event) -> None:
    from aurashot.instrumentation import _log as log

    level = log.level_of(event)
    if logger.isEnabledFor(level):
        logger.log(level, "%s", log.sentence_of(event), extra=log.fields_of(event))


def _check(hook: object) -> None:
    if not callable(hook):
        raise ConfigurationError(f"hooks= takes functions that are called with an event, not {hook!r}")
    if inspect.iscoroutinefunction(hook) or inspect.iscoroutinefunction(getattr(hook, "__call__", None)):  # noqa: B004  # not whether, but how it is called
        raise ConfigurationError(
            f"The hook {hook!r} is async; hooks are plain functions, called in the thread of the call"
        )
