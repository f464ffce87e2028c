"""One face, an anchor, a scene and an edit: three images, each billed as one image.

    python examples/quickstart.py [PHOTO] [FOLDER]

It needs `AURASHOT_API_KEY`, or a sandbox: run `aurashot sandbox serve` and set the two variables that it prints.
Without a photo, a portrait is drawn by code (extra `sandbox`). The images go to `quickstart-images`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from aurashot import AuraShot, AuraShotError


def main() -> None:
    """Make the images, and save each as soon as it is there."""
    face = Path(sys.argv[1]) if len(sys.argv) > 1 else drawn_face()
    folder = Path(sys.argv[2] if len(sys.argv) > 2 else "quickstart-images")
    with AuraShot() as client:
        anchor = client.id_photo(face)
        print(client.download(anchor, folder / "id-photo.png"))

        cafe = client.generate("sitting in a cozy cafe, warm afternoon light", face=anchor)
        print(client.download(cafe, folder / "cafe.png"))

        roof = client.edit("change background to a rooftop bar at night", target=cafe, face=anchor)
        print(client.download(roof, folder / "rooftop.png"))


def drawn_face() -> bytes:
    """Return a portrait of nobody, as PNG."""
    from aurashot import sandbox

    print("No photo was given: a portrait is drawn by code.")
    return sandbox.draw_portrait("quickstart")


if __name__ == "__main__":
    try:
        main()
    except AuraShotError as error:
        sys.exit(f"{error}\n{'It may be on the bill' if error.may_be_charged else 'It cost nothing'}.")
