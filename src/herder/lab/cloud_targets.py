"""Joins moto's target groups to the lab's HAProxy: health is what its checks say."""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import Any, ClassVar

from moto.elbv2.exceptions import ELBClientError
from moto.elbv2.models import ELBv2Backend, FakeHealthStatus, elbv2_backends

from herder.errors import LabError
from herder.lab.cloud_balancer import Balancer, Member

_LOG = logging.getLogger("herder.lab")
_DELAY = "deregistration_delay.timeout_seconds"


class TargetGroups(ELBv2Backend):
    """moto's load balancing of one region; a target group is the HAProxy backend of its name.

    A group whose name no backend has stays moto's own: its targets are healthy without a check.
    """

    # By this, moto finds a service's addresses.
    __module__ = ELBv2Backend.__module__

    balancer: ClassVar[Balancer]
    draining: ClassVar[set[str]] = set()

    def register_targets(self, target_group_arn: str, instances: list[Any]) -> None:
        super().register_targets(target_group_arn, instances)
        group = self.target_groups[target_group_arn]
        for target in instances if self._is_ours(group) else []:
            instance = self.ec2_backend.get_instance_by_id(target["Id"])
            port = group.targets[target["Id"]]["Port"]
            address = instance.private_ip if instance is not None else target["Id"]
            try:
                self.balancer.add(group.name, target["Id"], f"{address}:{port}")
            except LabError as error:
                group.targets.pop(target["Id"], None)
                raise ELBClientError("InvalidTarget", str(error)) from error

    def deregister_targets(self, target_group_arn: str, instances: list[Any]) -> None:
        group = self.target_groups.get(target_group_arn)
        is_ours = group is not None and self._is_ours(group)  # before the books say that it went
        super().deregister_targets(target_group_arn, instances)
        for target in instances if is_ours else []:
            self.draining.add(target["Id"])
            self.balancer.drain(group.name, target["Id"])
            threading.Thread(target=self._remove, args=(group, target["Id"]), daemon=True).start()

    def describe_target_health(self, target_group_arn: str, targets: list[Any]) -> Any:
        known = super().describe_target_health(target_group_arn, targets)
        group = self.target_groups[target_group_arn]
        if not self._is_ours(group):
            return known
        wanted = {status.instance_id: status for status in known}
        members = self.balancer.members(group.name)
        if not targets:
            leaving = (name for name in group.deregistered_targets if name in self.draining)
            wanted |= {name: _status(group, name) for name in leaving}
        return [self._seen(status, members) for status in wanted.values()]

    def _seen(self, status: Any, members: dict[str, Member]) -> Any:
        member = members.get(status.instance_id)
        state, reason, text = health(
            member, is_draining=status.instance_id in self.draining, told=status.status
        )
        return FakeHealthStatus(
            status.instance_id, status.port, status.health_check_port, state, reason, text
        )

    def _is_ours(self, group: Any) -> bool:
        try:
            return bool(self.balancer.members(group.name))
        except LabError as error:
            raise ELBClientError("ServiceUnavailable", str(error)) from error

    def _remove(self, group: Any, name: str) -> None:
        seconds = float(group.attributes.get(_DELAY, 300))
        with contextlib.suppress(LabError):
            self.balancer.remove(group.name, name, deadline_seconds=seconds)
        self.draining.discard(name)


def health(
    member: Member | None, *, is_draining: bool, told: str
) -> tuple[str, str | None, str | None]:
    """Give a target's state, reason and description as ELB words them.

    *Source*: Elastic Load Balancing API 2015-12-01, TargetHealth.
    """
    if is_draining:
        return "draining", "Target.DeregistrationInProgress", "Target deregistration is in progress"
    if told == "unused" or member is None:
        return "unused", "Target.NotRegistered", "Target is not registered to the target group"
    if member.check == "INI":
        return "initial", "Elb.InitialHealthChecking", "Initial health checks in progress"
    if member.status.startswith("UP") or member.status == "no check":
        return "healthy", None, None
    if member.status == "DRAIN":
        return "draining", None, "HAProxy sends it no new visitors"
    return "unhealthy", "Target.FailedHealthChecks", f"HAProxy: {member.status}, {member.check}"


def _status(group: Any, name: str) -> Any:
    return FakeHealthStatus(name, group.port, group.health_check_port, "draining")


def join_targets(balancer: Balancer) -> None:
    """Put ours in the place where moto looks for its own; before its first request."""
    TargetGroups.balancer = balancer
    elbv2_backends.backend = TargetGroups
