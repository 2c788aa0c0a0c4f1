"""Answers that are kept for the run, by all that they follow from."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

KEPT_LIMIT = 20_000


class Kept(dict[Hashable, Any]):
    """Answers by key; starts anew when there are very many."""

    def __init__(self, limit: int = KEPT_LIMIT) -> None:
        super().__init__()
        self._limit = limit

    def keep(self, key: Hashable, answer: Any) -> Any:
        """Keep an answer and give it."""
        if len(self) >= self._limit:
            self.clear()
        self[key] = answer
        return answer
