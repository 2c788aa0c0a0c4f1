"""MooTube provisioned by both engines, each on machines of its own, twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from herder.lab.mootube import VAULT_PASSWORD_FILE, find_example
from tests.support.engine_pair import Engine, engine_pair, play_both

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(900)]

INVENTORY = """\
[local]
web
[aws]
[webserver:children]
local
aws
[database]
db
[loadbalancer]
db
[processes]
"""


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, Engine]]:
    """Give ansible-playbook and Herder, each with two machines."""
    with engine_pair(("web", "db"), tmp_path_factory.mktemp("mootube")) as pair:
        yield pair


def test_both_engines_change_the_same_and_the_second_run_nothing(
    engines: tuple[Engine, Engine], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The promise in one test: your playbooks run as they are."""
    hosts = tmp_path_factory.mktemp("inventory") / "hosts.ini"
    hosts.write_text(INVENTORY)
    words = ("-i", str(hosts), "--vault-password-file", str(VAULT_PASSWORD_FILE), "playbook.yml")

    for run in ("first", "second"):
        stock, herder = play_both(engines, find_example().ansible_folder, *words)

        texts = f"{run} run\nansible-playbook:\n{stock.text}\nherder:\n{herder.text}"
        assert stock.exit_code == herder.exit_code == 0, texts
        assert herder.recap == stock.recap, texts
        if run == "second":
            assert all("changed=0 " in sums for sums in herder.recap.values()), texts

    for name in ("web", "db"):
        assert set(engines[1].changed_files(name)) == set(engines[0].changed_files(name))
