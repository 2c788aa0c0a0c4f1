"""The demo: what it judges by, and, on a lab, that it ends well."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import sys
from pathlib import Path

import pytest

from herder.cli.demo import (
    are_sessions_whole,
    change_table,
    is_whole_change,
    last_releases,
    main,
    what_to_do_with_it,
)
from herder.errors import INTERRUPTED, UsageError
from herder.lab.playing import Play
from herder.lab.visitors import Door, HostChange, Visit, Visitor
from tests.support.two_engines import SOURCE

DOOR = Door("127.0.0.1", 80, "moo.example")


def _visitor(*failures: str) -> Visitor:
    return Visitor([DOOR], visits=[Visit(0.0, 0.1, failure=failure) for failure in failures])


def test_table_has_a_line_for_each_host() -> None:
    """The end of the demo is what people look at."""
    table = change_table(
        [HostChange("web1", ("A", "B"), 120, 4.25), HostChange("web2", ("A",), 7, 0.0)]
    )

    assert table == (
        "  host  old release  new release  seconds out  pages\n"
        "  web1  A            B            4.2          120\n"
        "  web2  A            -            0.0          7\n"
    )


@pytest.mark.parametrize(
    ("releases", "is_whole"),
    [
        ([("A", "B"), ("A", "B")], True),
        ([("A", "B"), ("A",)], False),
        ([("A", "B"), ("A", "C")], False),
        ([("A", "B", "A"), ("A", "B", "A")], False),
        ([("A", "B")], False),
        ([], False),
    ],
)
def test_change_is_whole_when_all_hosts_made_the_same(
    releases: list[tuple[str, ...]], *, is_whole: bool
) -> None:
    """No failed request, but a server that stayed behind, is no success."""
    changes = [HostChange(f"web{n}", pair, 1, 0.0) for n, pair in enumerate(releases)]

    assert is_whole_change(changes) is is_whole


def test_failed_visits_are_not_expected_in_the_session() -> None:
    """The site cannot have counted a page that did not come."""
    assert are_sessions_whole([_visitor("", "", "status 503")], [2])


def test_session_with_too_few_pages_is_lost() -> None:
    """A second session means that the first was not shared."""
    assert not are_sessions_whole([_visitor("", ""), _visitor("", "")], [2, 1])


def test_what_a_host_answered_last_is_told_by_time_and_not_by_visitor() -> None:
    """The last of four visitors may not have met a server since it went back."""
    late = Visit(5.0, 5.1, "web1", "v2")
    early = Visit(1.0, 1.1, "web1", "v3")
    lost = Visit(6.0, 6.1, failure="status 503")

    assert last_releases([late, early, lost]) == {"web1": "v2"}


def test_commands_for_a_lab_that_stays_have_all_they_need() -> None:
    """They are copied from the screen: without its repository the deployment asked github.com."""
    deploy = Play(
        Path("/moo/deploy.yml"), ("-i", "hosts.ini"), {"mootube_repository": "/labs/site"}
    )

    text = "\n".join(what_to_do_with_it(deploy, Path("/labs")))

    assert "herder lab ssh --name demo --directory /labs web1\n" in text
    assert "herder deploy deploy.yml -i hosts.ini \\\n" in text
    assert "  -e mootube_repository=/labs/site\n" in text
    assert text.endswith("herder lab down --name demo --directory /labs")
    assert "--directory" not in "\n".join(what_to_do_with_it(deploy, None))


def test_unknown_word_is_refused() -> None:
    """A misspelt --keep would take the lab down."""
    with pytest.raises(UsageError):
        main(["--kepe"])


@pytest.mark.lab
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["machines", pytest.param("processes", marks=pytest.mark.slow)])
def test_demo_ends_without_a_failed_request(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The promise of the whole: nobody notices a deployment."""
    code = main(["--kind", kind, "--directory", str(tmp_path)])

    said = capsys.readouterr().out
    assert "Requests failed: 0" in said, said
    assert (code, list(tmp_path.iterdir())) == (0, []), said


@pytest.mark.lab
@pytest.mark.timeout(120)
@pytest.mark.parametrize("end", ["the terminal is closed", "the job is cancelled"])
def test_demo_that_nobody_watches_any_more_leaves_nothing(end: str, tmp_path: Path) -> None:
    """A closed laptop must not keep four servers running."""
    process_id, terminal = pty.fork()
    if process_id == 0:
        environment = {**os.environ, "PYTHONPATH": str(SOURCE), "TERM": "xterm"}
        words = [sys.executable, "-m", "herder", "demo", "--kind", "processes"]
        os.execve(sys.executable, [*words, "--directory", str(tmp_path)], environment)
    seen = b""
    while b"Provisioning" not in seen:
        seen += os.read(terminal, 65536)
    assert list(tmp_path.iterdir()) != []

    if end == "the terminal is closed":
        os.close(terminal)
    else:
        os.kill(process_id, signal.SIGTERM)
        # a terminal takes little that nobody reads; it fails to be read when its last program ends
        with contextlib.suppress(OSError):
            while os.read(terminal, 65536):
                pass
        os.close(terminal)
    _, status = os.waitpid(process_id, 0)

    assert os.waitstatus_to_exitcode(status) == INTERRUPTED
    assert list(tmp_path.iterdir()) == []
