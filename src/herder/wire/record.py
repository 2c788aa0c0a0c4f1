"""A named tuple that costs nothing to import: `typing` takes an agent 8 ms before it can greet.

For a type checker it is `typing.NamedTuple`; at run time it does what that does.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple as Record
else:
    from _collections import _tuplegetter  # as `collections` does

    class Record(tuple):
        """Fields are the annotations of a class body, defaults the values there."""

        __slots__ = ()
        _fields = ()

        def __init_subclass__(cls):
            names = tuple(getattr(cls, "__annotations__", ()))
            cls._fields = cls.__match_args__ = names
            cls._field_defaults = {n: cls.__dict__[n] for n in names if n in cls.__dict__}
            for number, name in enumerate(names):
                setattr(cls, name, _tuplegetter(number, name))

        def __new__(cls, *values, **named):
            if named or len(values) != len(cls._fields):
                values = _completed(cls, values, named)
            return tuple.__new__(cls, values)

        def __getnewargs__(self):
            return tuple(self)

        def __repr__(self):
            said = ", ".join(f"{name}={value!r}" for name, value in self._asdict().items())
            return f"{type(self).__name__}({said})"

        def _asdict(self):
            return dict(zip(self._fields, self))

        def _replace(self, **named):
            return type(self)(**{**self._asdict(), **named})

    def _completed(kind, values, named):
        names = kind._fields
        given = dict(zip(names, values))
        if len(values) > len(names) or given.keys() & named.keys():
            raise TypeError(f"{kind.__name__} has {len(names)} fields, each given once")
        given = {**kind._field_defaults, **given, **named}
        if given.keys() != set(names):
            odd = [name for name in {**given, **dict.fromkeys(names)} if name not in given]
            odd += [name for name in given if name not in names]
            raise TypeError(f"{kind.__name__} has unexpected or missing fields: {', '.join(odd)}")
        return [given[name] for name in names]


__all__ = ["Record"]
