"""A client of the service that owes nothing to the SDK."""

from __future__ import annotations

import json
import urllib.request
import uuid
from typing import Any


class PlainClient:
    """A client written from the contract alone, with the standard library."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}"}

    def post(self, path: str, body: bytes, content_type: str) -> dict[str, Any]:
        """Send a body and return the JSON that comes back."""
        headers = {**self._headers, "Content-Type": content_type}
        request = urllib.request.Request(self._url + path, body, headers)
        with urllib.request.urlopen(request, timeout=30) as response:
            fields: dict[str, Any] = json.load(response)
            return fields

    def upload(self, data: bytes, media_type: str) -> str:
        """Upload an image and return its address."""
        boundary = uuid.uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="photo"\r\n'
        part = f"{head}Content-Type: {media_type}\r\n\r\n".encode() + data + f"\r\n--{boundary}--\r\n".encode()
        url: str = self.post("/v1/uploads", part, f"multipart/form-data; boundary={boundary}")["url"]
        return url

    def image(self, operation: str, **body: Any) -> str:
        """Run an operation on a character and return the address of its image."""
        data = json.dumps({"waitForResult": True, **body}).encode()
        response = self.post(f"/v1/character/{operation}", data, "application/json")
        assert "success" == response["status"]
        url: str = response["outputs"][0]["url"]
        return url
