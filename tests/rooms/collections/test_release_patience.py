"""release_patience.py: a server with too much to do does not end a deployment."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ansible_collections.herder.deploy.plugins.module_utils import release_fetching as fetching
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import (
    DeployError,
    Layout,
)
from ansible_collections.herder.deploy.plugins.module_utils.release_patience import patiently

from tests.support.git_origin import make_origin

SOON = (0.01, 0.01)
TURNED_AWAY = (
    "git fetch of git@example.org:app failed: kex_exchange_identification: Connection closed by "
    "remote host fatal: Could not read from remote repository."
)


class Work:
    """Fails with these words, one after another, then gives 'done'."""

    def __init__(self, *words: str) -> None:
        self.words = list(words)

    def __call__(self) -> str:
        if self.words:
            raise DeployError("git-failed", self.words.pop(0))
        return "done"


@contextmanager
def busy_web_server() -> Iterator[str]:
    """Give the address of a server that has no time for the first who asks."""
    answers = [503]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(answers.pop() if answers else 200)
            self.end_headers()
            self.wfile.write(b"code")

        def log_message(self, *_words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/app.bin"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    "words",
    [
        TURNED_AWAY,
        "git fetch of git@example.org:app failed: Connection closed by 10.0.0.1 port 22 fatal:"
        " Could not read from remote repository.",
        "git fetch failed: fatal: unable to access: The requested URL returned error: 429",
        "http://example.org/app.tgz: HTTP Error 503: Service Unavailable",
        "git fetch failed: error: RPC failed; fatal: early EOF",
        "http://example.org/app.tgz: <urlopen error [Errno 104] Connection reset by peer>",
    ],
)
def test_a_busy_server_is_asked_again(words: str) -> None:
    """Each is what a server says when a whole fleet comes at once."""
    assert patiently(Work(words, words), SOON) == "done"


def test_a_server_that_stays_busy_is_told() -> None:
    """Patience has an end."""
    with pytest.raises(DeployError, match="kex_exchange"):
        patiently(Work(*[TURNED_AWAY] * 3), SOON)


def test_what_would_be_the_same_again_is_told_at_once() -> None:
    """A wrong key is wrong the next time, too."""
    work = Work("git fetch failed: Permission denied (publickey).", TURNED_AWAY)

    with pytest.raises(DeployError, match="Permission denied"):
        patiently(work, SOON)

    assert work.words == [TURNED_AWAY]


def test_code_comes_from_a_git_server_that_was_busy_first(tmp_path: Path) -> None:
    """All hosts fetch at the same moment, and sshd takes ten of them."""
    origin, release = make_origin(tmp_path / "origin"), tmp_path / "release"
    release.mkdir()
    program, asked = tmp_path / "git", tmp_path / "asked"
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *" fetch "*) if [ ! -e {asked} ]; then touch {asked};'
        f' echo "{TURNED_AWAY}" >&2; exit 128; fi;; esac\nexec git "$@"\n'
    )
    program.chmod(0o755)
    given = {"repo": str(origin), "version": "main", "executable": str(program)}

    found = fetching.fetch(
        Layout(str(tmp_path / "site")), {"via": "git", "git": given}, str(release)
    )

    assert asked.exists()
    assert len(found["commit"]) == 40


def test_a_file_comes_from_a_web_server_that_was_busy_first(tmp_path: Path) -> None:
    """A proxy in front of many answers 503 while it has no place for one more."""
    release = tmp_path / "release"
    release.mkdir()

    with busy_web_server() as url:
        order = {"via": "download", "download": {"url": url}, "unpack": {"enabled": False}}
        fetching.fetch(Layout(str(tmp_path / "site")), order, str(release))

    assert (release / "app.bin").read_bytes() == b"code"
