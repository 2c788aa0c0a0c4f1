"""The command `herder hit`: what it reads of its words, and what it shows of real answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from herder.cli import hit
from herder.errors import UsageError
from herder.lab.visitors import Door


class _Site(BaseHTTPRequestHandler):
    """Answers as the server whose name the Host header carries; /broken is broken."""

    def do_GET(self) -> None:  # the name that http.server looks for
        body = json.dumps({"host": self.headers["Host"], "release": "r7"}).encode()
        self.send_response(503 if self.path == "/broken" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        return


@pytest.fixture
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Site) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_answers_are_counted_by_what_they_say(
    port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """JSON fields name the server where headers do not."""
    words = [f"http://site.example:{port}/", "-n", "10", "--json"]
    code = hit.main([*words, "--resolve", "site.example:127.0.0.1"])

    said = json.loads(capsys.readouterr().out)
    assert (code, said["answers"], said["failures"]) == (0, 10, 0)
    assert [each["host"] for each in said["servers"]] == [f"site.example:{port}"]
    assert said["servers"][0]["release"] == "r7"


def test_errors_are_shown_and_are_the_exit_code(
    port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A script that asks wants to know."""
    code = hit.main([f"http://127.0.0.1:{port}/broken", "-n", "3"])

    assert code == 1
    assert "3 times: status 503" in capsys.readouterr().out


@pytest.mark.parametrize("url", ["ftp://site/", "http:///path", "http://site:port/"])
def test_what_is_no_url_is_refused(url: str) -> None:
    """With what was expected, not with a traceback."""
    with pytest.raises(UsageError, match="expected"):
        hit.read_url(url)


def test_resolve_for_another_host_is_refused() -> None:
    """It would silently ask the real site."""
    with pytest.raises(UsageError, match="asks 'site'"):
        hit.find_doors(hit.read_url("http://site/"), [("other", "127.0.0.1")])


def test_resolve_is_taken_as_curl_takes_it() -> None:
    """HOST:PORT:IP is what fingers know."""
    found = hit._resolution("site:80:10.0.0.1")

    assert hit.find_doors(hit.read_url("https://site/"), [found]) == [
        Door("10.0.0.1", 443, "site", uses_tls=True)
    ]
