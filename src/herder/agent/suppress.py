"""`contextlib.suppress` without `contextlib`, whose imports take an agent 2 ms."""

from __future__ import annotations


class suppress:  # noqa: N801 -- the name that everybody knows it by
    """In its block these exceptions are well."""

    def __init__(self, *kinds: type[BaseException]) -> None:
        self._kinds = kinds

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is not None and issubclass(kind, self._kinds)
