"""Which of ansible-core's own callbacks are passed over, and that no other is."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from herder.language.own_callbacks import OWN
from tests.rooms.language.conftest import Play

OWN_CALLBACK = """\
from ansible.plugins.callback import CallbackBase

class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "minimal"

    def v2_playbook_on_start(self, playbook):
        self._display.display("OWN CALLBACK")
"""


@pytest.mark.parametrize("name", sorted(OWN))
def test_what_is_passed_over_does_nothing_unless_it_is_asked_for(name: str) -> None:
    """A callback that is told of every run by itself must be loaded."""
    plugin = importlib.import_module(f"ansible.plugins.callback.{name}").CallbackModule

    assert plugin.CALLBACK_TYPE == "stdout" or plugin.CALLBACK_NEEDS_ENABLED


def test_a_callback_of_the_user_is_loaded_whatever_its_name(play: Play, tmp_path: Path) -> None:
    """A name that ansible-core's own has too is no reason to pass over it."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "minimal.py").write_text(OWN_CALLBACK)

    done = play([], environment={"ANSIBLE_CALLBACK_PLUGINS": str(tmp_path / "own")})

    assert "OWN CALLBACK" in done.stdout


def test_an_enabled_callback_is_loaded(play: Play, tmp_path: Path) -> None:
    """The file of the callback junit is what somebody asked for."""
    directory = tmp_path / "junit"

    play(
        [{"debug": {"msg": "hello"}}],
        environment={"ANSIBLE_CALLBACKS_ENABLED": "junit", "JUNIT_OUTPUT_DIR": str(directory)},
    )

    assert len(list(directory.glob("*.xml"))) == 1


def test_the_callback_for_standard_output_may_be_one_of_them(play: Play) -> None:
    """It is asked for by another setting."""
    done = play([{"debug": {"msg": "hello"}}], environment={"ANSIBLE_STDOUT_CALLBACK": "oneline"})

    assert "localhost | SUCCESS => {" in done.stdout


def test_at_verbosity_two_all_are_loaded_and_told_of(play: Play) -> None:
    """ansible-core says there which callbacks it does not use."""
    done = play([], "-vv")

    assert "Skipping callback 'oneline', as we already have a stdout callback." in done.stdout
