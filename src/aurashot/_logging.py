"""What the variable AURASHOT_LOG asks for: the log of this SDK on standard error.

Without the variable, the SDK configures no logging. With it, the level of the logger `aurashot` is set, and its records
are written to standard error, unless the program has configured logging itself and so writes them already.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Final

LOG_NAME: Final = "AURASHOT_LOG"
_LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
FIELDS: Final = (
    "operation",
    "operation_id",
    "parent_id",
    "request",
    "number",
    "attempt",
    "attempts",
    "billable",
    "idempotency_key",
    "bytes_sent",
    "bytes_received",
    "status_code",
    "request_id",
    "images",
    "model",
    "input_tokens",
    "output_tokens",
    "elapsed",
    "retry_in",
    "error",
    "outcome",
    "may_be_charged",
    "payment",
    "ledger_entry",
    "verdict",
    "similarity",
    "accepted",
    "images_paid",
    "tags",
    "character",
)
"""The attributes that records of this SDK may have beside those of `logging`, in the order in which they are shown."""


class Formatter(logging.Formatter):
    """One line for a record, with its fields at the end; a traceback follows below.

    Control characters are escaped: a message may quote what the service has sent.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of a record."""
        known = ((name, getattr(record, name, None)) for name in FIELDS)
        fields = "".join(f" {name}={_shown(value)}" for name, value in known if value is not None)
        lines = [f"{self.formatTime(record)} {record.levelname} {record.name}: {record.getMessage()}{fields}"]
        if record.exc_info:
            lines += self.formatException(record.exc_info).splitlines()
        return "\n".join(map(_printable, lines))


class _StandardError(logging.Handler):
    """Writes to what is standard error at the time, unless the root logger has handlers."""

    def emit(self, record: logging.LogRecord) -> None:
        stream = sys.stderr
        if stream is None or logging.getLogger().handlers:  # pythonw has none
            return
        try:
            stream.write(self.format(record) + "\n")
            stream.flush()
        except Exception:  # noqa: BLE001  # as the handlers of logging do: a log must not end a program
            self.handleError(record)


def set_up(wanted: str) -> None:
    """Set the level of the logger `aurashot`, and write its records to standard error.

    Args:
        wanted: `debug`, `info`, `warning` or `error`; with anything else, warnings are written, and one says so.
    """
    logger = logging.getLogger("aurashot")
    level = _LEVELS.get(wanted.strip().lower())
    logger.setLevel(logging.WARNING if level is None else level)
    if not any(isinstance(each, _StandardError) for each in logger.handlers):
        handler = _StandardError()
        handler.setFormatter(Formatter())
        logger.addHandler(handler)
    if level is None:
        logger.warning("%s is %r, which is no level; use one of %s", LOG_NAME, wanted, ", ".join(_LEVELS))


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, bool | int):
        return str(value).lower()
    if isinstance(value, str):
        return value if value and value.isprintable() and not set(value) & set(' "=') else json.dumps(value)
    return json.dumps(value, default=str)


def _printable(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in line)
