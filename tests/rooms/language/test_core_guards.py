"""What threads do one at a time."""

from __future__ import annotations

import ast
import gc
import threading
import time

from ansible.executor import module_common

from herder.language import core_guards

PARSERS = 4
SECONDS = 1.0


def test_threads_may_parse_at_the_same_time() -> None:
    """On Python 3.11.2, Debian 12's, two syntax trees that grow at once end in SystemError."""
    core_guards.parse_once()
    source = "def f(a):\n    return [a + (b * (c - d)) for b in a]\n" * 50
    errors: list[BaseException] = []
    end = time.monotonic() + SECONDS

    def parse() -> None:
        try:
            while time.monotonic() < end:
                ast.parse(source)
                module_common._compile_module_ast("m", f"{source}\n# {time.monotonic_ns()}")
        except BaseException as error:  # noqa: BLE001  # a thread's errors are lost otherwise
            errors.append(error)

    gc.callbacks.append(_let_others_run)
    threads = [threading.Thread(target=parse) for _ in range(PARSERS)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        gc.callbacks.remove(_let_others_run)

    assert errors == []


def _let_others_run(_phase: str, _facts: dict[str, int]) -> None:
    time.sleep(0)
