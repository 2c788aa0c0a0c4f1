"""Words that leave the deploy role out, on a play that ansible-core loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from herder.errors import UsageError
from herder.language.left_out import require_role
from herder.language.passes import find_deploy_role
from tests.support.core_plays import load_play
from tests.support.plugins import load_plugins

SITE = """\
- hosts: localhost
  gather_facts: false
  pre_tasks:
    - {name: drain, command: echo drain, tags: [drain]}
  roles: [{role: deploy, tags: [app]}]
  tasks:
    - {name: migrate, command: echo migrate, tags: [migrate]}
"""
ALL = frozenset({"all"})


@pytest.fixture
def play(tmp_path: Path) -> Any:
    """Give a play with a role that has the shape of Ansistrano's."""
    load_plugins()
    role = tmp_path / "roles" / "deploy"
    for folder in ("tasks", "defaults"):
        (role / folder).mkdir(parents=True)
    (role / "defaults" / "main.yml").write_text("ansistrano_deploy_to: /srv/site\n")
    names = ("setup", "update-code", "symlink", "cleanup")
    steps = "".join(f"- {{name: {name}, include_tasks: {name}.yml}}\n" for name in names)
    (role / "tasks" / "main.yml").write_text(steps)
    for name in names:
        (role / "tasks" / f"{name}.yml").write_text("[]\n")
    (tmp_path / "site.yml").write_text(SITE)
    return load_play(tmp_path / "site.yml")


@pytest.mark.parametrize(
    ("only", "skipped", "start_at", "is_whole"),
    [
        (ALL, frozenset(), None, True),
        ({"app"}, frozenset(), None, True),
        ({"migrate"}, frozenset(), None, False),
        (ALL, {"app"}, None, False),
        (ALL, {"migrate"}, None, True),
        (ALL, frozenset(), "drain", True),
        (ALL, frozenset(), "*setup", True),
        (ALL, frozenset(), "*symlink", False),
        (ALL, frozenset(), "migrate", False),
        (ALL, frozenset(), "of another play", False),
    ],
)
def test_words_that_leave_the_deploy_role_out_are_refused(
    play: Any, only: set[str], skipped: set[str], start_at: str | None, *, is_whole: bool
) -> None:
    """Nothing would be staged, and nobody would know why."""
    play.only_tags, play.skip_tags = only, skipped
    role = find_deploy_role(play)
    assert role is not None

    def refuse() -> None:
        require_role(play, role, {}, start_at)

    if is_whole:
        refuse()
    else:
        with pytest.raises(UsageError, match="leave"):
            refuse()
