"""Starts the programs that a module runs without copying the module's process first.

ansible-core's `run_command` lets Python run a function between fork and exec, which only a call
with a umask needs. For its sake Python must fork, and each page of memory that either of the two
then touches is copied. Without it Python uses vfork, which copies nothing (Python 3.10 and later).

Law: a function is left out only when it is ansible-core's and would do nothing.
*Source*: ansible-core 2.19 and 2.21 module_utils/basic.py, `AnsibleModule.run_command`, `preexec`.
"""

from __future__ import annotations

import functools
import os
import subprocess
from types import CodeType, FunctionType
from typing import Any, Tuple


def install() -> None:
    """In the child: have programs started so from now on."""
    original = subprocess.Popen.__init__

    @functools.wraps(original)
    def start(process: Any, *args: Any, **words: Any) -> None:
        if does_nothing(words.get("preexec_fn")):
            words["preexec_fn"] = None
        original(process, *args, **words)

    setattr(subprocess.Popen, "__init__", start)  # noqa: B010 -- as a plain name mypy refuses it


def does_nothing(function: object) -> bool:
    """Whether it is `run_command`'s own function, of a call that gave no umask."""
    if not isinstance(function, FunctionType) or _substance(function.__code__) != _SUBSTANCE:
        return False
    (umask,) = function.__closure__ or (None,)
    return umask is not None and not umask.cell_contents


def _as_core_has_it(umask: Any) -> Any:
    def preexec() -> None:
        if umask:
            os.umask(umask)

    return preexec


def _substance(code: CodeType) -> Tuple[object, ...]:
    """Give all that a function does, without where it stands."""
    return code.co_code, code.co_names, code.co_freevars, code.co_consts, code.co_argcount


_SUBSTANCE = _substance(_as_core_has_it(None).__code__)
