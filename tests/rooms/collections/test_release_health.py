"""The health gate: this release must answer, not merely something."""

from __future__ import annotations

import contextlib
import http.server
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.herder.deploy.plugins.module_utils import release_health as health


class Site(http.server.BaseHTTPRequestHandler):
    """Answers 503 for the first two questions, then with the name of its virtual host."""

    asked = 0

    def do_GET(self) -> None:
        """Answer."""
        type(self).asked += 1
        self.send_response(503 if self.asked <= 2 else 200)
        self.send_header("X-Release", "r7")
        self.end_headers()
        self.wfile.write(f"site {self.headers['Host']} {self.path}".encode())

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    """Give the port of a site that starts slowly."""
    Site.asked = 0
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def ask(port: int, seconds: float = 5.0, **wishes: Any) -> Any:
    """Ask the site until it is well."""
    question = health.Question(url=f"http://127.0.0.1:{port}/version?x=1", **wishes)
    return health.ask_until(lambda: health.ask(question), seconds, 0.01)


def test_waits_until_the_site_is_up(port: int) -> None:
    """A reload takes a moment."""
    told = ask(port, host_header="www.example.org", text="site www.example.org /version?x=1")

    assert (told["ok"], told["attempts"], told["status"]) == (True, 3, 200)


def test_another_release_that_answers_is_not_well(port: int) -> None:
    """The old workers may still be there, or the server's welcome page."""
    told = ask(port, 0.2, text="r8")

    assert not told["ok"]
    assert told["wrong"] == "text 'r8' is not in the answer"


def test_header_may_name_the_release(port: int) -> None:
    """Some sites tell their release in a header."""
    assert ask(port, header="X-Release", header_value="r7")["ok"]
    assert (
        "X-Release is 'r7', expected 'r8'"
        in ask(port, 0.1, header="X-Release", header_value="r8")["wrong"]
    )


def test_nobody_answering_is_told(port: int) -> None:
    """A crash at start is the most common failure."""
    told = ask(1, 0.05)

    assert not told["ok"]
    assert told["wrong"].startswith("no answer: ")


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\n\r\n"], ids=["headers", "body"])
def test_answer_that_comes_in_drops_is_none(first: bytes) -> None:
    """Each byte came in time and the whole never: a deployment waited with servers drained."""
    is_over = threading.Event()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        dropping = threading.Thread(target=_drop, args=(listener, first, is_over))
        dropping.start()
        told = ask(listener.getsockname()[1], 0.1, request_seconds=0.3)
        is_over.set()
        dropping.join()

    assert not told["ok"]
    assert told["wrong"] == "no whole answer within 0.3 s"
    assert told["seconds"] < 2.0


def _drop(listener: socket.socket, first: bytes, is_over: threading.Event) -> None:
    connection, _ = listener.accept()
    with connection, contextlib.suppress(OSError):
        connection.sendall(first)
        while not is_over.wait(0.05):
            connection.sendall(b"X")
