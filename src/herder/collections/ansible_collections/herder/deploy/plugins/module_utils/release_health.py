"""Asking a site until it answers as wished: status, text, header; from the host it runs on."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
import urllib.parse
from typing import Callable, Dict, NamedTuple, Optional, Tuple

from ansible_collections.herder.deploy.plugins.module_utils.release_layout import DeployError, Json

BODY_LIMIT_BYTES = 1 << 20
SHOWN_BYTES = 300


class Question(NamedTuple):
    """What to ask and which answer is well; empty wishes accept all."""

    url: str
    host_header: str = ""
    unix_socket: str = ""
    status: Tuple[int, ...] = (200,)
    text: str = ""
    header: str = ""
    header_value: str = ""
    request_seconds: float = 5.0
    verify_tls: bool = True


class Answer(NamedTuple):
    """What came back, and what is wrong with it ('' for nothing)."""

    status: int
    shown: str
    wrong: str


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket, for application servers without a port."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        """Connect to the socket file."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(question: Question) -> Answer:
    """Ask once; a host that does not answer is an answer too."""
    try:
        connection = _connection(question)
        try:
            return _in_time(question, connection)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, "", "no answer: %s" % (error or type(error).__name__))


def _in_time(question: Question, connection: http.client.HTTPConnection) -> Answer:
    """Ask over this connection. Its own timeout is for each read; one who answers a byte now and
    then would be listened to for ever.
    """
    connection.connect()
    line, is_late = connection.sock, threading.Event()

    def hang_up() -> None:
        is_late.set()
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)

    clock = threading.Timer(question.request_seconds, hang_up)
    clock.daemon = True
    clock.start()
    try:
        connection.request("GET", _target(question.url), headers=_headers(question))
        answer = _judged(question, connection.getresponse())
    except (OSError, http.client.HTTPException):
        if not is_late.is_set():
            raise
    finally:
        clock.cancel()
    if is_late.is_set():
        return Answer(0, "", "no whole answer within %g s" % question.request_seconds)
    return answer


def _connection(question: Question) -> http.client.HTTPConnection:
    parts = urllib.parse.urlsplit(question.url)
    seconds = question.request_seconds
    if question.unix_socket:
        return _UnixConnection(question.unix_socket, seconds)
    if not parts.hostname or parts.scheme not in ("http", "https"):
        text = "%r is no http or https address" % question.url
        raise DeployError("bad-arguments", text)
    if parts.scheme == "http":
        return http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=seconds)
    context = (
        ssl.create_default_context() if question.verify_tls else ssl._create_unverified_context()
    )
    port = parts.port or 443
    return http.client.HTTPSConnection(parts.hostname, port, timeout=seconds, context=context)


def _target(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    return (parts.path or "/") + ("?" + parts.query if parts.query else "")


def _headers(question: Question) -> Dict[str, str]:
    headers = {"User-Agent": "herder-health", "Connection": "close"}
    if question.host_header:
        headers["Host"] = question.host_header
    return headers


def _judged(question: Question, response: http.client.HTTPResponse) -> Answer:
    body = response.read(BODY_LIMIT_BYTES).decode("utf-8", "replace")
    shown = body[:SHOWN_BYTES]
    if question.status and response.status not in question.status:
        wrong = "status %d, expected %s" % (response.status, ", ".join(map(str, question.status)))
        return Answer(response.status, shown, wrong)
    if question.text and question.text not in body:
        return Answer(response.status, shown, "text %r is not in the answer" % question.text)
    seen = response.getheader(question.header) if question.header else None
    if question.header and (seen is None or question.header_value not in seen):
        wrong = "header %s is %r, expected %r" % (question.header, seen, question.header_value)
        return Answer(response.status, shown, wrong)
    return Answer(response.status, shown, "")


def ask_until(once: Callable[[], Answer], seconds: float, interval: float, needed: int = 1) -> Json:
    """Ask until so many answers in a row are well, or the time is up.

    *Shapes*: {ok, attempts, status, shown, wrong, seconds}.
    """
    started = time.monotonic()
    attempts = in_a_row = 0
    answer: Optional[Answer] = None
    while True:
        answer = once()
        attempts += 1
        in_a_row = in_a_row + 1 if not answer.wrong else 0
        taken = time.monotonic() - started
        if in_a_row >= needed or taken + interval > seconds:
            break
        time.sleep(interval)
    told = {"ok": in_a_row >= needed, "attempts": attempts, "seconds": round(taken, 3)}
    return dict(told, status=answer.status, shown=answer.shown, wrong=answer.wrong)
