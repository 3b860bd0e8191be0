"""What can go wrong in rendering, and how messages quote what they found."""

import difflib
from collections.abc import Iterable


class RenderError(Exception):
    """A report that cannot be rendered. The message says which cell or key, and what to do."""


class EngineError(RenderError):
    """The engine failed, not the report: another engine may do it."""


def shown(value: object, limit: int = 60) -> str:
    """A value as it is quoted in a message: short, on one line."""
    text = " ".join((repr(value) if isinstance(value, str) else str(value)).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def suggest(word: str, known: Iterable[str]) -> str:
    """A hint such as `` (did you mean 'pandoc'?)``, or an empty string."""
    close = difflib.get_close_matches(word.lower(), list(known), n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""
