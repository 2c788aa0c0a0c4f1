"""The commands `herder history` and `herder report`."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from herder.cli.history import show_history
from herder.cli.report import make_report
from herder.errors import HerderError, UsageError
from herder.record.rows import RunSummary
from tests.support.kept_runs import keep_run
from tests.support.scenarios import large, small


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """Give the directory of a record with two runs."""
    keep_run(tmp_path, small(), exit_code=2)
    keep_run(tmp_path, large(40), playbook="/srv/all.yml")
    return tmp_path


def history(directory: Path, *words: str) -> str:
    stream = io.StringIO()
    assert show_history(words, stream, {"HERDER_STATE_DIRECTORY": str(directory)}) == 0
    return stream.getvalue()


def test_the_list_has_a_line_a_run(record: Path) -> None:
    """The latest run first, and one that failed marked without colours, too."""
    lines = history(record).splitlines()

    assert lines[1].split()[:2] == ["!", "2"]
    assert lines[2].split()[0:2] == ["!", "1"]
    assert "site.yml" in lines[2]
    assert "exit 2" in lines[2]


@pytest.mark.parametrize(
    ("command", "name"), [("herder run all -m ping", "ad hoc"), ("herder deploy nope.yml", "none")]
)
def test_only_a_module_that_was_run_is_ad_hoc(command: str, name: str) -> None:
    """A playbook that was not found is not one that nobody asked for."""
    run = RunSummary(
        id=1,
        started=0.0,
        seconds=0.1,
        is_finished=True,
        exit_code=1,
        command=command,
        playbook="",
        user="mia",
        controller="laptop",
        hosts=0,
    )

    assert run.short_name == name


def test_one_run_is_shown_with_failures_times_and_recap(record: Path) -> None:
    """All that one asks after a run that failed."""
    text = history(record, "1")

    assert "1 failed and 1 unreachable of 4 hosts" in text
    assert "non-zero return code" in text
    assert "Slowest tasks" in text
    assert "Critical path" in text
    assert "Recap" in text


def test_two_runs_are_put_side_by_side(record: Path) -> None:
    """What is new and what is gone stands out."""
    text = history(record, "last", "--compare", "1")

    assert "run 1  run 2" in text
    assert "* base : Say so once" in text


@pytest.mark.parametrize("words", [[], ["last"], ["-2"], ["2", "--compare", "1"]])
def test_every_answer_is_json_when_asked(record: Path, words: list[str]) -> None:
    """Programs read it, too."""
    assert json.loads(history(record, "--json", *words))


def test_a_playbook_of_the_past_has_a_forecast(record: Path, tmp_path: Path) -> None:
    """How long it will take is what one asks before starting it."""
    text = history(record, "--playbook", "/srv/all.yml")

    assert "site.yml" not in text
    assert "it takes 23.8 s (median of 1, 23.8 to 23.8 s)" in text


def test_an_empty_record_says_so(tmp_path: Path) -> None:
    """An empty answer would look like a broken one."""
    assert history(tmp_path) == "no runs in the record\n"


@pytest.mark.parametrize("word", ["yesterday", "-9", "99"])
def test_a_run_that_is_not_there_is_an_error(record: Path, word: str) -> None:
    """It names what was asked for, and the way to the list."""
    with pytest.raises(HerderError) as caught:
        history(record, word)

    assert word.lstrip("-") in str(caught.value)
    assert "herder history" in caught.value.hint


def test_a_report_is_written_where_asked_and_is_private(record: Path) -> None:
    """It holds what hosts printed."""
    stream, path = io.StringIO(), record / "out.html"

    code = make_report(["1", "--html", str(path), "--directory", str(record)], stream, {})

    assert code == 0
    assert path.read_text().startswith("<!doctype html>")
    assert path.stat().st_mode & 0o777 == 0o600
    assert stream.getvalue() == f"run 1 is in {path}\n"


def test_a_report_can_go_to_standard_output(record: Path) -> None:
    """For a pipe into mail."""
    stream = io.StringIO()

    make_report(["last", "--html", "-", "--directory", str(record)], stream, {})

    assert stream.getvalue().endswith("</html>\n")


def test_a_report_that_cannot_be_written_names_the_file(record: Path) -> None:
    """Not a traceback."""
    words = ["--html", str(record / "no" / "x.html"), "--directory", str(record)]

    with pytest.raises(UsageError, match=r"no/x\.html"):
        make_report(words, io.StringIO(), {})
