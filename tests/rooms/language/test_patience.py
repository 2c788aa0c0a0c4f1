"""language/patience.py: what a git server says that has no time for all hosts at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rooms.language.conftest import Play
from tests.support.git_origin import make_origin

TURNED_AWAY = "kex_exchange_identification: Connection closed by remote host"
REFUSED = "git@example.org: Permission denied (publickey)."


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """Give a repository with a commit."""
    return make_origin(tmp_path / "origin")


def asked(play: Play, folder: Path, origin: Path, words: str) -> tuple[int, int]:
    """Clone from a server that says this to the first who asks; exit code, and how often asked."""
    program, first = folder / "git-that-fails-once", folder / "asked"
    program.write_text(
        '#!/bin/sh\ncase "$*" in *clone*|*ls-remote*) echo >> '
        f"{first}; if [ $(wc -l < {first}) = 1 ]; then echo '{words}' >&2; exit 128; fi;; esac\n"
        'exec git "$@"\n'
    )
    program.chmod(0o755)
    order = {"repo": str(origin), "dest": str(folder / "clone"), "executable": str(program)}
    done = play([{"git": {**order, "version": "main"}}])
    return done.returncode, len(first.read_text().splitlines())


def test_a_clone_is_tried_again_where_the_server_took_no_more_connections(
    play: Play, tmp_path: Path, origin: Path
) -> None:
    """Fifty hosts that clone at once were more than an sshd takes as it comes; five were not."""
    code, times = asked(play, tmp_path, origin, TURNED_AWAY)

    assert code == 0
    assert times > 1


def test_a_clone_that_was_refused_is_not_tried_again(
    play: Play, tmp_path: Path, origin: Path
) -> None:
    """A wrong key is wrong the next time, too."""
    assert asked(play, tmp_path, origin, REFUSED) == (2, 1)
