"""What keeps this SDK from working here: key, files, environment, extras, ledger, and the way to the service.

    from aurashot.diagnostics import diagnose

    for finding in diagnose():
        if finding.level == "error":
            print(finding.summary, finding.fix, sep="; ")

`aurashot doctor` prints the same.
"""

from typing import TYPE_CHECKING

from aurashot import _late

if TYPE_CHECKING:
    from aurashot.diagnostics._diagnose import diagnose
    from aurashot.diagnostics._finding import Finding, Level

__all__ = ["Finding", "Level", "diagnose"]

_HOMES = {
    "Finding": "aurashot.diagnostics._finding",
    "Level": "aurashot.diagnostics._finding",
    "diagnose": "aurashot.diagnostics._diagnose",
}


if not TYPE_CHECKING:  # for type checkers, only real names exist

    def __getattr__(name: str) -> object:
        return _late.named(__name__, name, _HOMES)


def __dir__() -> list[str]:
    return _late.listed(__name__, _HOMES)
