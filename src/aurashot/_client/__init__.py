"""The two clients: signatures and docstrings; what they do is in the flows and the drivers."""

from aurashot._client._async import AsyncAuraShot
from aurashot._client._async_legacy import AsyncLegacy
from aurashot._client._sync import AuraShot
from aurashot._client._sync_legacy import Legacy

__all__ = ["AsyncAuraShot", "AsyncLegacy", "AuraShot", "Legacy"]
