"""Which past run a word means: its number, 'last', or '-2' for the one before the last."""

from __future__ import annotations

from herder.errors import UsageError
from herder.record.history import History


def past_run(history: History, word: str) -> int:
    """Give the number of the run that `word` means.

    *Raises*: UsageError, when it means none; a number is not looked up.
    """
    if word.isdecimal():
        return int(word)
    back = 1 if word == "last" else _back(word)
    runs = history.runs(back)
    if len(runs) < back:
        raise UsageError(f"no run {word!r}, the record has {len(runs)}", hint="herder history")
    return runs[-1].id


def _back(word: str) -> int:
    if word.startswith("-") and word[1:].isdecimal() and int(word[1:]) > 0:
        return int(word[1:])
    raise UsageError(f"no run {word!r}", hint="a number from `herder history`, or last")
