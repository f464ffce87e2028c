"""What the calls of a client share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from aurashot._response_times import ResponseTimes
from aurashot._retry import RetryBudget
from aurashot._transport._requests import Requests
from aurashot._transport._single_flight import ResponseCache, SingleFlight

if TYPE_CHECKING:
    from aurashot._rate_limit import AnyRateLimiter
    from aurashot._transport._runtime import Runtime
    from aurashot._transport._state import Service, Shared
    from aurashot.ledger import Ledger


@dataclass(slots=True, kw_only=True)
class ClientState:
    """What the calls of all views of one client share."""

    service: Service
    requests: Requests
    single_flight: SingleFlight
    ledger: Ledger | None = None
    rate_limiter: AnyRateLimiter | None = None
    budget: RetryBudget = field(default_factory=RetryBudget)
    response_times: ResponseTimes = field(default_factory=ResponseTimes)
    download_hint: str = ""

    @classmethod
    def of(cls, shared: Shared, runtime: Runtime) -> Self:
        """Return the state of a client that has made no call yet."""
        return cls(
            service=shared.service,
            requests=Requests(shared.service.base_url, shared.service.key),
            single_flight=SingleFlight(ResponseCache(), runtime),
            ledger=shared.ledger,
            rate_limiter=shared.rate_limiter,
            download_hint=shared.download_hint,
        )
