"""The measured clients, each used through its public API.

Each module has a table by client name; each entry creates a client for the local server, without retries, and returns
the call to measure. Imports are inside the functions, so that a process loads only the client that it measures. The
other clients are not installed where the types are checked, hence `import_module`.
"""

from typing import Final

from lab.bench.responses import IMAGE_URL

KEY: Final = "sk_test_benchmark"
TIMEOUT: Final = 10.0
"""The timeout option of all clients, in seconds."""

PROMPT: Final = "sitting in a cozy cafe, warm afternoon light, casual outfit"
FACE: Final = IMAGE_URL

PATH: Final = "/v1/character/generate"
BODY: Final = {"prompt": PROMPT, "images": {"face": FACE}}
HEADERS: Final = {"Authorization": f"Bearer {KEY}"}
"""The request of the generic HTTP clients, the same as that of aurashot."""
