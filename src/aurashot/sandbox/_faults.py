"""Faults: how they are described, specified in a request, and selected for a request."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal, TypeAlias, cast, get_args

from aurashot.sandbox._errors import REQUEST_ID_HEADER

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

FAULT_HEADER = "x-sandbox-fault"

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]
Parameters: TypeAlias = "Mapping[str, float | str]"
OperationName: TypeAlias = Literal["upload", "id-photo", "generate", "edit", "workflow", "query", "file"]
"""What a rule can be limited to: the operations of the API, and `file` for everything else."""
End: TypeAlias = Literal["open", "close", "reset", "hold", "refuse"]
"""What happens to the connection: it is left open, closed (FIN), reset (RST), held until the client disconnects, or
closed together with the listener, so that new connections are refused for a while."""

_NUMBER = r"\d{1,4}(?:\.\d{1,3})?"
_TEXT = r"[!-+\--:<-~]+"  # printable ASCII except comma and semicolon


@dataclass(frozen=True, slots=True)
class Response:
    """A complete HTTP response, before it is sent."""

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
        """Return status line and headers as bytes, including the empty line after them."""
        kept = [pair for pair in self.headers if pair[0] not in without]
        lines = [b"%s: %s\r\n" % pair for pair in (*kept, *extra)]
        return b"HTTP/1.1 %d %s\r\n%s\r\n" % (self.status, self._phrase(), b"".join(lines))

    def raw(self) -> bytes:
        """Return the whole response as bytes."""
        return self.head() + self.body

    def _phrase(self) -> bytes:
        return HTTPStatus(self.status).phrase.encode()


MakeResponse: TypeAlias = "Callable[[Response, Parameters], Response]"
RawBytes: TypeAlias = "Callable[[Response, Parameters], Iterator[bytes | float]]"
"""Bytes that are written to the connection as they are; a number is a pause in seconds."""


def silence(_response: Response, _parameters: Parameters) -> Iterator[bytes | float]:
    """Send nothing."""
    return iter(())


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the table of faults.

    Attributes:
        name: The name in `X-Sandbox-Fault`.
        sentence: What the client sees.
        worked: Whether the request is processed before the fault, and therefore billed if it is billable.
        response: Returns the HTTP response that is sent instead; None sends no valid response.
        wire: Raw bytes that follow the response, or replace it.
        end: What happens to the connection.
        parameters: The parameters, with their default values.
    """

    name: str
    sentence: str
    worked: bool
    response: MakeResponse | None = None
    wire: RawBytes = silence
    end: End = "open"
    parameters: Parameters = field(default_factory=dict[str, "float | str"])

    @property
    def needs_connection(self) -> bool:
        """Whether the fault affects the connection, which an application that is called in-process does not have."""
        return self.response is None or self.wire is not silence or self.end != "open"

    @property
    def pattern(self) -> str:
        """The regular expression of valid specifications of this fault."""
        values = {name: _NUMBER if isinstance(value, float) else _TEXT for name, value in self.parameters.items()}
        options = "|".join(f"{name}={value}" for name, value in values.items())
        return f"{self.name}(?:;(?:{options}))*" if options else self.name


@dataclass(frozen=True, slots=True)
class ChosenFault:
    """A fault with its parameter values, and the specification it was parsed from."""

    fault: Fault
    parameters: Parameters
    specification: str


def parse(specification: str, table: Mapping[str, Fault]) -> ChosenFault:
    """Parse `name` or `name;parameter=value`.

    Raises:
        ValueError: The fault or parameter is unknown, or its value is invalid.
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
    """Faults that apply to a share of all requests.

    Attributes:
        faults: Each affected request picks one of them at random.
        share: The share of requests that are affected, 0 to 1.
        times: How many more requests can be affected; None for no limit.
        operations: The operations that can be affected; empty for all.
    """

    faults: tuple[ChosenFault, ...]
    share: float = 1.0
    times: int | None = None
    operations: frozenset[OperationName] = frozenset()

    def __post_init__(self) -> None:
        """Refuse a rule that could never apply to a request."""
        share, times = cast("object", self.share), cast("object", self.times)
        if not isinstance(share, int | float) or not 0 < share <= 1:
            raise ValueError(f"share: a number above 0 and at most 1 is needed, not {share!r}")
        if times is not None and (not isinstance(times, int) or isinstance(times, bool) or times < 1):
            raise ValueError(f"times: a whole number of at least 1, or None for no limit, is needed, not {times!r}")


def hyphenated(name: object) -> object:
    """Return the name of an operation in the spelling of the service: the method `id_photo` is `id-photo`."""
    return name.replace("_", "-") if isinstance(name, str) else name


def operations_of(names: Collection[str]) -> frozenset[OperationName]:
    """Return the operations with these names, in either spelling.

    Raises:
        ValueError: It is not a collection of names, or there is no such operation.
    """
    if isinstance(names, str) or not isinstance(cast("object", names), Iterable):
        raise ValueError(f"operations: a list of names is needed, not {names!r}")  # noqa: TRY004  # as for every other one
    known = get_args(OperationName)
    chosen = [hyphenated(name) for name in names]
    if unknown := [repr(name) for name in chosen if name not in known]:
        raise ValueError(f"operations: there is no {', '.join(unknown)}; use {', '.join(known)}")
    return frozenset(cast("list[OperationName]", chosen))


class FaultRules:
    """The active rules, tried for each request in the order in which they were added."""

    def __init__(self) -> None:
        self._rules: list[tuple[FaultRule, random.Random]] = []

    @property
    def active(self) -> tuple[FaultRule, ...]:
        """The rules that can still affect a request."""
        return tuple(rule for rule, _ in self._rules)

    def add(self, rule: FaultRule, *, seed: int) -> None:
        """Add a rule; the same seed affects the same requests of the same sequence."""
        self._rules.append((rule, random.Random(seed)))  # noqa: S311 - a repeatable choice, not a secret

    def clear(self) -> None:
        """Remove every rule."""
        self._rules.clear()

    def choose(self, operation: str) -> ChosenFault | None:
        """Return the fault for the next request of an operation, or None."""
        for index, (rule, chance) in enumerate(self._rules):
            if rule.operations and operation not in rule.operations:
                continue
            if chance.random() < rule.share:
                self._count_down(index)
                return chance.choice(rule.faults)
        return None

    def _count_down(self, index: int) -> None:
        rule, chance = self._rules[index]
        if rule.times is None:
            return
        if rule.times == 1:
            del self._rules[index]
        else:
            self._rules[index] = (replace(rule, times=rule.times - 1), chance)


def by_name(faults: Iterable[Fault]) -> dict[str, Fault]:
    """Return faults by their names."""
    return {fault.name: fault for fault in faults}
