"""The two drivers: the only code that waits.

Each step of a flow is done here, in one colour or the other. A `Call` goes through, from the outside in: once (a
shared upload), the retry rules, and one attempt within the deadline.
"""

from aurashot._transport._async import AsyncConnections, AsyncTransport
from aurashot._transport._state import Options, Service
from aurashot._transport._sync import Connections, Transport

__all__ = ["AsyncConnections", "AsyncTransport", "Connections", "Options", "Service", "Transport"]
