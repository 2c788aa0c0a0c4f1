"""Judges what was seen of hosts: what would bite a site that runs on several of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain

from herder.model.fleet import Fleet
from herder.model.readiness import Finding, HostSight
from herder.release.clocks import CLOCK_LIMIT_SECONDS
from herder.release.look import all_hosts
from herder.release.sight import look

_SHOWN = 5
_OWN_HOST = re.compile(r"(//|@)(localhost|127\.\d+\.\d+\.\d+|\[::1\])(?=[:/]|$)|^(localhost|127\.)")
_LOCAL_CACHE = re.compile(r"(FileBased|file://)")
_LOCAL_SESSION = re.compile(r"(sessions\.backends\.file|^files?$|^/)")
_NETWORK_FILES = ("nfs", "nfs4", "ceph", "cifs", "smb2", "fuseblk", "fuse", "gfs/gfs2", "lustre")

Sights = Sequence[HostSight]
Rule = Callable[[Sights], Iterator[Finding]]


def find_readiness(fleet: Fleet) -> tuple[Finding, ...]:
    """Ask the play's hosts and give the findings."""
    return (*all_in_one_batch(fleet.batches), *judge(look(fleet, all_hosts(fleet))))


def all_in_one_batch(batches: Sequence[Sequence[str]]) -> Iterator[Finding]:
    """Find that all hosts of a play change at the same moment."""
    if len(batches) != 1 or len(batches[0]) == 1:
        return
    for host in batches[0]:
        yield Finding(
            host,
            "all servers change at once",
            f"one of {len(batches[0])} hosts in the only batch",
            "while they restart and are cold, nobody answers; a bad release meets all visitors",
            "give the play `serial`, for example `serial: [1, 25%]`",
        )


def judge(sights: Sights) -> tuple[Finding, ...]:
    """Give the findings, by rule and then by host."""
    seen = [sight for sight in sights if not sight.failure]
    lost = (_lost(sight) for sight in sights if sight.failure)
    return tuple(chain(lost, *(rule(seen) for rule in RULES)))


def _lost(sight: HostSight) -> Finding:
    return Finding(
        sight.host,
        "not looked at",
        sight.failure,
        "what cannot be asked cannot be deployed to either",
        "make it reachable, or take it out of the inventory",
    )


def own_database(sights: Sights) -> Iterator[Finding]:
    for sight in sights:
        for name, value in sight.settings.items():
            if not re.search(r"DATABASE|DB_|REDIS", name) or not _is_own(value):
                continue
            yield Finding(
                sight.host,
                "database on the server itself",
                f"{name}={value}",
                "each server would have its own users, videos and sessions",
                "point all servers at one database that the others can reach",
            )


def _is_own(value: str) -> bool:
    return value.startswith("sqlite") or bool(_OWN_HOST.search(value))


def local_sessions(sights: Sights) -> Iterator[Finding]:
    for sight in sights:
        for name, value in sight.settings.items():
            if "SESSION" in name and _LOCAL_SESSION.search(value):
                yield Finding(
                    sight.host,
                    "sessions on local disk",
                    f"{name}={value}",
                    "visitors are logged out whenever another server answers",
                    "keep sessions in the database or a shared cache",
                )


def local_uploads(sights: Sights) -> Iterator[Finding]:
    for sight in sights:
        for path, told in sight.folders.items():
            kind, _, count = told.partition(" ")
            if kind not in _NETWORK_FILES and (count != "0" or len(sights) > 1):
                yield Finding(
                    sight.host,
                    "uploads on local disk",
                    f"{path} on {kind}, {count} files",
                    "a file that one server took is missing on the others",
                    "use object storage or a file system that all servers mount",
                )
        root = sight.settings.get("MEDIA_ROOT", "")
        if root and not any(path in root or root.endswith(path) for path in sight.folders):
            yield Finding(
                sight.host,
                "uploads on local disk",
                f"MEDIA_ROOT={root}",
                "a file that one server took is missing on the others",
                "use object storage or a file system that all servers mount",
            )


def local_cache(sights: Sights) -> Iterator[Finding]:
    for sight in sights:
        for name, value in sight.settings.items():
            if "CACHE" not in name:
                continue
            if "/releases/" in value or (sight.release and sight.release in value):
                yield Finding(
                    sight.host,
                    "cache keys hold the release",
                    f"{name}={value}",
                    "during a rolling release the servers do not see each other's entries",
                    "name the prefix after the site, not after its path",
                )
            elif _LOCAL_CACHE.search(value):
                yield Finding(
                    sight.host,
                    "cache on local disk",
                    f"{name}={value}",
                    "what one server throws away, the others go on showing",
                    "use a cache that all servers share",
                )


