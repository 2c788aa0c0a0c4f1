"""What is judged to bite a site on several servers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from herder.model.readiness import HostSight, Probe
from herder.release.clocks import Asked
from herder.release.readiness import all_in_one_batch, judge
from herder.release.sight import read_sight

_GOOD = HostSight(
    "web1",
    release="r7",
    python="Python 3.11.2",
    system="Debian 12",
    packages={"nginx": "1.22"},
    files={"shared/.env": "abc"},
    settings={"DATABASES.default": "postgresql://10.0.0.5", "SESSION_ENGINE": "backends.db"},
    proxy=("proxy_pass http://app;", "set_real_ip_from 10.0.0.6;"),
    health=Probe(200, '{"release": "r7"}'),
    wrong_name=Probe(400, "bad request"),
)


def _others() -> list[HostSight]:
    return [replace(_GOOD, host="web2"), replace(_GOOD, host="web3")]


def test_servers_that_are_alike_have_no_findings() -> None:
    """A check that always complains is not read."""
    assert judge([_GOOD, *_others()]) == ()


@pytest.mark.parametrize(
    ("batches", "hosts"),
    [
        ([("web1", "web2")], ["web1", "web2"]),
        ([("web1",), ("web2", "web3")], []),
        ([("web1",)], []),
        ([], []),
    ],
    ids=["no serial", "serial", "one server", "no server"],
)
def test_servers_that_would_all_restart_at_the_same_moment_are_found(
    batches: list[tuple[str, ...]], hosts: list[str]
) -> None:
    """Ansible's five forks made waves of it, where nobody had thought of `serial`."""
    assert [finding.host for finding in all_in_one_batch(batches)] == hosts


@pytest.mark.parametrize(
    ("sight", "what"),
    [
        (replace(_GOOD, settings={"DATABASE_URL": "postgres://u:***@localhost/x"}), "database on"),
        (replace(_GOOD, settings={"DATABASES.default": "sqlite3:///srv/x"}), "database on"),
        (replace(_GOOD, settings={"DB_HOST": "127.0.0.1"}), "database on"),
        (
            replace(_GOOD, settings={"SESSION_ENGINE": "django.contrib.sessions.backends.file"}),
            "sessions on",
        ),
        (replace(_GOOD, folders={"shared/media": "ext2/ext3 12"}), "uploads on"),
        (replace(_GOOD, settings={"MEDIA_ROOT": "/srv/media"}), "uploads on"),
        (
            replace(_GOOD, settings={"CACHES.default.KEY_PREFIX": "/srv/releases/r7"}),
            "cache keys hold",
        ),
        (replace(_GOOD, release="r6", health=None), "different release"),
        (replace(_GOOD, python="Python 3.9.2"), "different runtime"),
        (replace(_GOOD, packages={"nginx": "1.18"}), "different package"),
        (replace(_GOOD, files={"shared/.env": "xyz"}), "different configuration"),
        (replace(_GOOD, clock_seconds=-60.0), "different clock"),
        (replace(_GOOD, pending=("videos.0002_views",)), "pending migrations"),
        (replace(_GOOD, health=Probe(200, "ok"), wrong_name=Probe(200, "ok")), "health address"),
        (replace(_GOOD, proxy=("proxy_pass http://app;",)), "load balancer taken"),
        (
            replace(_GOOD, proxy=("proxy_pass http://a;", "set_real_ip_from 0.0.0.0/0;")),
            "anybody's X-Forwarded-For",
        ),
        (replace(_GOOD, failure="unreachable: no route"), "not looked at"),
    ],
)
def test_what_would_bite_is_found_where_it_is(sight: HostSight, what: str) -> None:
    """Each finding names the host, so that it can be mended there."""
    found = judge([sight, *_others()])

    assert [finding.host for finding in found] == ["web1"]
    assert found[0].what.startswith(what)


def test_database_elsewhere_is_well() -> None:
    """A name that only begins like this host's is another host."""
    sight = replace(_GOOD, settings={"DATABASE_URL": "postgres://u:***@localhost.example/x"})

    assert judge([sight]) == ()


def test_network_file_system_may_have_uploads() -> None:
    """All servers see the same files there."""
    assert judge([replace(_GOOD, folders={"shared/media": "nfs 12"}), *_others()]) == ()


def test_health_that_names_the_release_is_the_app_under_any_name() -> None:
    """An app that answers to all names is not a page of the web server's."""
    page = Probe(200, '{"release": "r7"}')

    assert judge([replace(_GOOD, health=page, wrong_name=page)]) == ()


def test_scripts_output_is_read() -> None:
    """Sections, in any order, with what other hosts may lack."""
    text = "== clock\n1000.5\n== release\nr7\n== files\nabc shared/a b\n== settings\nDB_HOST=db\n"

    sight = read_sight("web1", {"stdout": text}, asked=Asked(1000.0, 1001.0))

    assert sight == HostSight(
        "web1", release="r7", files={"shared/a b": "abc"}, settings={"DB_HOST": "db"}
    )


@pytest.mark.parametrize(("clock", "ahead"), [(1000.5, 0.0), (1031.0, 30.0), (940.0, -60.0)])
def test_clock_is_known_as_well_as_the_answer_took(clock: float, ahead: float) -> None:
    """A slow connection must not look like a wrong clock."""
    sight = read_sight("web1", {"stdout": f"== clock\n{clock}\n"}, asked=Asked(1000.0, 1001.0))

    assert sight.clock_seconds == pytest.approx(ahead)
