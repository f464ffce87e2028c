"""Keep the key out of errors that quote what was received."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aurashot._hidden import links

if TYPE_CHECKING:
    from aurashot._config import ApiKey


def hide_key(error: BaseException, key: ApiKey) -> bool:
    """Hide the key in an error that quotes a response, and in what led to it; return whether it was there."""
    found = False
    for link in links(error):
        args = [_hidden(arg, key) for arg in link.args]
        if any(new is not old for new, old in zip(args, link.args, strict=True)):
            link.args, found = tuple(args), True
        for name, value in list(vars(link).items()):
            if (other := _hidden(value, key)) is not value:
                setattr(link, name, other)
                found = True
    return found


def _hidden(value: Any, key: ApiKey) -> Any:
    """Return text or bytes without the key, or the same object if the key is not in it."""
    if isinstance(value, bytes):
        return key.hidden_in(value)
    if isinstance(value, str):
        text = value.encode("utf-8", "surrogatepass")
        hidden = key.hidden_in(text)
        return value if hidden is text else hidden.decode("utf-8", "surrogatepass")
    return value
