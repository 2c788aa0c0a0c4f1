"""Brings a site from so many web servers to another number, by running its playbooks in turn."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from herder.errors import LabError, UsageError
from herder.lab.passwords import VaultPassword, handed_over
from herder.lab.playing import Outcome, Play, last_words, play, run_environment

CREATE, PROVISION, CATCH_UP, REMOVE = "aws.yml", "playbook.yml", "catch-up.yml", "remove.yml"
_WEB, _INSTANCES, _BALANCER = "webserver", "aws", "loadbalancer"
_AGAIN = "the same command again goes on from here"


@dataclass(frozen=True, slots=True)
class Site:
    """A site's playbooks and what they are run with.

    *Shapes*: `inventories` are what -i names; `options` are further words of ansible-playbook,
    `inventory_options` those of ansible-inventory; `directory` is where the files that they name
    are found from, the playbooks' folder without it.
    """

    folder: Path
    inventories: tuple[str, ...]
    options: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    inventory_options: tuple[str, ...] = ()
    passwords: tuple[VaultPassword, ...] = ()
    directory: Path | None = None

    def play(self, playbook: str, *options: str, **variables: str) -> Play:
        """Give one of its playbooks, ready to run."""
        return Play(
            self.folder / playbook,
            (*self._inventory_words(), *self.options, *options),
            {**self.variables, **variables},
            self.environment,
            passwords=self.passwords,
            directory=self.directory,
        )

    def inventory_words(self) -> tuple[str, ...]:
        """Give the words that print what its inventories say."""
        ansible = (sys.executable, "-m", "ansible", "inventory", "--list")
        where = ("--playbook-dir", str(self.folder))
        return (*ansible, *where, *self._inventory_words(), *self.inventory_options)

    def deploy(self, playbook: str) -> Play:
        """Give a deployment of it, ready to run."""
        return replace(self.play(playbook), command="deploy")

    def _inventory_words(self) -> tuple[str, ...]:
        return tuple(word for name in self.inventories for word in ("-i", name))


@dataclass(frozen=True, slots=True)
class Servers:
    """The web servers that an inventory has: those that stay in any case, and instances by age."""

    fixed: tuple[str, ...]
    instances: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.fixed) + len(self.instances)


@dataclass(frozen=True, slots=True)
class Step:
    """A playbook that ended well; `done` says what there is now."""

    playbook: str
    done: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.done} in {self.seconds:.1f} s"


@dataclass(frozen=True, slots=True)
class Teller:
    """Whom a run is told to: `step` each playbook that ended, `task` each task that begins."""

    step: Callable[[Step], None]
    task: Callable[[str], None]


async def scale(site: Site, wanted: int, teller: Teller) -> Servers:
    """Have so many web servers, with the release of the others; give them.

    With the number that is there already it ends what was broken off.
    *Raises*: UsageError, for a number that cannot be; LabError, when a playbook fails.
    """
    there = await web_servers(site)
    check_number(there, wanted)
    if wanted < len(there):
        leaving = there.instances[wanted - len(there) :]
        with _hinted(f"{_AGAIN}; to keep {' '.join(leaving)}: herder scale {len(there)}"):
            await _shrink(site, leaving, teller)
    else:
        new = await _create(site, there, wanted - len(there), teller)
        with _hinted(way_on(new, before=len(there))):
            await _bring_in(site, new or (_WEB,), has_release=len(there) > 0, teller=teller)
    now = await web_servers(site)
    check_reached(now, wanted)
    return now


@contextlib.contextmanager
def _hinted(hint: str) -> Iterator[None]:
    """Say what can be done when a playbook fails."""
    try:
        yield
    except LabError as error:
        raise LabError(error.message, context=error.context, hint=hint) from error


def check_reached(now: Servers, wanted: int) -> None:
    """Refuse to call a number reached that is not. *Raises*: LabError."""
    if len(now) != wanted:
        raise LabError(
            f"{len(now)} web servers are there at the end, {wanted} were asked for: somebody else"
            " changes them too, or one was terminated meanwhile",
            hint=_AGAIN,
        )


def check_number(there: Servers, wanted: int) -> None:
    """Refuse what would leave no server, or take one that is no instance. *Raises*: UsageError."""
    least = max(1, len(there.fixed))
    if wanted < least:
        names = f": {', '.join(there.fixed)}" if there.fixed else ""
        raise UsageError(
            f"{wanted} web servers, expected at least {least} (servers that stay{names})"
        )


async def web_servers(site: Site) -> Servers:
    """Ask the inventories anew. *Raises*: LabError, when they cannot be read or have none."""
    with handed_over(site.passwords) as (words, descriptors):
        process = await asyncio.create_subprocess_exec(
            *site.inventory_words(),
            *words,
            cwd=site.directory or site.folder,
            env=run_environment(site.play(CREATE)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            pass_fds=descriptors,
        )
    said, complaints = await process.communicate()
    warnings = last_words(complaints.decode("utf-8", "replace").splitlines())
    if process.returncode != 0:
        raise LabError(f"the inventory cannot be read: {warnings}")
    if "Failed to parse" in warnings or "Unable to parse" in warnings:
        raise LabError(f"the inventory cannot be read whole: {warnings}")
    return servers_of(json.loads(said))


def servers_of(document: Mapping[str, Any]) -> Servers:
    """Give the web servers of what `ansible-inventory --list` prints."""
    variables = document.get("_meta", {}).get("hostvars", {})
    ages = {
        name: str(known["ec2_launch_time"])
        for name, known in variables.items()
        if "ec2_launch_time" in known
    }
    web = _members(document, _WEB)
    fixed = tuple(name for name in web if name not in ages)
    return Servers(fixed, tuple(sorted((n for n in web if n in ages), key=lambda n: (ages[n], n))))


def _members(document: Mapping[str, Any], group: str) -> list[str]:
    entry = document.get(group, {})
    below = (name for child in entry.get("children", []) for name in _members(document, child))
    return list(dict.fromkeys([*entry.get("hosts", []), *below]))


async def _create(site: Site, there: Servers, count: int, teller: Teller) -> tuple[str, ...]:
    """Create so many instances and give their names; none when none are wanted."""
    if count == 0:
        return ()
    counted = ",".join(there.instances)
    what = site.play(CREATE, servers=str(count), counted=counted)
    outcome = await run_step(what, f"{count} servers created", teller)
    now = await web_servers(site)
    new = tuple(name for name in now.instances if name not in there.instances)
    if len(new) < count:
        raise LabError(
            f"{len(new)} of {count} new servers are in the inventory; {CREATE} said:\n"
            f"{last_words(outcome.lines)}",
            hint="does it ask for the tag that aws.yml gives, in the same region?",
        )
    return new


def way_on(new: Sequence[str], *, before: int) -> str:
    """Say what can be done about servers that are there and not in use."""
    if not new:
        return _AGAIN
    if before:
        return f"{_AGAIN}; to give up: herder scale {before}, which removes {' '.join(new)}"
    return f"{_AGAIN}; to give up: aws ec2 terminate-instances --instance-ids {' '.join(new)}"


async def _bring_in(site: Site, names: Sequence[str], *, has_release: bool, teller: Teller) -> None:
    """Provision these servers, give them the release, and then let visitors in."""
    await run_step(site.play(PROVISION, "-l", ",".join(names)), "provisioned", teller)
    if has_release:
        done = "have the current release, and visitors"
        await run_step(site.play(CATCH_UP), done, teller)
    else:
        await run_step(site.play(PROVISION, "-l", _BALANCER), "known to the balancer", teller)


async def _shrink(site: Site, leaving: Sequence[str], teller: Teller) -> None:
    done = f"{', '.join(leaving)} drained and terminated"
    await run_step(site.play(REMOVE, leaving=",".join(leaving)), done, teller)


async def run_step(what: Play, done: str, teller: Teller) -> Outcome:
    """Run one playbook. *Raises*: LabError with its last words, when it fails."""
    outcome = await play(what, on_task=teller.task)
    teller.task("")
    if outcome.exit_code != 0:
        raise LabError(
            f"{what.playbook.name} ended with exit code {outcome.exit_code}:\n"
            f"{last_words(outcome.lines)}"
        )
    teller.step(Step(what.playbook.name, done, outcome.seconds))
    return outcome
