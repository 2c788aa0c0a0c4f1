"""JSON for modules and from them, by Python's own encoder where no type of ansible-core's is in it.

ansible-core looks at each value of a module's arguments and of its result in Python code: a value
may have tags, a result's text may be no text. Nearly always all are plain.

*Source*: ansible-core 2.19 and 2.21 module_utils/_internal/_json/_profiles/__init__.py
(`AnsibleProfileJSONEncoder`, `AnsibleProfileJSONDecoder`), _module_legacy_c2m.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ansible.module_utils._internal import _datatag
from ansible.module_utils._internal._json import _profiles
from ansible.module_utils.common.json import Direction, get_module_encoder

from herder.language.exchanged import around

# What a module is sent by this profile has no tags.
LEGACY = "legacy"

_TEXTS = frozenset({str, _datatag._AnsibleTaggedStr})
_SCALARS = _TEXTS | {
    int,
    float,
    bool,
    type(None),
    _datatag._AnsibleTaggedInt,
    _datatag._AnsibleTaggedFloat,
}
_MAPPINGS = frozenset({dict, _datatag._AnsibleTaggedDict})
_LISTS = frozenset({list, tuple, _datatag._AnsibleTaggedList, _datatag._AnsibleTaggedTuple})

_plain_decoder = json.JSONDecoder()


def install() -> None:
    """Exchange the method; a second call changes nothing."""
    kind = _profiles.AnsibleProfileJSONDecoder
    if not hasattr(kind.raw_decode, "herder_original"):
        kind.raw_decode = around(kind.raw_decode, decoded)


def encoded(value: Any, profile: str) -> bytes:
    """Give a module's input as the profile has it.

    *Raises*: TypeError for what JSON cannot hold.
    """
    if profile == LEGACY and _is_plain(value):
        return json.dumps(value).encode()
    encoder = get_module_encoder(profile, Direction.CONTROLLER_TO_MODULE)
    return json.dumps(value, cls=encoder).encode()


def _is_plain(value: Any) -> bool:
    """Whether what is left of a value without its tags is what Python's own encoder makes of it."""
    kind = type(value)
    if kind in _SCALARS:
        return True
    if kind in _MAPPINGS:
        return _TEXTS.issuperset(map(type, value)) and _are_plain(value.values())
    return kind in _LISTS and _are_plain(value)


def _are_plain(values: Any) -> bool:
    return _SCALARS.issuperset(map(type, values)) or all(map(_is_plain, values))


def decoded(original: Callable[..., Any], decoder: Any, s: Any, idx: int = 0) -> Any:
    """Stand before `raw_decode`; an escape or a byte that was no text may hide what is refused."""
    profile = decoder._profile
    if not _is_plain_text(s) or profile.deserialize_map.keys() != _KEYS_OF_TYPES:
        return original(decoder, s, idx)
    found, end = _plain_decoder.raw_decode(s, idx)
    return profile.post_deserialize(decoder, found), end


_TYPE_KEY = _datatag.AnsibleSerializable._TYPE_KEY
_KEYS_OF_TYPES = {_TYPE_KEY}


def _is_plain_text(text: Any) -> bool:
    if type(text) is not str or "\\u" in text or _TYPE_KEY in text:
        return False
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False
