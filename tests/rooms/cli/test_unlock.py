"""The command `herder unlock`: what it says of a lease, and what becomes of each answer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

import pytest

from herder import deployments
from herder.cli.unlock import main
from herder.model.releases import HostReleases

HELD = {"web1": HostReleases("web1", holder={"user": "mia", "host": "laptop", "since": 1.0})}


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a lease be held on web1, and a person sit at the terminal."""

    def unlock(
        _words: object, may_break: Callable[[Mapping[str, HostReleases]], bool]
    ) -> tuple[int, bool]:
        return 0, may_break(HELD)

    monkeypatch.setattr(deployments, "unlock", unlock)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("answer", ["no", None])
def test_what_is_no_yes_breaks_nothing_and_says_so(
    answer: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-D at the question ended in a traceback, a "no" in silence."""

    def asked(_question: str) -> str:
        if answer is None:
            raise EOFError
        return answer

    monkeypatch.setattr("builtins.input", asked)

    code = main(["deploy.yml"])

    said = capsys.readouterr().out
    assert code == 2
    assert "web1: mia on laptop deploys a release since" in said
    assert "nothing was broken; `--yes` breaks it without asking" in said


@pytest.mark.usefixtures("held")
def test_yes_breaks_it(capsys: pytest.CaptureFixture[str]) -> None:
    """As a script says it."""
    code = main(["deploy.yml", "--yes"])

    assert code == 0
    assert capsys.readouterr().out.endswith("broken on web1\n")
