"""Events of a client: operations, requests and retries.

Give `hooks=[...]` to a client: each is called with one event record at a time, in the thread or task of the call. A
hook that raises is logged and otherwise ignored, since by then an image may have been paid for. Events hold no prompt,
no API key and no URL of an image; the message of an error may quote a path of yours, or a message of the service. The
same events go to the logger `aurashot`: the ends of operations, and retries, at level INFO, all others at DEBUG. The
library configures no logging unless the variable AURASHOT_LOG asks for it.

A method call is an operation, with an `OperationStarted` and then an `OperationSucceeded` or `OperationFailed`. Each
attempt of each of its requests, uploads and downloads included, has a `RequestStarted` and then a `RequestSucceeded` or
`RequestFailed`. So hooks can build a trace: a span for each operation, and in it one for each `number`. With a ledger,
the request of a cancelled async operation goes on, and may succeed after its operation has failed. With an
`IdentityPolicy`, an `IdentityChecked` follows each image.
"""

from typing import TYPE_CHECKING

from aurashot import _late
from aurashot.instrumentation._dispatcher import Dispatcher

if TYPE_CHECKING:
    from aurashot.instrumentation._events import (
        Event,
        Hook,
        IdentityChecked,
        OperationFailed,
        OperationStarted,
        OperationSucceeded,
        RequestFailed,
        RequestStarted,
        RequestSucceeded,
        RetryScheduled,
    )

__all__ = [
    "Dispatcher",
    "Event",
    "Hook",
    "IdentityChecked",
    "OperationFailed",
    "OperationStarted",
    "OperationSucceeded",
    "RequestFailed",
    "RequestStarted",
    "RequestSucceeded",
    "RetryScheduled",
]

_HOMES = dict.fromkeys(__all__, "aurashot.instrumentation._events")


if not TYPE_CHECKING:  # for type checkers, only real names exist

    def __getattr__(name: str) -> object:
        return _late.named(__name__, name, _HOMES)


def __dir__() -> list[str]:
    return _late.listed(__name__, _HOMES)
