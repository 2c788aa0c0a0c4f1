"""Which Python an agent is started with: what the host's variables say, or the usual names.

*Source*: ansible-core 2.19 executor/module_common.py `_get_shebang`, config/base.yml
`INTERPRETER_PYTHON` and `INTERPRETER_PYTHON_FALLBACK`, executor/interpreter_discovery.py.
"""

from __future__ import annotations

from typing import Any

from ansible import constants
from ansible.errors import AnsibleError

LAST_RESORT = "/usr/bin/python3"


def interpreters_for(variables: Any, templar: Any) -> tuple[str, ...]:
    """Give the interpreters to try, in order; a fixed one stands alone."""
    chosen = constants.config.get_config_value("INTERPRETER_PYTHON", variables=variables)
    try:
        fixed = templar.template(chosen) if chosen else None
    except AnsibleError:
        fixed = None
    if isinstance(fixed, str) and fixed and not fixed.startswith("auto"):
        return (str(fixed),)
    names = constants.config.get_config_value("INTERPRETER_PYTHON_FALLBACK", variables=variables)
    return (*(str(name) for name in names), LAST_RESORT)


def found_first(interpreters: tuple[str, ...], variables: Any) -> tuple[str, ...]:
    """Put the one that was found on the host before names that are still to be looked for.

    *Source*: ansible-core 2.19 executor/module_common.py, `_get_interpreter`: what was discovered
    by whichever way holds for all ways to the host.
    """
    facts = variables.get("ansible_facts") or {}
    found = facts.get("discovered_interpreter_python")
    is_choice = len(interpreters) > 1
    return (str(found), *interpreters) if is_choice and found else interpreters
