"""Answers that are kept for the run, by all that they follow from."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

KEPT_LIMIT = 20_000


class Kept(dict[Hashable, Any]):
    """Answers by key; starts anew when there are very many."""

    def keep(self, key: Hashable, answer: Any) -> Any:
        """Keep an answer and give it."""
        if len(self) >= KEPT_LIMIT:
            self.clear()
        self[key] = answer
        return answer
