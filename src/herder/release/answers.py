"""What hosts answer to the collection's modules, read into what the conductor needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from herder.errors import DeploymentRefused
from herder.model.fleet import Fleet, RoleKind
from herder.model.releases import HostReleases

INFO_MODULE = "herder.deploy.release_info"
STAGE_MODULE = "herder.deploy.release_stage"
SWITCH_MODULE = "herder.deploy.release_switch"


def layout(fleet: Fleet, host: str) -> dict[str, object]:
    """Give the arguments that say where a host keeps its releases."""
    values = fleet.values(host)
    return {
        "deploy_to": values.deploy_to,
        "version_dir": values.version_dir,
        "shared_dir": values.shared_dir,
        "current_dir": values.current_dir,
    }


def ask_same(
    fleet: Fleet, hosts: Sequence[str], module: str, words: Mapping[str, object]
) -> Mapping[str, Mapping[str, object]]:
    """Run a module with the same words on these hosts, each with its own layout."""
    return fleet.ask(module, {host: layout(fleet, host) | dict(words) for host in hosts})


def failure_of(answer: Mapping[str, object]) -> str:
    """Say in one line why a host's answer is a failure, or ''."""
    if not answer:
        return "no answer"
    if answer.get("unreachable"):
        return f"unreachable: {_first_line(answer)}"
    if answer.get("failed"):
        return _first_line(answer)
    return ""


def tell_failures(fleet: Fleet, answers: Mapping[str, Mapping[str, object]], what: str) -> None:
    """Say for each host that failed what was not done there, and why; nothing ends by it."""
    for host, answer in answers.items():
        if failure := failure_of(answer):
            fleet.tell(f"{host}: {what}: {failure}")


def variable_prefix(fleet: Fleet) -> str:
    """Give what the names of the role's variables begin with."""
    return "deploy" if fleet.role is RoleKind.HERDER else "ansistrano"


def git_access(fleet: Fleet, host: str) -> dict[str, object]:
    """Give what git needs to get at the repository from a host, as the role gives it to git.

    That is the deploy key (the path of one that the host has, else the text of the controller's),
    options of ssh, the program, and what else to fetch.
    """
    prefix = f"{variable_prefix(fleet)}_git_"
    names = {"key_path": "identity_key_remote_path", "ssh_options": "ssh_opts"}
    names |= {name: name for name in ("executable", "refspec")}
    values = {word: fleet.variable(host, prefix + name) for word, name in names.items()}
    access = {word: value for word, value in values.items() if value}
    text = fleet.variable(host, prefix + "identity_key")
    here = str(fleet.variable(host, prefix + "identity_key_path", "")).strip()
    if text or (here and "key_path" not in access):
        access["key"] = text or fleet.file_text(here)
    return access


def named_by_playbook(fleet: Fleet, host: str) -> str:
    """Give the release's name where variables of the playbook fix it, under either role's name."""
    names = ("deploy_release_version", "ansistrano_release_version")
    own, other = names if fleet.role is RoleKind.HERDER else reversed(names)
    return str(fleet.variable(host, own) or fleet.variable(host, other) or "")


def confirm_switches(fleet: Fleet, hosts: Sequence[str], token: int) -> dict[str, str]:
    """Make guarded switches final, so that hosts do not go back by themselves.

    Gives why, for each host that did not confirm: its guard may have been quicker.
    """
    if fleet.role is not RoleKind.HERDER:
        note_what_serves(fleet, hosts, token)
        return {}
    words = {"action": "confirm", "token": token}
    answers = ask_same(fleet, hosts, SWITCH_MODULE, words)
    return {host: why for host, answer in answers.items() if (why := failure_of(answer))}


def note_what_serves(fleet: Fleet, hosts: Sequence[str], token: int) -> None:
    """Let hosts note which release serves, where the role changes the link and keeps no note."""
    words = {"release": "none", "via": "none", "steps": ["setup"], "token": token}
    answers = ask_same(fleet, hosts, STAGE_MODULE, words)
    tell_failures(fleet, answers, "what serves could not be noted")


def _first_line(answer: Mapping[str, object]) -> str:
    return next(iter(str(answer.get("msg") or "").strip().splitlines()), "failed")


def look_at(
    fleet: Fleet, hosts: Sequence[str], check: str = "none", *, with_once: bool = False
) -> dict[str, HostReleases]:
    """Ask hosts for their releases; a host that cannot answer says why in `failure`.

    What ran once for all hosts is told only when it is asked for: it grows with the years.
    """
    answers = ask_same(fleet, hosts, INFO_MODULE, {"check": check, "once": with_once})
    return {host: _read(host, answers.get(host, {})) for host in hosts}


def _read(host: str, answer: Mapping[str, object]) -> HostReleases:
    failure = failure_of(answer)
    if failure:
        return HostReleases(host, failure=failure)
    log = _records(answer.get("log"))
    return HostReleases(
        host=host,
        current=str(answer.get("current") or ""),
        outside=str(answer.get("outside") or ""),
        targets=tuple(str(name) for name in _list(answer.get("rollback_targets"))),
        usable=tuple(str(name) for name in _list(answer.get("usable"))),
        releases=_records(answer.get("releases")),
        holder=answer.get("lease"),
        is_dangling=bool(answer.get("is_dangling")),
        is_pending=bool(answer.get("is_pending")),
        is_overdue=bool(answer.get("is_overdue")),
        last_log=log[-1] if log else None,
        once=_entries(answer.get("once")),
    )


def usual_release(seen: Mapping[str, HostReleases]) -> str:
    """Name the release that most hosts serve; of equally frequent ones the newest.

    *Raises*: DeploymentRefused when no host serves any.
    """
    served = Counter(each.current for each in seen.values() if each.current)
    if not served:
        raise DeploymentRefused("no host serves a release that others could catch up with")
    return max(served, key=lambda name: (served[name], _finished(seen, name)))


def _finished(seen: Mapping[str, HostReleases], name: str) -> float:
    records = [each.release(name) or {} for each in seen.values()]
    return max(float(str(record.get("finished") or 0)) for record in records)


def _entries(value: object) -> dict[str, Mapping[str, object]]:
    entries = value.items() if isinstance(value, Mapping) else ()
    return {str(key): entry for key, entry in entries if isinstance(entry, Mapping)}


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()


def _records(value: object) -> tuple[Mapping[str, object], ...]:
    return tuple(each for each in _list(value) if isinstance(each, Mapping))
