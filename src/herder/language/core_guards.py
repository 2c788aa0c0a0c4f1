"""What ansible-core does in one process per task, and threads must do one at a time."""

from __future__ import annotations

import ast
import functools
import threading
from collections.abc import Callable
from typing import Any

from ansible.executor import module_common
from ansible.plugins import loader

PLUGINS_LOCK = threading.RLock()


def parse_once() -> None:
    """A file that many modules import is parsed once per process, not once per module.

    One thread parses at a time: before 3.11.8 and 3.12.2, Python counts the depth of a syntax tree
    for all threads together and raises SystemError when two trees grow at once.
    """
    if not hasattr(module_common._compile_module_ast, "cache_info"):
        lock = threading.RLock()
        ast.parse = _guarded(ast.parse, lock)
        module_common._compile_module_ast = functools.lru_cache(maxsize=None)(
            _guarded(module_common._compile_module_ast, lock)
        )


def guard_plugin_loading() -> None:
    """Threads see a plugin file only when it is loaded to its end."""
    for owner, name in (
        (loader.PluginLoader, "_load_module_source"),
        (loader.Jinja2Loader, "get_with_context"),
        (loader.Jinja2Loader, "_ensure_non_collection_wrappers"),
    ):
        original = getattr(owner, name)
        if not hasattr(original, "herder_guarded"):
            setattr(owner, name, _guarded(original, PLUGINS_LOCK))
    original = loader.PluginLoader.get_with_context
    if not hasattr(original, "herder_guarded"):
        loader.PluginLoader.get_with_context = _guarded_once(original)


def _guarded_once(original: Callable[..., Any]) -> Callable[..., Any]:
    """What was loaded to its end needs no lock any more, for which all threads would queue."""
    guarded, loaded = _guarded(original, PLUGINS_LOCK), set()

    @functools.wraps(original)
    def method(owner: Any, name: Any, *args: Any, **kwargs: Any) -> Any:
        place = (id(owner), name, *(kwargs.get("collection_list") or ()), *owner._extra_dirs)
        if place in loaded:
            return original(owner, name, *args, **kwargs)
        found = guarded(owner, name, *args, **kwargs)
        if found.object is not None:
            loaded.add(place)
        return found

    method.herder_guarded = True  # type: ignore[attr-defined] # marks what is guarded
    return method


def _guarded(original: Callable[..., Any], lock: Any) -> Callable[..., Any]:
    @functools.wraps(original)
    def method(*args: Any, **kwargs: Any) -> Any:
        with lock:
            return original(*args, **kwargs)

    method.herder_guarded = True  # type: ignore[attr-defined] # marks what is guarded
    return method
