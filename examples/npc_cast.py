"""A cast for a game whose characters cannot be taken for one another.

    python examples/npc_cast.py PHOTO [PHOTO ...]

It needs `pip install "aurashot[identity]"` and `AURASHOT_API_KEY`, or a sandbox: run `aurashot sandbox serve` and set
the two variables that it prints. Each photo becomes a character that is called after its file. A character is billed
as one image when it is made, and each portrait as one; characters that are there already cost nothing. They are kept in
`npcs`.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from aurashot import AsyncAuraShot, AuraShotError, CharacterExistsError
from aurashot.characters import AsyncCharacterLibrary
from aurashot.identity import distinctness

if TYPE_CHECKING:
    from aurashot.characters import Character

SCENE = "portrait for a dialogue box, plain background, neutral light"


async def main() -> None:
    """Make the cast side by side, a portrait of each, and a table of who looks like whom."""
    photos = [Path(each) for each in sys.argv[1:]]
    if not photos:
        sys.exit("Pass a photo for each character")
    library = AsyncCharacterLibrary("npcs")
    async with AsyncAuraShot() as client:
        made = await asyncio.gather(*(character(client, library, each) for each in photos))
        cast = [each for each in made if each is not None]
        await asyncio.gather(*(portrait(client, each) for each in cast))
    if not cast:
        sys.exit(1)
    alike = distinctness({each.name: each.read_reference() for each in cast})
    print(alike.table())
    for pair in alike.too_alike:
        print(pair)
    print("the cast is distinct" if not alike.too_alike else "choose another face for one of each pair")


async def character(client: AsyncAuraShot, library: AsyncCharacterLibrary, photo: Path) -> Character | None:
    """Return a character, and make it if it is not there. The face of another one is refused before it is paid for."""
    try:
        return await client.create_character(photo.stem, face=photo, library=library, kind="virtual")
    except CharacterExistsError:
        return await library.get(photo.stem)
    except AuraShotError as error:
        report(photo.stem, error)
        return None


async def portrait(client: AsyncAuraShot, npc: Character) -> None:
    """Make a portrait, and keep it in the character's gallery. Its errors stay here: the others are paid for."""
    try:
        shot = await client.generate(npc.prompt(SCENE), face=npc)
        print((await client.download(shot, npc)).path)
    except AuraShotError as error:
        report(npc.name, error)


def report(what: str, error: AuraShotError) -> None:
    """Say what went wrong, and what it cost."""
    cost = "it may be on the bill" if error.may_be_charged else "it cost nothing"
    print(f"{what}: {error} ({cost})", file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(main())
