"""What Python works out anew at each start, kept from run to run: methods and patterns.

Of a run that does little, a fifth is spent on writing and compiling the methods of dataclasses and
on turning regular expressions into programs for Python's matcher, each time from the same text with
the same result. Here both are looked up by that text. What they do stays Python's own: where an
answer is missing, it is worked out as ever.

*Source*: Python 3.11 to 3.14, dataclasses.py (`exec` of a text that says all) and re/_compiler.py
(`compile`).
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import importlib
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from herder.kept_file import KeptFile
from herder.kept_modules import KeptModules

KNOWN_PYTHONS = ((3, 11), (3, 12), (3, 13), (3, 14))
# a pattern that prints itself, or that depends on the locale, is compiled as ever
ALWAYS_COMPILED = re.DEBUG | re.LOCALE


@contextlib.contextmanager
def quick_start(directory: Path) -> Iterator[None]:
    """Let what is imported and run inside find its methods and patterns in `directory`."""
    if sys.version_info[:2] not in KNOWN_PYTHONS:
        yield
        return
    kept = KeptFile(directory / f"texts-{sys.implementation.cache_tag}")
    modules = KeptModules(directory / f"modules-{sys.implementation.cache_tag}")
    patterns = Patterns(kept.section("patterns"))
    methods = _executing(kept.section("methods"))
    with _exchanged(dataclasses, "exec", methods), patterns.used(), modules.used():
        yield
        modules.learn()
    patterns.learn()
    kept.save()


def import_late(name: str) -> Any:
    """Import a file by name where it is first needed, so that nothing else waits for it.

    Imports make no garbage worth a tenth of their time, and what they bring stays for good: it is
    not looked through for garbage, neither now nor later.
    """
    is_looking = gc.isenabled()
    gc.disable()
    try:
        return importlib.import_module(name)
    finally:
        gc.freeze()
        if is_looking:
            gc.enable()


def _executing(methods: dict[str, CodeType]) -> Callable[..., None]:
    def execute(text: str, *places: Any) -> None:
        code = methods.get(text)
        if code is None:
            code = methods[text] = compile(text, "<string>", "exec", dont_inherit=True)
        exec(code, *places)

    return execute


class Patterns:
    """Programs of regular expressions, by pattern and flags."""

    def __init__(self, known: dict[Any, tuple[Any, ...]]) -> None:
        self._known = known
        self._missed: list[tuple[str | bytes, int]] = []
        self._compile: Callable[..., Any] = _compiler().compile

    @contextlib.contextmanager
    def used(self) -> Iterator[None]:
        """Python compiles only what is not known."""
        with _exchanged(_compiler(), "compile", self.compile):
            yield

    def compile(self, pattern: Any, flags: int = 0) -> Any:
        """Give the compiled pattern as Python's own function of this name does."""
        if not _is_plain(pattern) or flags & ALWAYS_COMPILED:
            return self._compile(pattern, flags)
        program = self._known.get((pattern, flags))
        if program is not None:
            return _compiler()._sre.compile(pattern, *program)
        if _is_of_a_program(pattern):
            self._missed.append((pattern, flags))
        return self._compile(pattern, flags)

    def learn(self) -> None:
        """Work out what was missing, for the next run; what gives a warning is not kept."""
        for pattern, flags in self._missed:
            with warnings.catch_warnings(), contextlib.suppress(Exception):
                warnings.simplefilter("error")
                self._known[pattern, flags] = _program(pattern, flags)
        self._missed.clear()


def _is_of_a_program(pattern: str | bytes) -> bool:
    """Say whether a pattern is the text of a program, and no value that a run works with.

    That is one written where it is compiled, or compiled by a module while it is imported.
    """
    frame = sys._getframe()
    names = (__name__, "re")
    while frame.f_back is not None and frame.f_globals.get("__name__") in names:
        frame = frame.f_back
    written = (each for each in frame.f_code.co_consts if type(each) is type(pattern))
    return frame.f_code.co_name == "<module>" or pattern in written


def _program(pattern: str | bytes, flags: int) -> tuple[Any, ...]:
    """Give all that Python's matcher is made with, but the pattern itself."""
    compiler = _compiler()
    tree = compiler._parser.parse(pattern, flags)
    if tree.state.flags & ALWAYS_COMPILED:
        raise ValueError(pattern)
    places: list[str | None] = [None] * tree.state.groups
    for name, place in tree.state.groupdict.items():
        places[place] = name
    code = [int(word) for word in compiler._code(tree, flags)]
    names = {str(name): int(place) for name, place in tree.state.groupdict.items()}
    return int(flags | tree.state.flags), code, tree.state.groups - 1, names, tuple(places)


def _is_plain(pattern: Any) -> bool:
    """Say whether a pattern is all text; in one of bytes, a group may depend on the locale."""
    return type(pattern) is str or (type(pattern) is bytes and b"(?" not in pattern)


def _compiler() -> Any:
    return re._compiler  # type: ignore[attr-defined] # not a public name of Python's


@contextlib.contextmanager
def _exchanged(module: ModuleType, name: str, value: Any) -> Iterator[None]:
    before = vars(module).get(name)
    setattr(module, name, value)
    try:
        yield
    finally:
        if before is None:
            delattr(module, name)
        else:
            setattr(module, name, before)
