"""Methods of ansible-core that ours stand before."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def around(original: Callable[..., Any], ours: Callable[..., Any]) -> Any:
    """Give what calls `ours` with the original before the arguments, marked as installed."""

    @functools.wraps(original)
    def method(*args: Any, **words: Any) -> Any:
        return ours(original, *args, **words)

    method.herder_original = original  # type: ignore[attr-defined] # marks what is installed
    return method
