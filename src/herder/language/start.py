"""Starts ansible-core's command lines: it is imported here, and not before a run needs it.

Importing ansible-core takes most of the time to start; what is imported with this file does not.
What ansible-core works out of its own files at each start is looked up where it is known.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from herder.kept_file import KeptFile, own_folder
from herder.language.surroundings import Surroundings
from herder.model.fleet import Conductor
from herder.person import at_home
from herder.quick_start import import_late


def run_playbook(words: Sequence[str], program: str, around: Surroundings) -> int:
    """Run `ansible-playbook` with these words; its exit code."""
    with _command_line(around) as core:
        code: int = core.run_playbook(words, program, around)
    return code


def run_module(words: Sequence[str], program: str, around: Surroundings) -> int:
    """Run the ad-hoc `ansible` with these words; its exit code."""
    with _command_line(around) as core:
        code: int = core.run_module(words, program, around)
    return code


def run_deployment(
    words: Sequence[str], program: str, around: Surroundings, conductor: Conductor
) -> int:
    """Run `ansible-playbook` with these words, its deploy play led by the conductor."""
    with _command_line(around) as core:
        code: int = core.run_deployment(words, program, around, conductor)
    return code


@contextlib.contextmanager
def _command_line(around: Surroundings) -> Iterator[Any]:
    # ansible-core reads its configuration when it is imported: this comes before
    defaults = import_late("herder.language.shortcuts.defaults")
    folder = own_folder(at_home(around.cache_directory) / "start")
    kept: KeptFile = defaults.open_kept(folder)
    defaults.keep_defaults(kept)
    core = import_late("herder.language.command_line")
    import_late("herder.language.shortcuts.documents").keep_documents(kept)
    import_late("herder.language.shortcuts.routing").keep_routing(kept)
    yield core
    kept.save()
