"""The responses of the local server: for each client, JSON that its models accept."""

from __future__ import annotations

import json
from typing import Any, Final

from lab.server import body

IMAGE_URL: Final = "https://cdn.example.com/outputs/3f0c2a34.png"
CREATED: Final = "2026-03-16T09:00:00.000Z"

AURASHOT: Final = {
    "requestId": "3f0c2a34-0000-4000-8000-000000000000",
    "jobId": "9b1d7c52-0000-4000-8000-000000000000",
    "taskType": "generate",
    "status": "success",
    "outputs": [{"url": IMAGE_URL, "type": "image"}],
    "pipeline": {"provider": "qwen-image-edit", "status": "success"},
    "tokenUsage": {"inputTokens": 0, "outputTokens": 1234},
    "createdAt": CREATED,
}
OPENAI: Final = {
    "created": 1773651600,
    "data": [{"url": IMAGE_URL}],
    "usage": {
        "input_tokens": 12,
        "input_tokens_details": {"image_tokens": 0, "text_tokens": 12},
        "output_tokens": 1234,
        "total_tokens": 1246,
    },
}
REPLICATE: Final = {
    "id": "3f0c2a34",
    "model": "owner/model",
    "version": "5c7d5dc6",
    "status": "succeeded",
    "input": {"prompt": "a cafe"},
    "output": IMAGE_URL,
    "logs": "",
    "error": None,
    "metrics": {"predict_time": 1.2},
    "created_at": CREATED,
    "started_at": CREATED,
    "completed_at": CREATED,
    "urls": {"get": "https://api.example.com/3f0c2a34", "cancel": "https://api.example.com/3f0c2a34/cancel"},
}
REPLICATE_FILE: Final = {
    "id": "3f0c2a34",
    "name": "photo.png",
    "content_type": "image/png",
    "size": 1,
    "etag": "e",
    "checksums": {"sha256": "c"},
    "metadata": {},
    "created_at": CREATED,
    "expires_at": None,
    "urls": {"get": IMAGE_URL},
}
RUNWAY: Final = {"id": "3f0c2a34-0000-4000-8000-000000000000", "estimatedCost": {"credits": 5}}
FAL: Final = {
    "images": [{"url": IMAGE_URL, "width": 1024, "height": 1024, "content_type": "image/png"}],
    "timings": {"inference": 1.2},
    "seed": 42,
    "has_nsfw_concepts": [False],
    "prompt": "a cafe",
}


def responses(url: str) -> dict[str, bytes]:
    """Return the responses of the server at a base URL, by path."""
    table: dict[str, Any] = {
        "/v1/character/generate": AURASHOT,
        "/v1/uploads": {"url": IMAGE_URL},
        "/openai/images/generations": OPENAI,
        "/openai/images/edits": OPENAI,
        "/replicate/v1/models/owner/model/predictions": REPLICATE,
        "/replicate/v1/files": REPLICATE_FILE,
        "/runway/v1/text_to_image": RUNWAY,
        "/runway/v1/uploads": {"runwayUri": "runway://3f0c2a34", "uploadUrl": f"{url}/runway/storage", "fields": {}},
        "/runway/storage": {},
        "/fal/model": FAL,
        "/fal/storage/auth/token?storage_type=fal-cdn-v3": {
            "token": "token",
            "token_type": "Bearer",
            "base_url": f"{url}/fal",
            "expires_at": "2099-01-01T00:00:00+00:00",
        },
        "/fal/files/upload": {"access_url": IMAGE_URL},
    }
    return {path: body(json.dumps(response).encode()) for path, response in table.items()}
