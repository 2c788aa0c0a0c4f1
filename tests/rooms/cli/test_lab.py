"""The command `herder lab`: its words, its texts, and what becomes of wrong ones."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from herder.cli.lab import main
from herder.errors import HerderError, LabError, UsageError

WRONG_WORDS = [
    ([], UsageError),
    (["fly"], UsageError),
    (["up"], UsageError),
    (["up", "0"], UsageError),
    (["up", "-1"], UsageError),
    (["up", "201"], UsageError),
    (["up", "two"], UsageError),
    (["up", "1", "--kind", "clouds"], UsageError),
    (["up", "1", "--name", "../x"], UsageError),
    (["up", "1", "--servers", "Web_"], UsageError),
    (["ssh"], UsageError),
    (["ssh", "web1"], LabError),
    (["status"], LabError),
    (["inventory"], LabError),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give a folder with a lab of one process, named `try`."""
    path = tmp_path_factory.mktemp("labs")
    main(["up", "1", "--kind", "processes", "--name", "try", "--directory", str(path)])
    yield path
    main(["down", "--name", "try", "--directory", str(path)])


@pytest.mark.parametrize(("words", "error"), WRONG_WORDS)
def test_wrong_words_are_refused(
    words: Sequence[str], error: type[HerderError], tmp_path: Path
) -> None:
    """A wrong word must not half-start a lab, nor look like a bug of ours."""
    options = ["--directory", str(tmp_path)] if words and words[0] != "fly" else []

    with pytest.raises(error):
        main([*words[:1], *options, *words[1:]])

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("port", ["-1", "65536", "99999"])
def test_port_that_is_none_makes_no_cloud(port: str, tmp_path: Path) -> None:
    """Linux takes the number's lower half, so the endpoint was told to be where it was not."""
    with pytest.raises(UsageError, match=f"--port {port}, expected 1 to 65535"):
        main(["cloud", "up", "--port", port, "--directory", str(tmp_path)])

    assert list(tmp_path.iterdir()) == []


def test_status_tells_each_server(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Name and address are what one came for."""
    code = main(["status", "--name", "try", "--directory", str(folder)])

    text = capsys.readouterr().out
    assert code == 0
    assert "Lab 'try': processes" in text
    assert "  web1  127.0.0.1:" in text


def test_status_is_one_json_object_when_asked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scripts read it."""
    main(["status", "--json", "--name", "try", "--directory", str(folder)])

    document = json.loads(capsys.readouterr().out)
    assert document["kind"] == "processes"
    assert [server["name"] for server in document["servers"]] == ["web1"]
    assert document["directory"] == str(folder / "try")


def test_inventory_names_the_file_it_is_also_in(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The path is what `-i` wants."""
    main(["inventory", "--name", "try", "--directory", str(folder)])

    comment, _, text = capsys.readouterr().out.partition("\n")
    path = Path(comment.removeprefix("# also in "))
    assert path.read_text("utf-8") == text


def test_unknown_server_is_named_with_those_there_are(folder: Path) -> None:
    """`herder lab ssh` is typed by hand."""
    with pytest.raises(LabError, match="there are: web1"):
        main(["ssh", "db1", "--name", "try", "--directory", str(folder)])


def test_missing_ssh_is_said_and_is_no_bug(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small containers have none."""
    monkeypatch.setenv("PATH", str(folder))

    with pytest.raises(LabError, match="ssh cannot be started") as refused:
        main(["ssh", "--name", "try", "--directory", str(folder), "web1"])

    assert "PATH" in refused.value.hint


def test_lab_of_another_name_is_told_where_there_is_none_of_this(folder: Path) -> None:
    """Who gave it a name forgets the option, and was told to bring up a second lab."""
    with pytest.raises(LabError, match="no lab named 'lab'") as refused:
        main(["status", "--directory", str(folder)])

    assert refused.value.hint == "herder lab up 2, or --name of one that is there: try"


def test_down_says_when_there_was_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is the command one gives when one does not know."""
    assert main(["down", "--directory", str(tmp_path)]) == 0

    assert capsys.readouterr().out == "Lab 'lab' was not up.\n"


def test_help_is_not_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    """It is what one tries first."""
    assert main(["--help"]) == 0

    assert "inventory" in capsys.readouterr().out
