"""language/ahead.py: what was asked ahead is the answer to the very same question only."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from herder.language.ahead import FileAhead, planned
from herder.language.local_files import LocalFiles
from herder.model.ports import Completed, FileStatus, WantedFile

WANTED = WantedFile("one", 3, "digest")
ARGS = {"dest": "/srv/one", "_original_basename": "one", "recurse": False, "state": "file"}
STATUS = FileStatus(exists=True, is_regular=True, mode=0o100644, checksum="digest")
SAID = {"changed": False, "path": "/srv/one"}


class HostThatSays:
    """A connection, and the session on it, whose host gives one answer to all."""

    herder_host = "web1"

    def __init__(self, status: FileStatus | None, said: Completed | None) -> None:
        self.asked: list[tuple[str, str]] = []
        self.herder_carrier = SimpleNamespace(unchanged_hosts={"web1"}, local_files=LocalFiles())
        self.become = None
        self.transport = "ssh"
        self._answer = status, said

    def herder_session(self, *, as_become_user: bool) -> HostThatSays:
        """Give the session."""
        assert not as_become_user
        return self

    def stat_ahead(self, path: str, checksum: str, _call: Any) -> Any:
        """Note the question."""
        self.asked.append((path, checksum))
        return self._answer

    def herder_do(self, work: Any, **_: Any) -> Any:
        """Give what was asked for."""
        return work


class Action:
    """An action plugin that copies; its module's arguments are changed on their way, as ever."""

    def __init__(self, host: HostThatSays, **args: Any) -> None:
        self._connection = host
        self._task = SimpleNamespace(args=args, async_val=0)
        self.herder_question: Any = None

    def _execute_module(self, *, module_args: dict[str, Any], **_: Any) -> dict[str, Any]:
        module_args["_ansible_version"] = "2.19"
        self.herder_question.put("call")
        return SAID


def ahead(host: HostThatSays) -> FileAhead:
    """Give what is asked of this host."""
    return FileAhead(Action(host), WANTED, ARGS)


def question(**more: Any) -> dict[str, Any]:
    """Give what ansible-core asks, with what is other than it was planned."""
    return {"module_name": "ansible.legacy.file", "module_args": {**ARGS, **more}, "task_vars": {}}


def test_both_answers_come_with_one_question() -> None:
    """And the second is given when it is asked for, once."""
    host = HostThatSays(STATUS, Completed(0, b"{}", b""))
    both = ahead(host)

    status = both.stat("/srv/one", {})

    assert status is not None
    assert (status["checksum"], status["isreg"]) == ("digest", True)
    assert host.asked == [("/srv/one", "digest")]
    assert both.answer(question()) == SAID
    assert both.answer(question()) is None


@pytest.mark.parametrize(
    "other",
    [
        question(dest="/srv/another"),
        question(mode="0600"),
        {**question(), "module_name": "ansible.legacy.copy"},
        {**question(), "module_args": None},
    ],
)
def test_another_question_is_asked_of_the_host(other: dict[str, Any]) -> None:
    """ansible-core may find another content, or a link, after all."""
    both = ahead(HostThatSays(STATUS, Completed(0, b"{}", b"")))
    both.stat("/srv/one", {})
    assert both.answer(other) is None


def test_first_answer_counts_without_the_second() -> None:
    """The file is another one, or the module has to look for itself."""
    both = ahead(HostThatSays(STATUS, None))
    assert (both.stat("/srv/one", {}) or {})["checksum"] == "digest"
    assert both.answer(question()) is None


def test_what_takes_long_is_asked_alone() -> None:
    """The agent says so, and has neither answer."""
    both = ahead(HostThatSays(None, None))
    assert both.stat("/srv/one", {}) is None
    assert both.answer(question()) is None


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give a file that is to be copied."""
    file = tmp_path / "file"
    file.write_text("content")
    file.chmod(0o640)
    return file


def plan(action: Action, file: Path) -> FileAhead | None:
    """Give what would be asked ahead."""
    return planned(action, str(file), "one", "/srv/one", dict)


def test_it_is_planned_only_where_the_last_file_was_as_it_should_be(file: Path) -> None:
    """Elsewhere it would be put together in vain."""
    host = HostThatSays(STATUS, None)
    assert plan(Action(host), file) is not None
    assert plan(Action(host), file.with_name("none")) is None
    host.herder_carrier.unchanged_hosts.clear()
    assert plan(Action(host), file) is None


def test_what_is_planned_is_what_copy_asks(file: Path) -> None:
    """The name of the source stands for it, and its mode where that is kept."""
    host = HostThatSays(STATUS, Completed(0, b"{}", b""))
    action = Action(host, src="one", dest="/srv/", mode="preserve", owner="root")
    both = plan(action, file)
    assert both is not None
    both.stat("/srv/one", {})
    args = {**question(mode="0640", owner="root")["module_args"]}
    assert both.answer({"module_name": "ansible.legacy.file", "module_args": args}) == SAID
    assert host.asked == [("/srv/one", hashlib.sha1(b"content").hexdigest())]
