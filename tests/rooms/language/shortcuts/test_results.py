"""shortcuts/results.py: callbacks are shown what ansible-core's long way shows them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible._internal._datatag._tags import Origin
from ansible.executor import task_result
from ansible.inventory.host import Host

from herder.language.shortcuts import results
from herder.language.shortcuts.install import install_shortcuts
from tests.support.plugins import load_plugins
from tests.support.shadows import difference

pytestmark = pytest.mark.skipif(
    not hasattr(task_result, "_RawTaskResult"), reason="later ones read a result when asked"
)
tagged = Origin(description="a file").tag
RESULTS: tuple[dict[Any, Any], ...] = (
    {},
    {"changed": False},
    {"stdout": tagged("said"), "_ansible_parsed": True, "list": [1, {"_ansible_x": 1, "a": 2}]},
    {"_ansible_verbose_always": True, "_ansible_item_label": "a", "_ansible_ignore_errors": None},
    {"results": [{"item": 1, "_ansible_no_log": False, "invocation": {"module_args": {"a": 1}}}]},
    {"results": [{"item": 1, "_ansible_no_log": True}], "_ansible_no_log": True},
    {"_ansible_no_log": True, "stdout": "secret", "changed": True},
    {"_ansible_delegated_vars": {"ansible_host": "a", "ansible_port": 1, "color": "red"}},
    {"attempts": 2, "retries": 3, "changed": True, "failed": False, "exception": "(traceback)"},
    {"ansible_facts": {"a": (1, [2]), "b": {"_ansible_c": {"d": 1}}}, "invocation": {"a": 1}},
    {"warnings": ["w"], "deprecations": [{"msg": "d"}], "diff": [{"before": "", "after": "x"}]},
    {3: "a number", tagged("name"): {tagged("deep"): tagged("value")}, "set": frozenset({1})},
)


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    """Once in a process, as in a run."""
    load_plugins()
    install_shortcuts()


@pytest.mark.parametrize("data", RESULTS, ids=lambda data: str(sorted(map(str, data)))[:40])
@pytest.mark.parametrize("action", ["command", "debug", "ansible.builtin.debug"])
@pytest.mark.parametrize("no_log", [False, True, None, "{{ later }}"])
def test_a_result_is_shown_as_by_the_long_way(
    data: dict[Any, Any], action: str, no_log: object
) -> None:
    """Secrets stay hidden, and what a callback needs is there."""
    task = SimpleNamespace(action=action, no_log=no_log, ignore_errors=False, name="t")
    raw = task_result._RawTaskResult(Host("web1"), task, data, {"name": "t"})
    results.begin_telling()

    shown = raw.as_callback_task_result()

    expected = type(raw).as_callback_task_result.herder_original(raw)
    wrong = difference(vars(shown), vars(expected))
    assert wrong is None
    assert difference(shown.result, expected.result) is None
