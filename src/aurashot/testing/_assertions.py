"""What a mock remembers of a request, and the messages of assertions about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aurashot.testing._contract import Operation


@dataclass(frozen=True, slots=True)
class SentRequest:
    """A request that a client has sent to a mock; it holds no key."""

    operation: Operation
    """What it asks for, in the spelling of the client's methods."""
    url: str
    body: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Its JSON; empty for an upload and a download."""
    idempotency_key: str | None = None

    @property
    def prompt(self) -> str | None:
        """Its prompt, or the description of a legacy workflow."""
        text = self.body.get("prompt") or self._input.get("textDescription")
        return None if text is None else str(text)

    @property
    def images(self) -> Mapping[str, str]:
        """The URL of each image that it refers to, by the name of its field: `face`, `productImage` and so on."""
        images = cast("dict[str, str]", self.body.get("images") or {})
        return images or {name: str(url) for name, url in self._input.items() if name.endswith("Image")}

    @property
    def _input(self) -> dict[str, Any]:
        return cast("dict[str, Any]", self.body.get("input") or {})

    def __str__(self) -> str:
        parts = {"prompt": self.prompt, **self.images, "idempotency_key": self.idempotency_key}
        shown = ", ".join(f"{name}={value!r}" for name, value in parts.items() if value is not None)
        return f"{self.operation} {shown}" if shown else f"{self.operation} {self.url}"


def check_sent(
    candidates: Sequence[SentRequest],
    everything: Sequence[SentRequest],
    operation: str,
    wanted: Mapping[str, str],
    times: int | None,
) -> SentRequest:
    """Return the last request of an operation that fits.

    Raises:
        AssertionError: None does, or another number than was expected.
    """
    fitting = [request for request in candidates if _fits(request, wanted)]
    if fitting and times in {None, len(fitting)}:
        return fitting[-1]
    shown = ", ".join(f"{name}={value!r}" for name, value in wanted.items())
    what = f"{operation} with {shown}" if shown else operation
    count = "at least 1 request" if times is None else f"{times} request{'s' if times != 1 else ''}"
    raise AssertionError(f"Expected {count} {what}, found {len(fitting)}; sent:{described(everything)}")


def _fits(request: SentRequest, wanted: Mapping[str, str]) -> bool:
    has: dict[str, str | None] = {
        **request.images,
        "prompt": request.prompt,
        "idempotency_key": request.idempotency_key,
    }
    return all(has.get(name) == value for name, value in wanted.items())


def described(requests: Sequence[SentRequest]) -> str:
    """Return a line for each request."""
    return "".join(f"\n  {request}" for request in requests) or " nothing"
