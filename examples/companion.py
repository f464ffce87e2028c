"""A companion who is the same person every day: a good-morning and a good-night image, verified to show one face.

    python examples/companion.py [PHOTO] [FOLDER]

It needs `pip install "aurashot[identity]"` and `AURASHOT_API_KEY`, or a sandbox: run `aurashot sandbox serve` and set
the two variables that it prints. The first run makes the character from the photo, which is billed as one image; every
run makes two more. An image that shows another face is made again, up to two times, and each attempt is billed.
Characters and images are kept in the folder, `companions` by default.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from aurashot import AuraShot, AuraShotError, CharacterNotFoundError
from aurashot.characters import CharacterLibrary
from aurashot.identity import IdentityPolicy, compare

if TYPE_CHECKING:
    from aurashot.characters import Character, GalleryImage

NAME = "Luna"
SCENES = {
    "good morning": "waving good morning in a sunny kitchen, cup of coffee, soft light",
    "good night": "whispering good night, reading lamp, cozy bedroom, warm light",
}


def main() -> None:
    """Make the two images of the day, and compare them with each other."""
    library = CharacterLibrary(sys.argv[2] if len(sys.argv) > 2 else "companions")
    with AuraShot() as client:
        luna = companion(client, library)
        held = client.with_options(identity=IdentityPolicy())
        images = [day_image(held, luna, title, scene) for title, scene in SCENES.items()]
    morning, night = (library.read(image) for image in images)
    print(f"one person: {compare(morning, night)}")


def companion(client: AuraShot, library: CharacterLibrary) -> Character:
    """Return the character, and make it from the photo the first time."""
    try:
        return library.get(NAME)
    except CharacterNotFoundError:
        if len(sys.argv) < 2:
            sys.exit("There is no character yet: pass a photo with one face")
        return client.create_character(NAME, face=Path(sys.argv[1]), library=library)


def day_image(client: AuraShot, luna: Character, title: str, scene: str) -> GalleryImage:
    """Make one image, and keep it in the character's gallery."""
    shot = client.generate(luna.prompt(scene), face=luna, tags={"for": title})
    image = client.download(shot, luna)
    print(f"{title}: {image.path} ({image.verdict})")
    return image


if __name__ == "__main__":
    try:
        main()
    except AuraShotError as error:
        sys.exit(f"{error}\n{'It may be on the bill' if error.may_be_charged else 'It cost nothing'}.")
