"""What a fault is, how one is named in a request, and which requests it hits."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal, TypeAlias

from aurashot.sandbox._errors import REQUEST_ID_HEADER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

FAULT_HEADER = "x-sandbox-fault"

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]
Parameters: TypeAlias = "Mapping[str, float | str]"
End: TypeAlias = Literal["open", "close", "reset", "hold", "refuse"]
"""What becomes of the connection: left alone, closed (FIN), reset (RST), held until the client goes away, or closed
together with the listener, so that new connections are refused for a while."""

_NUMBER = r"\d{1,4}(?:\.\d{1,3})?"
_TEXT = r"[!-+\--:<-~]+"  # printable ASCII but comma and semicolon


@dataclass(frozen=True, slots=True)
class Response:
    """A whole HTTP response, as it would have been sent."""

    status: int
    headers: Headers
    body: bytes = b""

    def with_body(
        self, body: bytes, media_type: str = "application/json", *, status: int = 200, **headers: str
    ) -> Response:
        """Return another response to the same request; `content_encoding` becomes the header `content-encoding`."""
        kept = tuple(pair for pair in self.headers if pair[0] == REQUEST_ID_HEADER.encode())
        fields = {"content_type": media_type, "content_length": str(len(body)), **headers}
        pairs = tuple((name.replace("_", "-").encode(), value.encode()) for name, value in fields.items())
        return Response(status, (*kept, *pairs), body)

    def head(self, *, without: frozenset[bytes] = frozenset(), extra: Headers = ()) -> bytes:
        """Return status line and headers as bytes, up to and with the empty line."""
        kept = [pair for pair in self.headers if pair[0] not in without]
        lines = [b"%s: %s\r\n" % pair for pair in (*kept, *extra)]
        return b"HTTP/1.1 %d %s\r\n%s\r\n" % (self.status, self._phrase(), b"".join(lines))

    def raw(self) -> bytes:
        """Return the whole response as bytes."""
        return self.head() + self.body

    def _phrase(self) -> bytes:
        return HTTPStatus(self.status).phrase.encode()


Make: TypeAlias = "Callable[[Response, Parameters], Response]"
Wire: TypeAlias = "Callable[[Response, Parameters], Iterator[bytes | float]]"
"""Bytes to put on the wire as they are; a number is a pause in seconds."""


def silence(_response: Response, _parameters: Parameters) -> Iterator[bytes | float]:
    """Send nothing."""
    return iter(())


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the table of scenarios.

    Attributes:
        name: The name in `X-Sandbox-Fault`.
        sentence: What the client sees.
        worked: Whether the request is worked on first, and billed if its operation is.
        response: Makes the HTTP response that is sent instead; None sends no proper response.
        wire: Bytes that follow it, or take its place.
        end: What is done to the connection.
        parameters: What can be set, with the default values.
    """

    name: str
    sentence: str
    worked: bool
    response: Make | None = None
    wire: Wire = silence
    end: End = "open"
    parameters: Parameters = field(default_factory=dict[str, "float | str"])

    @property
    def needs_connection(self) -> bool:
        """Whether the fault is shown on the connection itself, which an application called in-process has not."""
        return self.response is None or self.wire is not silence or self.end != "open"

    @property
    def pattern(self) -> str:
        """The regular expression of the specifications that name this fault."""
        values = {name: _NUMBER if isinstance(value, float) else _TEXT for name, value in self.parameters.items()}
        options = "|".join(f"{name}={value}" for name, value in values.items())
        return f"{self.name}(?:;(?:{options}))*" if options else self.name


@dataclass(frozen=True, slots=True)
class ChosenFault:
    """A fault with the values of its parameters, and the specification that chose it."""

    fault: Fault
    parameters: Parameters
    specification: str


def parse(specification: str, table: Mapping[str, Fault]) -> ChosenFault:
    """Read `name` or `name;parameter=value`.

    Raises:
        ValueError: No such fault, no such parameter, or not a value for it.
    """
    name, *settings = specification.split(";")
    fault = table.get(name)
    if fault is None:
        raise ValueError(f"there is no fault {name!r}; GET /_sandbox/faults lists them")
    if re.fullmatch(fault.pattern, specification) is None:
        raise ValueError(f"fault {name!r} takes {', '.join(fault.parameters) or 'no parameters'}: {specification!r}")
    given = dict(setting.split("=", 1) for setting in settings)
    values = {key: type(default)(given.get(key, default)) for key, default in fault.parameters.items()}
    return ChosenFault(fault, values, specification)


@dataclass(frozen=True, slots=True)
class FaultRule:
    """Faults for a share of all requests.

    Attributes:
        faults: One of them is drawn for each request that is hit.
        share: The share of requests that are hit, 0 to 1.
        times: How many more requests are hit, None for no limit.
        operations: The operations that can be hit, empty for all.
    """

    faults: tuple[ChosenFault, ...]
    share: float = 1.0
    times: int | None = None
    operations: frozenset[str] = frozenset()


class FaultRules:
    """The active rules, applied to each request in the order in which they were set."""

    def __init__(self) -> None:
        self._rules: list[tuple[FaultRule, random.Random]] = []

    @property
    def active(self) -> tuple[FaultRule, ...]:
        """The rules that can still hit a request."""
        return tuple(rule for rule, _ in self._rules)

    def add(self, rule: FaultRule, *, seed: int) -> None:
        """Add a rule; the same seed hits the same requests of the same sequence."""
        self._rules.append((rule, random.Random(seed)))  # noqa: S311 - a repeatable choice, no secret

    def clear(self) -> None:
        """Remove every rule."""
        self._rules.clear()

    def choose(self, operation: str) -> ChosenFault | None:
        """Return the fault that hits the next request of an operation, or None."""
        for index, (rule, dice) in enumerate(self._rules):
            if rule.operations and operation not in rule.operations:
                continue
            if dice.random() < rule.share:
                self._count_down(index)
                return dice.choice(rule.faults)
        return None

    def _count_down(self, index: int) -> None:
        rule, dice = self._rules[index]
        if rule.times is None:
            return
        if rule.times == 1:
            del self._rules[index]
        else:
            self._rules[index] = (replace(rule, times=rule.times - 1), dice)


def by_name(faults: Iterable[Fault]) -> dict[str, Fault]:
    """Return faults by their names."""
    return {fault.name: fault for fault in faults}
