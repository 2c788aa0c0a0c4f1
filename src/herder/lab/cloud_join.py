"""Joins moto's EC2 to the lab: its instances are servers, its images are their layers.

moto keeps the books (tags, filters, networks, errors). Here its classes are taken further where
something has to happen: `Ec2` in place of its backend, `LabInstance` in place of its instance.
What takes time happens on a thread of the instance, one thing after the other, and the instance
tells its state meanwhile as EC2 does: pending, stopping, shutting-down.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend, ec2_backends, instances
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.models.instances import Instance, StateReason

from herder.errors import LabError
from herder.lab.cloud_hands import CloudHands, FirstBoot
from herder.lab.state import Server

_LOG = logging.getLogger("herder.lab")
_CODES = {
    "pending": 0,
    "running": 16,
    "shutting-down": 32,
    "terminated": 48,
    "stopping": 64,
    "stopped": 80,
}
_RUNS_AFTER_SECONDS = 10.0
_LIVING = ("pending", "running", "stopping", "stopped")


class LabInstance(Instance):
    """An instance that is a server of the lab."""

    def __init__(self, *words: Any, **named: Any) -> None:
        super().__init__(*words, **named)
        self.turn_to("pending")
        self._jobs = ThreadPoolExecutor(1, thread_name_prefix=self.id)

    # Nobody resolves the names that EC2 gives to addresses; clients then take the address.
    @property
    def public_dns_name(self) -> str:
        return ""

    @property
    def private_dns_name(self) -> str:
        return ""

    @property
    def hands(self) -> CloudHands:
        return self.ec2_backend.hands

    def turn_to(self, state: str, reason: str = "") -> None:
        self._state.name, self._state.code = state, _CODES[state]
        if reason:
            self._reason = reason
            self.state_reason = StateReason(reason, reason.partition(":")[0])

    def take(self, server: Server) -> None:
        """Have the server's address, inside and outside alike."""
        nic = self.nics[0]
        nic.public_ip_auto_assign = False
        nic.public_ip = nic.private_ip_address = server.address
        nic.private_ip_addresses = [{"Primary": True, "PrivateIpAddress": server.address}]
        self.add_tags({f"herder:{name}": text for name, text in self.hands.login(server).items()})

    def first_boot(self) -> None:
        keys = key_lines(self.ec2_backend, self.key_name)
        data = self.user_data.decode() if self.user_data is not None else ""
        wish = FirstBoot(keys, data)
        self._later("running", lambda: self.hands.first_boot(self.id, wish, self._patience()))

    def start(self) -> Any:
        self._require("started", "stopped", "running")
        if self.state == "running":
            return super().start()
        before = super().start()
        self.turn_to("pending")
        self._later("running", self._boot)
        return before

    def stop(self) -> Any:
        self._require("stopped", "running", "stopped")
        before = super().stop()
        if before.name == "running":
            self.turn_to("stopping")
            self._later("stopped", lambda: self.hands.stop(self.id))
        return before

    def reboot(self) -> None:
        self._require("rebooted", "running")
        self._jobs.submit(self._try, "running", self._boot_again)

    def terminate(self) -> Any:
        if self.state in ("shutting-down", "terminated"):
            return self._state
        before = super().terminate()
        self.turn_to("shutting-down")
        self._later("terminated", lambda: self.hands.destroy(self.id))
        return before

    def keep(self, image: Any) -> None:
        """Make the image of what is in the server's files; it is available when that is done."""

        def job() -> None:
            is_running = self.state == "running"
            try:
                self.hands.keep(self.id, image.id, is_running=is_running)
                image.state = "available"
            except (LabError, OSError) as error:
                _LOG.warning("image %s failed: %s", image.id, error)
                image.state = "failed"
            if is_running:
                self._try("running", self._boot)

        image.state = "pending"
        self._jobs.submit(job)

    def _boot(self) -> None:
        self.hands.boot(self.id, self._patience())

    def _boot_again(self) -> None:
        self.hands.stop(self.id)
        self._boot()

    def _patience(self) -> Callable[[], bool]:
        """Give what says whether to wait on for the server that boots.

        One whose sshd does not answer runs all the same, as EC2 sees it.
        """
        begun = time.monotonic()

        def goes_on() -> bool:
            if self.state == "pending" and time.monotonic() - begun > _RUNS_AFTER_SECONDS:
                self.turn_to("running")
            return self._is_wanted()

        return goes_on

    def _is_wanted(self) -> bool:
        return self.state not in ("shutting-down", "terminated")

    def _later(self, state: str, job: Callable[[], object]) -> None:
        self._jobs.submit(self._try, state, job)

    def _try(self, state: str, job: Callable[[], object]) -> None:
        """Do a job and be in the state that it leads to; an instance that cannot is terminated."""
        if self._is_overtaken(state):
            return
        try:
            job()
        except (LabError, OSError) as error:
            if not self._is_overtaken(state):
                _LOG.warning("instance %s failed: %s", self.id, error)
                self._give_up(f"Server.InternalError: {error}")
            return
        if not self._is_overtaken(state):
            self.turn_to(state)

    def _is_overtaken(self, state: str) -> bool:
        """Whether a terminate came meanwhile: it has its own job behind the one for this state."""
        return state != "terminated" and not self._is_wanted()

    def _give_up(self, reason: str) -> None:
        try:
            self.hands.destroy(self.id)
        except (LabError, OSError) as error:
            reason = f"{reason}; not removed: {error} (herder lab cloud down removes it)"
        self.turn_to("terminated", reason)

    def _require(self, verb: str, *states: str) -> None:
        if self.state not in states:
            raise EC2ClientError(
                "IncorrectInstanceState",
                f"The instance '{self.id}' is {self.state} and cannot be {verb}",
            )


