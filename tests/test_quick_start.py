"""Methods of dataclasses and programs of patterns that are kept are those that Python makes."""

from __future__ import annotations

import dataclasses
import re
import warnings
from pathlib import Path
from typing import Any

import pytest

from herder.kept_file import KeptFile
from herder.quick_start import Patterns, quick_start

PATTERNS: tuple[tuple[str | bytes, int], ...] = (
    ("a", 0),
    (b"a+", 0),
    (r"(?P<year>\d{4})-(?P<month>\d\d)(x)?(?P=year)", re.ASCII),
    (r"(?i:straße)|[äöü]+|\u2028", re.IGNORECASE | re.MULTILINE),
    (r"(?x) a  # a comment", 0),
    (r"(?<=a)(?!b)(?>c+)d*+", re.DOTALL),
    (r"(a)|(?P<second>b)(?(second)c|d)", re.VERBOSE),
)
TEXTS = ("a", "aaa", "2024-05x2024", "STRASSE ÄÖÜ\u2028", "acd", "bc\n")


def _made(kept: Path) -> type[Any]:
    with quick_start(kept):

        @dataclasses.dataclass(frozen=True, slots=True, order=True)
        class Place:
            name: str
            tags: tuple[str, ...] = ()
            depth: int = dataclasses.field(default=3, compare=False)

    return Place


def test_a_dataclass_of_kept_methods_is_as_python_makes_it(tmp_path: Path) -> None:
    """What is looked up by a text must not depend on anything else."""
    for place in (_made(tmp_path), _made(tmp_path)):
        assert repr(place("a")) == f"{place.__qualname__}(name='a', tags=(), depth=3)"
        assert place("a") == place("a", depth=4)
        assert place("a") < place("b")
        assert hash(place("a")) == hash(place("a"))
        with pytest.raises(dataclasses.FrozenInstanceError):
            place("a").name = "b"


def test_methods_are_compiled_once_only(tmp_path: Path) -> None:
    """This is what makes the start fast."""
    _made(tmp_path)
    (file,) = tmp_path.glob("texts-*")
    before = len(KeptFile(file).section("methods"))

    _made(tmp_path)

    # one text for each method, since Python 3.13 one for all of a class
    assert before
    assert len(KeptFile(file).section("methods")) == before


def test_outside_of_it_python_is_as_it_was(tmp_path: Path) -> None:
    """A test, or a program that calls ours, must not find Python changed."""
    compile_before = re._compiler.compile  # type: ignore[attr-defined] # what is exchanged
    with quick_start(tmp_path):
        assert re._compiler.compile != compile_before  # type: ignore[attr-defined]

    assert re._compiler.compile == compile_before  # type: ignore[attr-defined]
    assert "exec" not in vars(dataclasses)


@pytest.mark.parametrize(("pattern", "flags"), PATTERNS)
def test_a_kept_pattern_is_the_one_that_python_compiles(pattern: Any, flags: int) -> None:
    """A pattern that matches otherwise would be a bug that nobody finds."""
    known: dict[Any, tuple[Any, ...]] = {}
    patterns = Patterns(known)
    exec(f"compile({pattern!r}, {int(flags)})", {"compile": patterns.compile})
    patterns.learn()

    assert len(known) == 1
    kept, expected = patterns.compile(pattern, flags), re.compile(pattern, flags)
    assert kept == expected
    assert (kept.flags, kept.groups) == (expected.flags, expected.groups)
    assert kept.groupindex == expected.groupindex
    for text in TEXTS:
        subject: Any = text if isinstance(pattern, str) else text.encode()
        found, wanted = kept.search(subject), expected.search(subject)
        assert repr(found) == repr(wanted)
        assert (found and found.groupdict()) == (wanted and wanted.groupdict())


@pytest.mark.parametrize(("pattern", "flags"), [(b"a", re.LOCALE), (b"(?L:a)", 0)])
def test_what_depends_on_the_locale_is_compiled_as_ever(pattern: bytes, flags: int) -> None:
    """Its program is right for one locale only."""
    known: dict[Any, tuple[Any, ...]] = {}
    patterns = Patterns(known)
    exec(f"compile({pattern!r}, {int(flags)})", {"compile": patterns.compile})
    patterns.learn()

    assert known == {}


def test_a_pattern_that_python_warns_of_is_not_kept() -> None:
    """Its author sees the warning at each run, as ever."""
    known: dict[Any, tuple[Any, ...]] = {}
    patterns = Patterns(known)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patterns.compile("[[a]", 0)
    patterns.learn()

    assert known == {}


def test_a_pattern_that_a_run_works_with_is_not_kept(tmp_path: Path) -> None:
    """It may hold what a playbook keeps secret."""
    secret = "-".join(["top", "secret"])
    with quick_start(tmp_path):
        re.search(secret, "text")
        re.compile(secret + "+")
        re.compile("written-here+")

    (file,) = tmp_path.glob("texts-*")
    assert secret.encode() not in file.read_bytes()
    assert b"written-here+" in file.read_bytes()


def test_a_broken_pattern_raises_what_python_raises(tmp_path: Path) -> None:
    """Twice, as the second time might be answered from what is kept."""
    for _ in range(2):
        with quick_start(tmp_path), pytest.raises(re.error, match="unterminated"):
            re.compile("(an open group")
