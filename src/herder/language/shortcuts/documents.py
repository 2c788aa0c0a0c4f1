"""What plugins say of their options, read when it is asked for and kept from run to run.

At each start ansible-core loads every inventory, callback and vars plugin and parses what it says
of its options, in YAML; most are never asked. For ansible-core's own plugins that waits until
somebody asks, and what their YAML gave is looked up by its text and origin.

*Source*: ansible-core 2.19 and 2.21 plugins/loader.py, `_load_config_defs`, and config/manager.py
(`_plugins` and who reads it).
"""

from __future__ import annotations

import contextlib
import functools
import marshal
import os
from collections.abc import Callable, Iterator
from typing import Any

import ansible
from ansible import constants
from ansible._internal._datatag._tags import Origin, TrustedAsTemplate
from ansible.module_utils._internal._datatag import AnsibleTagHelper
from ansible.plugins import loader
from ansible.plugins.loader import PluginLoader
from ansible.utils import plugin_docs

from herder.kept_file import KeptFile
from herder.language import core_guards

CORE_PLUGINS = os.path.join(os.path.dirname(ansible.__file__), "plugins", "")
TRUSTED = TrustedAsTemplate()


def keep_documents(kept: KeptFile) -> None:
    """Let ansible-core read its own plugins' options late, and from `kept` where they are known."""
    original = PluginLoader._load_config_defs
    if not hasattr(original, "herder_original"):
        PluginLoader._load_config_defs = _postponing(original)
    documents = kept.section("documents")
    for module in (loader, plugin_docs):
        parse = getattr(module.AnsibleLoader, "herder_original", module.AnsibleLoader)
        module.AnsibleLoader = _looking_up(parse, documents)


def _postponing(original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def load(self: Any, name: str, module: Any, path: str) -> None:
        kind = loader.get_plugin_class(self.class_name) if self.class_name else ""
        if kind not in constants.CONFIGURABLE_PLUGINS or not str(path).startswith(CORE_PLUGINS):
            original(self, name, module, path)
        elif not constants.config.has_configuration_definition(kind, name):
            _options_of(kind).postpone(name, lambda: original(self, name, module, path))

    load.herder_original = original  # type: ignore[attr-defined] # marks what is exchanged
    return load


def _options_of(kind: str) -> Options:
    found = constants.config._plugins.get(kind)
    if not isinstance(found, Options):
        found = constants.config._plugins[kind] = Options(found or {})
    return found


class Options(dict[str, Any]):
    """Options of the plugins of a kind, by the plugin's name; read when they are asked for.

    What is read loads plugins, under the lock for that: no other may be held meanwhile.
    """

    def __init__(self, known: dict[str, Any]) -> None:
        super().__init__(known)
        self._waiting: dict[str, Callable[[], None]] = {}
        self._being_read: set[str] = set()

    def postpone(self, name: str, read: Callable[[], None]) -> None:
        """Let `read` put the options of this plugin here when they are asked for."""
        self._waiting[name] = read

    def _read(self, name: str) -> None:
        if name not in self._waiting:
            return
        with core_guards.PLUGINS_LOCK:
            read = self._waiting.get(name)
            if read is None or name in self._being_read:
                return
            self._being_read.add(name)
            try:
                read()
            finally:
                self._being_read.discard(name)
                self._waiting.pop(name, None)

    def _read_all(self) -> None:
        for name in list(self._waiting):
            self._read(name)

    def __contains__(self, name: object) -> bool:
        is_waiting = name in self._waiting and name not in self._being_read
        return is_waiting or super().__contains__(name)

    def __getitem__(self, name: str) -> Any:
        self._read(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self._read(name)
        return super().get(name, default)

    def __iter__(self) -> Iterator[str]:
        self._read_all()
        return super().__iter__()

    def __len__(self) -> int:
        self._read_all()
        return super().__len__()

    def keys(self) -> Any:
        self._read_all()
        return super().keys()

    def items(self) -> Any:
        self._read_all()
        return super().items()

    def values(self) -> Any:
        self._read_all()
        return super().values()


def _looking_up(parse: Callable[..., Any], documents: dict[Any, bytes]) -> Callable[..., Any]:
    """Give what `yaml.load` can use as a loader."""

    def look_up(text: Any) -> Any:
        return KnownDocument(text, parse, documents)

    look_up.herder_original = parse  # type: ignore[attr-defined] # marks what is exchanged
    return look_up


class KnownDocument:
    """One YAML text as `yaml.load` reads it from its loader."""

    def __init__(self, text: Any, parse: Callable[..., Any], documents: dict[Any, bytes]) -> None:
        self._text = text
        self._parse = parse
        self._documents = documents

    def get_single_data(self) -> Any:
        """Give the text's value, with the tags that parsing it gives."""
        origin = Origin.get_tag(self._text)
        is_kept = isinstance(self._text, str) and _is_core_plugin(origin)
        if not is_kept:
            return self._parsed()
        key = (str(self._text), TrustedAsTemplate.is_tagged_on(self._text))
        known = self._documents.get(key)
        if known is not None:
            return _tagged(marshal.loads(known), origin.path)
        value = self._parsed()
        with contextlib.suppress(ValueError):
            self._documents[key] = marshal.dumps(_plain(value, origin.path))
        return value

    def _parsed(self) -> Any:
        parser = self._parse(self._text)
        try:
            return parser.get_single_data()
        finally:
            parser.dispose()

    def dispose(self) -> None:
        """There is nothing to end."""


def _is_core_plugin(origin: Any) -> bool:
    """Say whether a text is all that one of ansible-core's own plugins says of itself."""
    if origin is None or not str(origin.path or "").startswith(CORE_PLUGINS):
        return False
    return bool(origin == Origin(path=origin.path))


def _origin(path: str, line: int, column: int) -> Any:
    return Origin(path=path, line_num=line, col_num=column)


def _plain(value: Any, path: str) -> Any:
    """Give a tagged value as data of marshal.

    *Shapes*: (is trusted, line, column, value), a dict as a tuple of pairs; bare, what has no tag.
    *Raises*: ValueError for what parsing it again is the only way to get.
    """
    native = AnsibleTagHelper.as_native_type(value)
    tags = AnsibleTagHelper.tags(value)
    if not tags and type(native) in (bool, type(None), int, float):
        return native
    origin = Origin.get_tag(value)
    if origin is None or origin != _origin(path, origin.line_num, origin.col_num):
        raise ValueError(value)
    others = tags - {origin}
    place = (origin.line_num, origin.col_num)
    if type(native) is str and others <= {TRUSTED}:
        return (bool(others), *place, native)
    if others:
        raise ValueError(value)
    if type(native) in (int, float):
        return (None, *place, native)
    if type(native) is list:
        return (None, *place, [_plain(item, path) for item in value])
    if type(native) is dict:
        pairs = [(_plain(key, path), _plain(item, path)) for key, item in value.items()]
        return (None, *place, tuple(pairs))
    raise ValueError(value)


def _tagged(data: Any, path: str) -> Any:
    """Give the value that `_plain` had."""
    if type(data) is not tuple:
        return data
    is_trusted, line, column, value = data
    origin = _origin(path, line, column)
    if type(value) is list:
        return origin.tag([_tagged(item, path) for item in value])
    if type(value) is tuple:
        return origin.tag({_tagged(key, path): _tagged(item, path) for key, item in value})
    return AnsibleTagHelper.tag(value, [origin, TRUSTED] if is_trusted else origin)
