"""The switch itself, and the way back by hand, on a machine that is asked all the time."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.lab_site import PORT, LabSite

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

SWITCHES = 200
ASKED = 10_000
READ = """\
import http.client, json, os, sys
address, over = sys.argv[1:]
said, failures, asked = set(), [], 0
while not os.path.exists(over):
    asked += 1
    try:
        connection = http.client.HTTPConnection('localhost', %d, timeout=10)
        connection.request('GET', address)
        page = connection.getresponse()
        said.add('%%d %%s' %% (page.status, page.read().decode().strip()))
        connection.close()
    except OSError as error:
        failures.append(str(error))
print(json.dumps([asked, sorted(said), failures]))
"""


@pytest.mark.slow
def test_no_reader_ever_misses_the_site(served: LabSite) -> None:
    """Ten thousand questions in two hundred switches; remove and link fails one in three (S2)."""
    served.push("two")
    served.deploy("r2")
    over, reader = f"{served.root}.over", f"{served.root}.py"
    served.plays.inside("web1", f"cat > {reader} <<'END'\n{READ % PORT}END")
    ask = f"python3 {reader} /{served.name}/current/index.html {over}"

    with ThreadPoolExecutor() as threads:
        readers = [threads.submit(served.plays.inside, "web1", ask) for _ in range(2)]
        done = served.plays.tasks(_switches(served.root), hosts="web1")
        served.plays.inside("web1", f"touch {over}")
        answers = [json.loads(each.result()) for each in readers]

    assert done.returncode == 0, done.stdout
    assert sum(asked for asked, _, _ in answers) >= ASKED
    for _, said, failures in answers:
        assert (said, failures) == (["200 one", "200 two"], [])


def _switches(root: str) -> dict[str, object]:
    """Give the task that switches there and back; a rate that lets readers ask often enough."""
    return {
        "herder.deploy.release_switch": {
            "deploy_to": root,
            "release": "{{ ['r1', 'r2'][item | int % 2] }}",
        },
        "loop": f"{{{{ range({SWITCHES}) | list }}}}",
        "loop_control": {"pause": 0.1},
        "register": "done",
        "failed_when": "done is not changed",
    }


def test_a_wish_in_words_is_understood(served: LabSite) -> None:
    """Everybody types -e x=false, which is a text; the link changes and the play says so (B4)."""
    served.deploy("r2")
    told = "ansistrano_remove_rolled_back=false"

    served.run("-e", told, command="rollback")

    assert served.current() == ["r1"] * 3
    assert served.look("ls releases") == ["r1\nr2"] * 3


@pytest.mark.slow
def test_a_wish_in_words_is_understood_by_the_role(served: LabSite) -> None:
    """The same with the collection's rollback role and plain plays (B4)."""
    served.deploy("r2")
    play = {"hosts": "lab", "gather_facts": False, "roles": ["herder.deploy.rollback"]}
    given = ["-e", f"deploy_to={served.root}", "-e", "ansistrano_remove_rolled_back=false"]

    done = served.plays.text(json.dumps([play]), *given)

    assert done.returncode == 0, done.stdout
    assert served.current() == ["r1"] * 3
    assert served.look("ls releases") == ["r1\nr2"] * 3
