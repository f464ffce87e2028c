"""The program: makes billed calls in four threads until it is killed."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from aurashot import AuraShot, AuraShotError
from aurashot.ledger import SQLiteLedger

if TYPE_CHECKING:
    from pathlib import Path

KEY: Final = "sk_live_kills_0001"
FACE: Final = "https://example.com/face.jpg"
IN_FLIGHT: Final = 4


def make_calls(url: str, path: Path, run: str) -> None:
    """Make calls until the process is killed."""
    ledger = SQLiteLedger(path, run=run)
    client = AuraShot(KEY, base_url=url, ledger=ledger, timeout=30)
    threads = [threading.Thread(target=_call_forever, args=(client,)) for _ in range(IN_FLIGHT)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _call_forever(client: AuraShot) -> None:
    while True:
        with suppress(AuraShotError):
            client.generate("a portrait", face=FACE)