def different(what: str, value: Callable[[HostSight], str], why: str, todo: str) -> Rule:
    """Give the rule that all hosts have the same; those that differ from most are found."""

    def rule(sights: Sights) -> Iterator[Finding]:
        values = {sight.host: value(sight) for sight in sights}
        usual = _usual(list(values.values()))
        for host, own in values.items():
            if own != usual:
                text = f"{own or 'none'}, others have {usual or 'none'}"
                yield Finding(host, f"different {what}", text, why, todo)

    return rule


def different_entries(
    what: str, entries: Callable[[HostSight], Mapping[str, str]], why: str, todo: str
) -> Rule:
    """Give the rule that what several hosts have by one name is the same."""

    def rule(sights: Sights) -> Iterator[Finding]:
        names = sorted({name for sight in sights for name in entries(sight)})
        usual = {
            name: _usual([entries(sight)[name] for sight in sights if name in entries(sight)])
            for name in names
        }
        for sight in sights:
            own = entries(sight)
            odd = [name for name in names if name in own and own[name] != usual[name]]
            if odd:
                shown = ", ".join(
                    f"{name} {own[name]} (others have {usual[name]})" for name in odd[:_SHOWN]
                )
                more = f" and {len(odd) - _SHOWN} more" if len(odd) > _SHOWN else ""
                yield Finding(sight.host, f"different {what}", shown + more, why, todo)

    return rule


def _usual(values: Sequence[str]) -> str:
    """Give the most frequent value; of equally frequent ones the first."""
    return Counter(values).most_common(1)[0][0] if values else ""


def wrong_clock(sights: Sights) -> Iterator[Finding]:
    for sight in sights:
        if abs(sight.clock_seconds) > CLOCK_LIMIT_SECONDS:
            yield Finding(
                sight.host,
                "different clock",
                f"{sight.clock_seconds:+.0f} s",
                "sessions and locks end too early or too late, logs cannot be put in order",
                "let it follow a time server (chrony, systemd-timesyncd)",
            )


def pending_migrations(sights: Sights) -> Iterator[Finding]:
    for sight in sights:
        if sight.pending:
            yield Finding(
                sight.host,
                "pending migrations",
                ", ".join(sight.pending[:_SHOWN]),
                "the code expects tables that are not there, or two servers migrate at once",
                "let the deployment migrate once, before the first server switches",
            )


def blind_health(sights: Sights) -> Iterator[Finding]:
    for sight in sights:
        right, wrong = sight.health, sight.wrong_name
        if right is None or wrong is None or right.status not in range(200, 400):
            continue
        names_release = bool(sight.release) and sight.release in right.body
        if (right.status, right.body) == (wrong.status, wrong.body) and not names_release:
            yield Finding(
                sight.host,
                "health address proves nothing",
                f"status {right.status} and the same page under a name that is not the site's",
                "the balancer would send visitors to a server whose app is dead",
                "let the app itself answer it, ask the database, and name the release",
            )


def misread_addresses(sights: Sights) -> Iterator[Finding]:
    for sight in sights:
        text = "\n".join(sight.proxy)
        if "proxy_pass" not in text:
            continue
        trusted = re.findall(r"set_real_ip_from\s+(\S+?);", text)
        if any(network.endswith("/0") for network in trusted):
            yield Finding(
                sight.host,
                "anybody's X-Forwarded-For is believed",
                f"set_real_ip_from {', '.join(trusted)}",
                "visitors choose the address that logs and limits see",
                "believe the load balancers' addresses only",
            )
        elif not trusted and len(sights) > 1:
            yield Finding(
                sight.host,
                "load balancer taken for the visitor",
                "proxy_pass without set_real_ip_from",
                "behind a balancer all visitors have its address, and limits hit all at once",
                "set_real_ip_from the balancers, real_ip_header X-Forwarded-For",
            )


RULES: tuple[Rule, ...] = (
    own_database,
    local_sessions,
    local_uploads,
    local_cache,
    different(
        "release",
        lambda sight: sight.release,
        "visitors see two sites in turn",
        "herder deploy, or bring the new server to the current release",
    ),
    different(
        "runtime",
        lambda sight: ", ".join(filter(None, (sight.system, sight.python))),
        "what was tested on one may fail on the other",
        "install the same version with the provisioning playbook",
    ),
    different_entries(
        "package versions",
        lambda sight: sight.packages,
        "what was tested on one may fail on the other",
        "upgrade them together, or make new servers from one image",
    ),
    different_entries(
        "configuration files",
        lambda sight: sight.files,
        "an answer depends on which server gives it",
        "run the provisioning playbook on all hosts",
    ),
    wrong_clock,
    pending_migrations,
    blind_health,
    misread_addresses,
)
