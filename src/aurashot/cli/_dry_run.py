"""`--dry-run`: what a command would send and what it would bill."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from aurashot.cli._asked import SERVICE
from aurashot.cli._targets import target_of

if TYPE_CHECKING:
    from aurashot.cli._asked import Asked
    from aurashot.cli._options import Wanted
    from aurashot.cli._output import Output
    from aurashot.cli._screen import Screen


def show_plan(asked: Asked, wanted: Wanted, output: Output) -> None:
    """Print what a call would send, after checking all that can be checked here. No key is needed.

    Raises:
        InputError: It could not be sent.
    """
    target = target_of(wanted.out, count=wanted.count, force=wanted.force, character=asked.character)
    plan: dict[str, Any] = {
        "dry_run": True,
        "operation": asked.operation,
        "paid": False,
        "images_billed_at_most": wanted.most,
        "count": wanted.count,
        "service": os.environ.get("AURASHOT_BASE_URL") or SERVICE,
        "prompt": asked.prompt,
        "character": asked.character.name if asked.character else None,
        "out": None if target.path is None else str(target.path),
        "ledger": None if wanted.ledger is None else str(wanted.ledger),
        "tags": wanted.tag_values(),
        "images": asked.described(),
    }
    output.show(plan, lambda screen: _tell(plan, screen), [str(wanted.most)])


def _tell(plan: dict[str, Any], screen: Screen) -> None:
    screen.row("Send", str(plan["operation"]), f"to {plan['service']}")
    if plan["prompt"]:
        screen.row("Prompt", plan["prompt"])
    for image in plan["images"]:
        remark = f"{image['bytes']:,} bytes, {image['media_type']}, uploaded first" if image["upload"] else ""
        screen.row(image["argument"].capitalize(), image["source"], remark)
    if plan["character"]:
        screen.row("Save", "gallery", f"of {plan['character']}")
    if plan["out"]:
        screen.row("Save", plan["out"])
    if plan["ledger"]:
        screen.row("Ledger", plan["ledger"])
    most = plan["images_billed_at_most"]
    screen.row("Bill", f"{most} image" if most == 1 else f"{most} images", "at most")
    screen.say()
    screen.say("Nothing was sent or billed.")
