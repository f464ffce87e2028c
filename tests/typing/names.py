"""Names that do not exist, as a user's type checker sees them.

Each ignore is the assertion: without the error that it silences, it is itself one (`warn_unused_ignores`).
"""

from __future__ import annotations

import aurashot
import aurashot.models
import aurashot.sandbox
import aurashot.testing

no_such_error = aurashot.RateLimtError  # type: ignore[attr-defined]  # there is no such name
no_such_model = aurashot.models.Generatoin  # type: ignore[attr-defined]  # there is no such name
no_such_function = aurashot.sandbox.sevre  # type: ignore[attr-defined]  # there is no such name
no_such_helper = aurashot.testing.replya  # type: ignore[attr-defined]  # there is no such name
