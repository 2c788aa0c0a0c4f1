"""Content that is wrong in some way: both engines say the same of it, and end the same way.

Each playbook of tests/data/broken is one case. Its first lines may give more words of the command
(`# words: --tags x`) and settings (`# environment: NAME=VALUE`).
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.support.two_engines import Outcome, run_both

FOLDER = Path(__file__).parents[2] / "data" / "broken"
FIRST_LINES = re.compile(r"\A(?:# (?:words|environment): .*\n)*")
# One for each part of ansible-core that complains; the rest takes minutes.
FAST = (
    "action_plugin_exits",
    "handler_missing",
    "include_missing_rescued",
    "interpreter_missing",
    "keyword_unknown_in_task",
    "loop_over_a_string",
    "module_argument_unknown",
    "plugin_prints",
    "result_without_pickle",
    "template_undefined",
    "vault_wrong_password",
    "yaml_indentation",
)
BUG = 250
# Where a recursion is noticed depends on how deep the call was to begin with, and newer workers
# tell the traceback of a plugin that leaves: of these, what both engines must say.
COMPARED_BY = {
    "action_plugin_exits": "A worker was found in a dead state",
    "include_circle_dynamic": "Recursive loop detected in template",
    "recursive_variable": "Recursive loop detected in template",
}


def _cases() -> list[object]:
    return [
        pytest.param(file, marks=() if file.stem in FAST else pytest.mark.slow, id=file.stem)
        for file in sorted(FOLDER.glob("*.yml"))
    ]


@pytest.mark.engines
@pytest.mark.timeout(120)
@pytest.mark.parametrize("file", _cases())
def test_both_engines_say_the_same_of_it(file: Path, tmp_path: Path) -> None:
    """Same file, line and column, same words, same exit code."""
    first = FIRST_LINES.match(file.read_text("utf-8", errors="replace"))
    assert first is not None
    words = [file.name, *_given(first[0], "words")]
    settings = dict(text.split("=", 1) for text in _given(first[0], "environment"))

    stock, herder = run_both(FOLDER, words, tmp_path, settings)

    texts = f"ansible-playbook:\n{stock.text}\nherder:\n{herder.text}"
    assert herder.exit_code == stock.exit_code, texts
    assert herder.recap == stock.recap, texts
    if words_of_both := COMPARED_BY.get(file.stem):
        assert words_of_both in herder.text, texts
        assert words_of_both in stock.text, texts
    else:
        assert _without_frames(herder) == _without_frames(stock), texts


def _given(first_lines: str, kind: str) -> list[str]:
    found = re.findall(rf"^# {kind}: (.*)$", first_lines, re.MULTILINE)
    return [word for line in found for word in shlex.split(line)]


def _without_frames(outcome: Outcome) -> list[str]:
    """A bug's traceback names the engine's own code, and the lines below each file show it."""
    if outcome.exit_code != BUG:
        return list(outcome.said)
    return [line for line in outcome.said if not _is_frame(line)]


def _is_frame(line: str) -> bool:
    return line.startswith(("  File ", "    ", "  [Previous line repeated"))
