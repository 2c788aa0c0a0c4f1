"""A value that must not be seen: its repr and str are stars."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """Holds a password; `reveal()` is the only way to the text."""

    _value: str

    def reveal(self) -> str:
        """Give the secret text; call it only where it leaves for its reader."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__
