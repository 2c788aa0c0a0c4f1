"""JSON without the package `json`, which takes an agent 5 ms to import: the same C functions.

Where they are not to be had, or a text is not plainly JSON, the package does it.
*Source*: CPython 3.8 to 3.15, Lib/json/decoder.py and encoder.py.
"""

from __future__ import annotations

from herder.wire.late import Late

TYPE_CHECKING = False
if TYPE_CHECKING:
    import json
    from typing import Any, Callable, Optional, Tuple

    Scan = Optional[Callable[[str, int], Tuple[Any, int]]]
    Encode = Optional[Callable[[object, int], Tuple[str, ...]]]
else:
    json = Late("json")

_CONSTANTS = {"-Infinity": float("-inf"), "Infinity": float("inf"), "NaN": float("nan")}
_SPACE = " \t\n\r"


class _Rules:
    """What a scanner asks its decoder for."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = _CONSTANTS.__getitem__
    # since Python 3.15
    array_hook = None


def _refuse(value: object) -> object:
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


_scan: Scan = None
_spaced: Encode = None
_compact: Encode = None
try:
    from _json import encode_basestring_ascii, make_encoder, make_scanner

    _scan = make_scanner(_Rules)  # type: ignore[arg-type]  # what it asks for is there
    # not sorted, no keys left out, not-a-number allowed: as json.dumps does
    _flags = (False, False, True)
    _spaced, _compact = (
        make_encoder(None, _refuse, encode_basestring_ascii, None, *marks, *_flags)
        for marks in ((": ", ", "), (":", ","))
    )
except Exception:  # noqa: BLE001  # a later Python may ask for more: it has its package
    pass


def from_json(text: bytes | str) -> Any:
    """Read a text.

    *Raises*: ValueError, RecursionError.
    """
    if _scan is None:
        return json.loads(text)
    plain = (text if isinstance(text, str) else text.decode(errors="surrogatepass")).strip(_SPACE)
    try:
        value, end = _scan(plain, 0)
    except StopIteration:
        return json.loads(text)
    return value if end == len(plain) else json.loads(text)


def to_json(value: object, *, is_compact: bool = False) -> str:
    """Give what `json.dumps` gives, without spaces if wished."""
    encode = _compact if is_compact else _spaced
    if encode is None:
        return json.dumps(value, separators=(",", ":") if is_compact else None)
    return "".join(encode(value, 0))
