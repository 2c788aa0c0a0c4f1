"""What `setup` waits for in vain, or asks a program that costs more than the answer is worth.

Law: every fact is what it would have been. Where that is not certain, the long way is taken.
*Source*: ansible-core 2.19 and 2.21 module_utils/facts/hardware/linux.py (`get_mount_facts`),
system/platform.py and system/lsb.py; CPython 3.8 to 3.15 Lib/platform.py; distro 1.9 distro.py.
"""

from __future__ import annotations

import functools
import os
import platform
import shutil
import struct
import subprocess
import sys
import time
from types import ModuleType
from typing import Any, Callable, Dict, Optional

from herder.agent.importer import BundleImporter
from herder.wire.late import Late

TYPE_CHECKING = False
if TYPE_CHECKING:
    from concurrent import futures
else:
    futures = Late("concurrent.futures")

_FACTS = "ansible.module_utils.facts"
_OWN_BITS = 8 * struct.calcsize("P")
_ELF_64 = b"\x7fELF\x02"
_RUNS, _RUNS_ANYWHERE = 2, 3
_LSB_QUESTION = ("lsb_release", "-a")


def install(importer: BundleImporter) -> None:
    """In the child: see to the modules of facts as they are imported."""
    for name, change in _CHANGES.items():
        if name in sys.modules:
            change(sys.modules[name])
        importer.after_import[name] = change


class WakefulTime:
    """`time`, but nobody sleeps longer than until all his `results` are there."""

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    @staticmethod
    def sleep(seconds: float) -> None:
        """Sleep as long, unless the futures in the caller's `results` are done before that."""
        results = sys._getframe(1).f_locals.get("results")  # noqa: SLF001 -- it is nobody's argument
        try:
            waited_for = [each["extra"] for each in results.values()]  # type: ignore[union-attr]
            futures.wait(waited_for, seconds)
        except (AttributeError, LookupError, TypeError):
            time.sleep(seconds)


def _see_to_mounts(module: ModuleType) -> None:
    module.__dict__["time"] = WakefulTime()


def _see_to_platform(_module: ModuleType) -> None:
    platform.architecture = _before(platform.architecture, architecture)


def architecture(original: Callable[..., Any], *args: Any, **words: Any) -> Any:
    """Read in the interpreter's file what the program `file` would say about it."""
    if args or words or not _is_64_bit_program(sys.executable):
        return original(*args, **words)
    return f"{_OWN_BITS}bit", "ELF" if shutil.which("file") else ""


def _is_64_bit_program(path: str) -> bool:
    """Whether it is an ELF file of the size that this process has, so that all sources agree."""
    try:
        with open(path, "rb") as file:
            head = file.read(18)
    except OSError:
        return False
    order = "little" if head[5:6] == b"\x01" else "big"
    kind = int.from_bytes(head[16:], order)  # type: ignore[arg-type]  # mypy forgets the two words
    return _OWN_BITS == 64 and head.startswith(_ELF_64) and kind in (_RUNS, _RUNS_ANYWHERE)


def _see_to_lsb(module: ModuleType) -> None:
    said = LsbRelease()
    collector = module.__dict__["LSBFactCollector"]
    ask = getattr(collector, "_lsb_release_bin", None)
    if ask is not None:
        collector._lsb_release_bin = _before(ask, said.serve_collector)  # noqa: SLF001 -- it is exchanged
        subprocess.check_output = _before(subprocess.check_output, said.serve_distro)


class LsbRelease:
    """What `lsb_release -a` has told one collector is told to the other: it is a slow script.

    Which of them asks first differs from run to run.
    """

    def __init__(self) -> None:
        self._path: Optional[str] = None
        self._environment: Dict[str, str] = {}
        self._said = b""

    def serve_collector(
        self, original: Callable[..., Any], collector: Any, lsb_path: Any, module: Any
    ) -> Any:
        """Stand before the method of the collector of LSB, which asks by `run_command`."""
        run = module.run_command

        def run_once(args: Any, **words: Any) -> Any:
            is_plain = args == [lsb_path, "-a"] and not module.run_command_environ_update
            if is_plain and self._knows(lsb_path):
                return 0, self._said.decode("utf-8", "surrogateescape"), ""
            status, out, err = run(args, **words)
            if is_plain and status == 0:
                self._note(lsb_path, out.encode("utf-8", "surrogateescape"))
            return status, out, err

        module.run_command = run_once
        try:
            return original(collector, lsb_path=lsb_path, module=module)
        finally:
            del module.run_command

    def serve_distro(self, original: Callable[..., Any], *args: Any, **words: Any) -> Any:
        """Stand before `check_output`, by which distro asks."""
        if args != (_LSB_QUESTION,) or words != {"stderr": subprocess.DEVNULL}:
            return original(*args, **words)
        path = shutil.which(_LSB_QUESTION[0])
        if not self._knows(path):
            said: bytes = original(*args, **words)
            self._note(path, said)
            return said
        return self._said

    def _note(self, path: Optional[str], said: bytes) -> None:
        # which of these `run_command` passes on is its own affair
        if "PYTHONPATH" not in os.environ:
            self._path, self._environment, self._said = path, dict(os.environ), said

    def _knows(self, path: Optional[str]) -> bool:
        is_same = path is not None and path == self._path == shutil.which(_LSB_QUESTION[0])
        return is_same and os.environ == self._environment


def _before(original: Callable[..., Any], ours: Callable[..., Any]) -> Any:
    """Give what calls `ours` with the original before the arguments."""

    @functools.wraps(original)
    def stand_in(*args: Any, **words: Any) -> Any:
        return ours(original, *args, **words)

    return stand_in


_CHANGES: Dict[str, Callable[[ModuleType], None]] = {
    f"{_FACTS}.hardware.linux": _see_to_mounts,
    f"{_FACTS}.system.platform": _see_to_platform,
    f"{_FACTS}.system.lsb": _see_to_lsb,
}
