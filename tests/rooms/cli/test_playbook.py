"""The command `herder-playbook`, which stands in the place of `ansible-playbook`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import herder

SOURCE = str(Path(herder.__file__).parents[1])
ENTRY = "from herder.cli.playbook import console; console()"


def test_a_wrong_setting_ends_in_a_text_and_not_in_a_traceback() -> None:
    """The entry that scripts call has the same shell around it as `herder` has."""
    done = subprocess.run(
        [sys.executable, "-c", ENTRY, "site.yml"],
        env={**os.environ, "PYTHONPATH": SOURCE, "HERDER_FORKS_MAX": "many"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 5
    assert done.stderr.startswith("herder: HERDER_FORKS_MAX is 'many', expected ")


def test_output_without_a_word_is_told_what_words_there_are(tmp_path: Path) -> None:
    """It was an error of a command that does not exist."""
    done = _run([sys.executable, "-c", ENTRY, "site.yml", "--output"], tmp_path)

    assert done.returncode == 5
    assert done.stderr == (
        "herder: argument --output: expected one argument\n  try: one of auto, live, plain, json\n"
    )


@pytest.mark.parametrize("word", ["--help", "--version", "--list-hosts"])
def test_what_only_shows_something_is_not_kept_as_a_run(word: str, tmp_path: Path) -> None:
    """The help is no run, and a list of hosts must not push one out of the record."""
    playbook = tmp_path / "site.yml"
    playbook.write_text("- hosts: localhost\n  tasks: []\n")

    _run([sys.executable, "-c", ENTRY, str(playbook), word], tmp_path)

    assert not (tmp_path / "state").exists()


def test_under_another_name_it_says_that_name(tmp_path: Path) -> None:
    """It is linked in the place of `ansible-playbook`, whose help scripts and people read."""
    link = tmp_path / "ansible-playbook"
    link.write_text(f"#!{sys.executable}\n{ENTRY}\n")
    link.chmod(0o755)

    done = _run([str(link), "--help"], tmp_path)

    assert done.stdout.startswith("usage: ansible-playbook [-h]")
    assert done.returncode == 0


def test_it_takes_every_option_of_ansible_playbook(tmp_path: Path) -> None:
    """A script must not find out in the night which one is missing."""
    stock = _run([str(Path(sys.executable).with_name("ansible-playbook")), "--help"], tmp_path)
    ours = _run([sys.executable, "-c", ENTRY, "--help"], tmp_path)

    assert _options(stock.stdout) <= _options(ours.stdout)
    assert len(_options(ours.stdout)) > 40


def test_help_tells_what_is_not_ansible_playbook_s(tmp_path: Path) -> None:
    """How many hosts run at once, and our one option more."""
    told = " ".join(_run([sys.executable, "-c", ENTRY, "--help"], tmp_path).stdout.split())

    assert "how many hosts at once (default: all, up to 500)" in told
    assert told.endswith("--output WORD chooses what is shown, one of auto, live, plain, json")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["site.yml"], 0),
        (["nowhere.yml"], 1),
        (["--no-such-option", "site.yml"], 2),
        (["failed.yml"], 2),
        (["broken.yml"], 4),
        (["site.yml", "-f", "0"], 2),
    ],
)
def test_exit_codes_are_those_of_ansible_playbook(
    words: list[str], code: int, tmp_path: Path
) -> None:
    """Pipelines look at nothing else."""
    head = "- hosts: localhost\n  gather_facts: false\n  tasks:\n"
    (tmp_path / "site.yml").write_text(f"{head}    - debug:\n")
    (tmp_path / "failed.yml").write_text(f"{head}    - fail:\n")
    (tmp_path / "broken.yml").write_text("- hosts: [\n")

    done = _run([sys.executable, "-c", ENTRY, *words], tmp_path)

    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


def test_json_is_all_that_standard_output_has(tmp_path: Path) -> None:
    """What ansible-core has to say beside it goes to standard error."""
    (tmp_path / "site.yml").write_text("- hosts: localhost\n  tasks: []\n- hosts: nowhere\n")

    done = _run([sys.executable, "-c", ENTRY, "--output", "json", "site.yml"], tmp_path)

    events = [json.loads(line)["event"] for line in done.stdout.splitlines()]
    assert events[0] == "playbook_started"
    assert events[-1] == "playbook_finished"
    assert "nowhere" in done.stderr


def test_a_run_that_ends_in_an_error_of_ours_is_recorded_with_its_exit_code(
    tmp_path: Path,
) -> None:
    """It stood in the history as "exit None", and in detail as one in which all was well."""
    (tmp_path / "site.yml").write_text("- hosts: localhost\n  tasks: []\n")
    ours = [sys.executable, "-c", "import sys; from herder.cli.main import main; sys.exit(main())"]

    run = _run([*ours, "playbook", "site.yml", "--forks", "2"], tmp_path, ANSIBLE_FORKS="0")
    history = _run([*ours, "history", "last"], tmp_path)

    assert run.returncode == 5
    assert "exit 5" in history.stdout
    assert "ended with exit code 5" in history.stdout


def _run(words: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": SOURCE,
            "COLUMNS": "80",
            "HERDER_STATE_DIRECTORY": str(folder / "state"),
            **environment,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def _options(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", text))
