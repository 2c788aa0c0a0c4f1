"""Settings: defaults, environment names, and texts that do not fit."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from herder.errors import UsageError
from herder.settings import KNOBS, OutputMode, Settings, from_environment


def test_every_field_has_a_knob() -> None:
    """A field without one could not be set, and a knob without a field would break at start."""
    assert [field.name for field in fields(Settings)] == [knob.field for knob in KNOBS]


def test_nothing_in_the_environment_gives_the_defaults() -> None:
    """What the page of settings calls the default is what a user gets."""
    settings = from_environment({"HOME": "/home/ann", "HERDER_OUTPUT": ""})

    assert settings == Settings(state_directory=Path("/home/ann/.local/state/herder"))


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("HERDER_FORKS_MAX", "20", "forks_max", 20),
        ("HERDER_PROGRAMS_AT_ONCE", "5", "programs_at_once", 5),
        ("HERDER_CONNECT_STARTS", "1", "connect_starts", 1),
        ("HERDER_CONNECT_TIMEOUT_SECONDS", "2.5", "connect_timeout_seconds", 2.5),
        ("HERDER_CONNECT_EARLY", "no", "connect_early", False),
        ("HERDER_CLOSE_TIMEOUT_SECONDS", "1", "close_timeout_seconds", 1.0),
        ("HERDER_OUTPUT", "json", "output", OutputMode.JSON),
        ("HERDER_OUTPUT_LIMIT_BYTES", "1000", "output_limit_bytes", 1000),
        ("HERDER_STATE_DIRECTORY", "/var/lib/herder", "state_directory", Path("/var/lib/herder")),
        ("HERDER_STATE_DIRECTORY", "~/runs", "state_directory", Path("/home/ann/runs")),
    ],
)
def test_a_variable_sets_its_field_in_its_type(
    name: str, text: str, field: str, value: object
) -> None:
    """The reading of a knob gives what the field's type says."""
    settings = from_environment({"HOME": "/home/ann", name: text})

    assert getattr(settings, field) == value
    assert type(getattr(settings, field)) is type(value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("HERDER_FORKS_MAX", "0"),
        ("HERDER_FORKS_MAX", "many"),
        ("HERDER_CONNECT_TIMEOUT_SECONDS", "nan"),
        ("HERDER_CONNECT_TIMEOUT_SECONDS", "inf"),
        ("HERDER_CONNECT_TIMEOUT_SECONDS", "-1"),
        ("HERDER_OUTPUT", "loud"),
        ("HERDER_CONNECT_EARLY", "perhaps"),
    ],
)
def test_a_text_that_does_not_fit_is_named_with_what_was_expected(name: str, text: str) -> None:
    """A wrong setting must stop the run before it does anything."""
    with pytest.raises(UsageError) as caught:
        from_environment({name: text})

    assert caught.value.message.startswith(f"{name} is {text!r}, expected ")
    assert caught.value.exit_code == 5
