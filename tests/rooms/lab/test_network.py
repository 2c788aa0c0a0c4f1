"""The lab's network: it must not take one that is in use."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from herder.errors import LabError
from herder.lab.network import choose_network, machine_address


def test_same_lab_gets_the_same_network() -> None:
    """Addresses that stay are kinder to whoever types them."""
    assert choose_network("00aa11", []) == choose_network("00aa11", [])


def test_taken_network_is_passed_by() -> None:
    """Its hosts would become unreachable."""
    first = choose_network("00aa11", [])

    second = choose_network("00aa11", [IPv4Network(f"{first}.128/25")])

    assert second != first


def test_no_free_network_is_an_error() -> None:
    """A host may have a route to all of 10.0.0.0/8."""
    with pytest.raises(LabError, match="no free network"):
        choose_network("00aa11", [IPv4Network("10.0.0.0/8")])


def test_full_network_names_its_limit() -> None:
    """The number would otherwise run over into an address that is none."""
    assert machine_address("10.64.0", 240) == "10.64.0.250"
    with pytest.raises(LabError, match="limit is 240"):
        machine_address("10.64.0", 241)