class Ec2(EC2Backend):
    """moto's EC2 of one region, whose deeds are done on the lab."""

    # By this, moto finds a service's addresses.
    __module__ = EC2Backend.__module__

    hands: ClassVar[CloudHands]
    region: ClassVar[str]
    limit: ClassVar[int]

    def run_instances(
        self, image_id: str, count: int, user_data: Any, security_group_names: Any, **named: Any
    ) -> Any:
        self._check_wish(image_id, count)
        # moto takes a name that only begins like one of AWS's.
        if (wanted := named.get("instance_type")) and wanted not in INSTANCE_TYPES:
            text = f"Invalid value '{wanted}' for InstanceType"
            raise EC2ClientError("InvalidParameterValue", text)
        made = super().run_instances(image_id, count, user_data, security_group_names, **named)
        try:
            for instance in made.instances:
                keys = key_lines(self, instance.key_name)
                instance.take(self.hands.create(instance.id, instance.image_id, keys))
        except (LabError, OSError) as error:
            self._undo(made)
            raise EC2ClientError("InsufficientInstanceCapacity", str(error)) from error
        for instance in made.instances:
            instance.first_boot()
        return made

    def create_image(
        self, instance_id: str, name: str, description: str, tag_specifications: list[Any]
    ) -> Any:
        instance = self.get_instance(instance_id)
        if instance.state not in ("running", "stopped"):
            text = f"The instance '{instance_id}' is {instance.state}, expected running or stopped"
            raise EC2ClientError("IncorrectState", text)
        # moto has no tags of snapshots; a lab has no snapshots.
        tags = [each for each in tag_specifications if each["ResourceType"] == "image"]
        image = super().create_image(instance_id, name, description, tags)
        instance.keep(image)
        return image

    def copy_image(self, *words: Any, **named: Any) -> Any:
        raise EC2ClientError("UnsupportedOperation", "images of a lab stay in their one region")

    def deregister_image(self, ami_id: str) -> None:
        super().deregister_image(ami_id)
        self.hands.forget(ami_id)

    def describe_regions(self, region_names: list[str] | None = None) -> Any:
        return super().describe_regions([self.region])

    def _check_wish(self, image_id: str, count: int) -> None:
        """Refuse before anything is made. *Raises*: EC2ClientError."""
        living = [found for found in self.all_instances() if found.state in _LIVING]
        if len(living) + count > self.limit:
            text = (
                f"You have {len(living)} instances and asked for {count} more, the limit is"
                f" {self.limit} (herder lab cloud up --limit)"
            )
            raise EC2ClientError("InstanceLimitExceeded", text)
        image = self.amis.get(image_id)
        if image is not None and image.state != "available":
            text = f"The image '{image_id}' is {image.state}"
            raise EC2ClientError("InvalidAMIID.Unavailable", text)

    def _undo(self, made: Any) -> None:
        """Leave nothing of a reservation that could not be made whole."""
        for instance in made.instances:
            instance.terminate()
        self.reservations.pop(made.id, None)


def key_lines(backend: Any, name: str | None) -> tuple[str, ...]:
    """Give the key pair's authorized_keys line; none without a key pair."""
    pair = backend.key_pairs.get(name) if name else None
    return (pair.public_key.strip(),) if pair is not None else ()


def join(hands: CloudHands, *, region: str, limit: int) -> None:
    """Put ours in the places where moto looks for its own; before its first request."""
    Ec2.hands, Ec2.region, Ec2.limit = hands, region, limit
    instances.Instance = LabInstance
    ec2_backends.backend = Ec2


def backend(account: str, region: str) -> Any:
    """Give the books of the one region."""
    return ec2_backends[account][region]
