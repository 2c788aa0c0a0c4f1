"""ansible-core's plugin loader, which a process may start once only."""

from __future__ import annotations

from functools import cache

from ansible.plugins.loader import init_plugin_loader


@cache
def load_plugins() -> None:
    """Let ansible-core find its plugins, whichever test of the process asks first."""
    init_plugin_loader([])
