"""ansible-core's own callbacks that nobody asked for are not loaded.

To see which callbacks want to be told of a run, ansible-core loads all there are. Those of its own
named here are for standard output, of which there is one, or want to be asked for: loading them,
and what they import, has no effect but that it is said at a verbosity of 2.

*Source*: ansible-core 2.19 and 2.21 executor/task_queue_manager.py, `load_callbacks`; the
CALLBACK_TYPE and CALLBACK_NEEDS_ENABLED of plugins/callback/.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from ansible import constants
from ansible.plugins import callback, loader
from ansible.utils.display import Display

OWN_DIRECTORY = os.path.dirname(callback.__file__)
OWN = frozenset({"junit", "minimal", "oneline", "tree"})
TELLING_VERBOSITY = 2


@contextlib.contextmanager
def only_wanted(wanted: set[str]) -> Iterator[None]:
    """Let ansible-core pass over its own callbacks but those wanted, by name, or enabled."""
    filters = loader._PLUGIN_FILTERS
    package = loader.callback_loader.package
    before = filters[package]
    filters[package] = before | _passed_over(wanted)
    try:
        yield
    finally:
        filters[package] = before


def _passed_over(wanted: set[str]) -> frozenset[str]:
    if Display().verbosity >= TELLING_VERBOSITY or constants.DEFAULT_DEBUG:
        return frozenset()
    asked = {name.rpartition(".")[2] for name in (*wanted, *constants.CALLBACKS_ENABLED)}
    paths = list(loader.callback_loader.all(path_only=True))
    foreign = {
        os.path.splitext(os.path.basename(path))[0]
        for path in paths
        if os.path.dirname(path) != OWN_DIRECTORY
    }
    return OWN - asked - foreign
