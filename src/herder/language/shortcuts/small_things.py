"""Small things that ansible-core asks anew for every task and host.

*Source*: ansible-core 2.19 and 2.21, the functions that `install.py` names.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from ansible import constants
from ansible.module_utils._internal import _traceback

from herder.language.shortcuts.kept import Kept


def module_defaults(
    original: Callable[..., Any], action: Any, task: Any, templar: Any
) -> dict[str, Any]:
    """Where there are no module_defaults, there are none for this action."""
    if task._parent._play._action_groups is None or task.module_defaults:
        found: dict[str, Any] = original(action, task, templar)
        return found
    return {}


_files_found = Kept()


def find_file(original: Callable[..., Any], action: Any, dirname: str, needle: str) -> Any:
    """The file that a task sends to one host is where it was for the host before."""
    key = (action._task._uuid, dirname, needle)
    found = _files_found.get(key)
    if found is None or not os.path.exists(found):
        found = _files_found.keep(key, original(action, dirname, needle))
    return found


_traceback_events = Kept()


def tracebacks_for(original: Callable[[], list[str]]) -> list[str]:
    """Which tracebacks modules are to send follows from one setting, and is asked for each task."""
    wanted = constants.config.get_config_value("DISPLAY_TRACEBACK")
    key = (_traceback._is_traceback_enabled, *wanted)
    events = _traceback_events.get(key)
    return list(_traceback_events.keep(key, tuple(original())) if events is None else events)


_translations: dict[str, str] = {}


def translated(original: Callable[[str], str], text: str) -> str:
    """argparse looks on the disk for a translation of its words; each ssh connection asks it."""
    return _translations.get(text) or _translations.setdefault(text, original(text))
