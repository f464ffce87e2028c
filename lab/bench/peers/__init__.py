"""The clients that are measured, each driven through its own public calls.

Every module holds one table, by the name of the client; each entry makes a client with its base URL at the local
server and no retries, and returns the call to measure. Imports stand inside the functions: a process loads only the
client that it measures. The other clients are not installed where the types are checked, hence `import_module`.
"""

from typing import Final

from lab.bench.responses import IMAGE_URL

KEY: Final = "sk_test_benchmark"
TIMEOUT: Final = 10.0
"""Seconds, for every client, in its own sense of the word: enough for each of them where it works at all."""

PROMPT: Final = "sitting in a cozy cafe, warm afternoon light, casual outfit"
FACE: Final = IMAGE_URL

PATH: Final = "/v1/character/generate"
BODY: Final = {"prompt": PROMPT, "images": {"face": FACE}}
HEADERS: Final = {"Authorization": f"Bearer {KEY}"}
"""What the clients without types of their own send: the same request as aurashot's."""
