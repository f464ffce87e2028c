"""All checks, in the order in which a person would make them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aurashot.diagnostics import _environment, _installation, _keys, _ledger, _service
from aurashot.errors import ConfigurationError

if TYPE_CHECKING:
    import os

    from aurashot.diagnostics._finding import Finding

DEFAULT_TIMEOUT = 10.0


def diagnose(
    *,
    ledger: str | os.PathLike[str] | None = None,
    timeout: float = DEFAULT_TIMEOUT,
    offline: bool = False,
) -> tuple[Finding, ...]:
    """Check what keeps this SDK from working here; whatever is wrong is a finding, and nothing raises.

    The way to the service, its certificate, the key and the clock are checked with one request that is free: it asks
    for the state of a job that does not exist. The API key is in no finding.

    Args:
        ledger: The file of a ledger, which is checked as well. It is neither made nor changed.
        timeout: Seconds for the request to the service.
        offline: Whether to send nothing.
    """
    known = _keys.found()
    used = None if isinstance(known, ConfigurationError) else known.source
    return (
        *_installation.python(),
        *_keys.key(known),
        *_keys.key_files(used),
        *_environment.base_url(),
        *_environment.proxies(),
        *_environment.certificates(),
        *(() if offline else _service.service(timeout, used)),
        *_installation.extras(),
        *_installation.face_models(),
        *(() if ledger is None else _ledger.ledger(ledger)),
    )
