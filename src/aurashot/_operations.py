"""The operation: one call of a public method, and everything that belongs to it.

An operation may take several requests: uploads, one billed request or several, downloads. All of them, with their
events, log records, ledger entries and errors, carry its id. Each billed request has an idempotency key of its own: the
first has the caller's, the others have keys that are derived from it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from aurashot.errors import InputError

if TYPE_CHECKING:
    from aurashot._deadline import Deadline
    from aurashot.errors import AuraShotError
    from aurashot.models import Generation, WorkflowJob

LONGEST_STEM: Final = 200
"""Characters of a key that others are derived from; a longer one is replaced by its digest."""
_KEY_SHAPE: Final = re.compile(r"[!-~]{1,255}")


class Labels(NamedTuple):
    """What the caller attaches to an operation."""

    idempotency_key: str | None = None
    tags: Mapping[str, str] | None = None
    pay_once: bool = True
    """Whether a key that the ledger knows is never paid for again."""

    def check(self) -> None:
        """Check the key and the tags.

        Raises:
            InputError: One of them is invalid.
        """
        check_key("idempotency_key", self.idempotency_key)
        check_tags(self.tags)
        if not isinstance(cast("object", self.pay_once), bool):
            raise InputError(f"pay_once: True or False is needed, not {self.pay_once!r}", argument="pay_once")


class Keys:
    """The idempotency keys of one operation: `order-17`, then `order-17.2`, `order-17.3` and so on.

    Concurrent flows take one each, by their index. Further keys of the n-th follow from `order-17.n`, that
    of the first from `order-17.1`, so that no two requests have the same, whichever is sent first.
    """

    __slots__ = ("_first", "_stem", "_taken")

    def __init__(self, first: str, stem: str | None = None) -> None:
        self._first = first
        self._stem = stem or first
        self._taken = 0

    @property
    def upcoming(self) -> str:
        """The key of the next billed request."""
        return f"{_short(self._stem)}.{self._taken + 1}" if self._taken else self._first

    def take(self) -> str:
        """Return the key of the next billed request, and advance."""
        key = self.upcoming
        self._taken += 1
        return key

    def branch(self) -> Keys:
        """Return the keys of one of several flows."""
        stem = f"{_short(self._stem)}.{self._taken + 1}"
        return Keys(self.take(), stem)


def _uuid() -> str:
    """Return a random UUID (RFC 9562, version 4), in a third of the time of `uuid.uuid4`, which is 2 % of a call's."""
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def _short(stem: str) -> str:
    """Return what keys can be derived from without growing too long for a header."""
    return stem if len(stem) <= LONGEST_STEM else sha256(stem.encode()).hexdigest()


class Operation:
    """One call of a public method.

    Attributes:
        name: The method: `id_photo`, `generate`, `edit`, `upload`, `download`, `read` and so on.
        id: A UUID; also the idempotency key of its first billed request unless the caller gave one.
        parent_id: The operation that it is part of, if the client has one.
        labels: The caller's key and tags.
        deadline: When it is over.
        delivered: What it has received and paid for so far.
        keys: The idempotency keys of its billed requests.
    """

    __slots__ = ("_requests", "_whole", "deadline", "delivered", "id", "keys", "labels", "name", "parent_id")

    def __init__(self, name: str, labels: Labels, deadline: Deadline, parent_id: str | None = None) -> None:
        self.name: str = name
        self.id: str = _uuid()
        self.parent_id: str | None = parent_id
        self.labels: Labels = labels
        self.deadline: Deadline = deadline
        self.delivered: tuple[Generation | WorkflowJob, ...] = ()
        self.keys: Keys = Keys(labels.idempotency_key or self.id)
        self._whole: Operation | None = None
        self._requests = 0

    def branch(self) -> Operation:
        """Return this operation for one of several flows, with its own keys and deliveries."""
        branch = Operation(self.name, self.labels, self.deadline, self.parent_id)
        branch.id = self.id
        branch.keys = self.keys.branch()
        branch._whole = self
        return branch

    def deliver(self, response: Generation | WorkflowJob) -> None:
        """Note what was received and paid for."""
        self.delivered = (*self.delivered, response)
        if self._whole is not None:
            self._whole.deliver(response)

    def next_number(self) -> int:
        """Return the number of the next request attempt; the first is 1."""
        if self._whole is not None:
            return self._whole.next_number()
        self._requests += 1
        return self._requests

    def describe(self, error: AuraShotError) -> None:
        """Record on an error which operation it ended, and what that had paid for before.

        Each of several concurrent flows is described by itself. An operation that delivered something is not `not_sent`
        or `rejected`, whatever its last request was: repeating it would be billed again.
        """
        error.operation_id = self.id
        if self.delivered:
            if len(error.delivered) < len(self.delivered):  # what has all of them may say more about them
                error.delivered = self.delivered
            error.billable = True
            error.idempotency_key = error.idempotency_key or self.delivered[0].meta.idempotency_key
            error.outcome = error.outcome if error.outcome == "unknown" else "accepted"

    def hand_over(self, interruption: BaseException) -> None:
        """Attach what was paid for to a KeyboardInterrupt or a cancellation, as `delivered`.

        One that has passed through a part of the operation has the results of that part.
        """
        attributes = vars(interruption)
        known = attributes.get("delivered", ())
        if len(known) < len(self.delivered):
            attributes["delivered"] = self.delivered
        if self.delivered and not known:
            interruption.add_note("What had been delivered, and may be billed, is in this exception's `delivered`")


def check_key(argument: str, key: object) -> None:
    """Check an identifier that is sent in a header.

    Raises:
        InputError: It is not 1 to 255 printable ASCII characters.
    """
    if key is not None and not (isinstance(key, str) and _KEY_SHAPE.fullmatch(key)):
        message = f"{argument}: use 1 to 255 printable ASCII characters without spaces, a UUID for instance"
        raise InputError(message, argument=argument)


def check_tags(tags: object) -> None:
    """Check tags.

    Raises:
        InputError: They are not a mapping of names to values, all strings that are not empty.
    """
    if tags is None:
        return
    known = cast("dict[object, object]", tags) if isinstance(tags, Mapping) else {None: None}
    if not all(isinstance(word, str) and word for pair in known.items() for word in pair):
        raise InputError(f"tags: names and values are strings that are not empty, not {tags!r}", argument="tags")
    for pair in known.items():
        for word in pair:
            check_encodable("tags", cast("str", word))


def check_encodable(argument: str, text: str) -> None:
    """Check that a text has an encoding in UTF-8; half a character, as broken JSON can hold it, has none.

    Raises:
        InputError: It has none.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{argument}: character {error.start} is half of one (a lone surrogate), which cannot be sent; remove it",
            argument=argument,
        ) from None
