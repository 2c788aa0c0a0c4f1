"""The lease over a fleet: all hosts or none, one number on all, renewed until it is given back.

Each host keeps its part (module herder.deploy.release_lease). The number grows with every lease;
a host refuses the late command of an older one. Without renewal a part ends by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from herder.errors import DeploymentRefused
from herder.model.fleet import Fleet
from herder.model.releases import DeployWishes, holder_text
from herder.release.answers import failure_of, layout

MODULE = "herder.deploy.release_lease"
LEASE_SECONDS = 30.0
RENEW_SECONDS = 8.0
RETRY_SECONDS = 2.0
# So long is waited for a renewal: a host that is silent must not cost the others their lease.
ANSWER_SECONDS = 8

Parts = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Claim:
    """Who wants the lease and why, for the next one to read."""

    owner: str
    user: str
    host: str
    why: str
    release: str


def claim_of(wishes: DeployWishes, release: str) -> Claim:
    """Give the claim that stands for these wishes."""
    return Claim(wishes.owner, wishes.user, wishes.controller, wishes.message, release)


@dataclass(slots=True)
class FleetLease:
    """One deployer's lease; `token` is its number once it is held."""

    fleet: Fleet
    hosts: Sequence[str]
    claim: Claim
    token: int = 0
    progress: str = ""
    _stop_renewing: Callable[[], None] | None = field(default=None)

    def acquire(self, wait_seconds: float) -> None:
        """Take the lease on every host, waiting for another deployer as long as asked.

        *Raises*: DeploymentRefused, saying who holds it where, or which host cannot be asked (that
        is not waited for); nothing is held then.
        """
        deadline = time.monotonic() + wait_seconds
        told = ""
        while refusals := self._try_once():
            if time.monotonic() >= deadline:
                raise DeploymentRefused(
                    "another deployment holds hosts of this one",
                    refusals,
                    hint="wait for it with --wait SECONDS, or see `herder unlock`",
                )
            if told != (told := refusals[0][1]):
                self.fleet.tell(f"waiting: {told}")
            time.sleep(RETRY_SECONDS)
        self._stop_renewing = self.fleet.repeat(RENEW_SECONDS, self.renew)

    def _try_once(self) -> tuple[tuple[str, str], ...]:
        words = {"action": "acquire", "fail_when_held": False, **self._words()}
        parts = dict(self._ask_all(words))
        refusals = self._refusals(parts)
        if not refusals:
            self.token = max(_number(part) for part in parts.values())
            behind = [host for host in self.hosts if _number(parts[host]) < self.token]
            parts |= self._ask(words | {"at_least": self.token}, behind) if behind else {}
            # a part with another number could not be renewed
            refusals = self._refusals(parts)
        if refusals:
            self._give_back([host for host in self.hosts if parts.get(host, {}).get("held")], parts)
            self._require_answers(parts)
        return refusals

    def _refusals(self, parts: Parts) -> tuple[tuple[str, str], ...]:
        return tuple((host, why) for host in self.hosts if (why := _refusal(parts.get(host, {}))))

    def _require_answers(self, parts: Parts) -> None:
        broken = tuple(
            (host, why) for host in self.hosts if (why := failure_of(parts.get(host, {})))
        )
        if broken:
            raise DeploymentRefused("not every host is ready; nothing was changed", broken)

    def renew(self) -> None:
        """Put off the end of the lease and say how far the deployment is."""
        words: dict[str, object] = {"action": "renew", "token": self.token}
        words |= {"progress": self.progress}
        words |= {"owner": self.claim.owner, "seconds": LEASE_SECONDS}
        self._ask(words, self.hosts, ANSWER_SECONDS)

    def release(self) -> None:
        """Give the lease back; safe when it is not held."""
        if self._stop_renewing is not None:
            self._stop_renewing()
            self._stop_renewing = None
            self._ask_all({"action": "release", "owner": self.claim.owner, "token": self.token})

    def _give_back(self, hosts: Sequence[str], parts: Parts) -> None:
        self.fleet.ask(
            MODULE,
            {
                host: layout(self.fleet, host)
                | {
                    "action": "release",
                    "owner": self.claim.owner,
                    "token": _number(parts[host]),
                }
                for host in hosts
            },
        )

    def _words(self) -> dict[str, object]:
        claim = self.claim
        return {
            "owner": claim.owner,
            "user": claim.user,
            "host": claim.host,
            "why": claim.why,
            "release": claim.release,
            "seconds": LEASE_SECONDS,
        }

    def _ask_all(self, words: Mapping[str, object]) -> Parts:
        return self._ask(words, self.hosts)

    def _ask(self, words: Mapping[str, object], hosts: Sequence[str], seconds: int = 0) -> Parts:
        arguments = {host: layout(self.fleet, host) | dict(words) for host in hosts}
        return self.fleet.ask(MODULE, arguments, seconds)


def _number(part: Mapping[str, object]) -> int:
    return int(str(part.get("token") or 0))


def _refusal(part: Mapping[str, object]) -> str:
    """Say why a host did not give its part, or ''."""
    failure = failure_of(part)
    if failure:
        return failure
    return "" if part.get("held") else holder_text(part.get("holder"))
