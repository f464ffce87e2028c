"""Names that do not exist, as a user's type checker sees them: each line is an error, or the comment on it would be."""

from __future__ import annotations

import aurashot
import aurashot.models
import aurashot.sandbox
import aurashot.testing

aurashot.RateLimtError  # type: ignore[attr-defined]  # noqa: B018
aurashot.models.Generatoin  # type: ignore[attr-defined]  # noqa: B018
aurashot.sandbox.sevre  # type: ignore[attr-defined]  # noqa: B018
aurashot.testing.replya  # type: ignore[attr-defined]  # noqa: B018
