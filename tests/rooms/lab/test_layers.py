"""Layers as overlayfs will see them: what is seen, and what is hidden."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from herder.errors import LabError
from herder.lab.layers import Layers, copy_layer

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may hide a file of a layer")


@pytest.fixture
def layers(tmp_path: Path) -> Layers:
    """Give an empty upper layer over a host's."""
    host = tmp_path / "host"
    (tmp_path / "upper").mkdir()
    (host / "etc").mkdir(parents=True)
    (host / "etc").chmod(0o750)
    (host / "etc/hosts").write_text("host", encoding="utf-8")
    (host / "etc/fstab").write_text("disks", encoding="utf-8")
    return Layers(tmp_path / "upper", host)


def test_written_file_leaves_the_lower_layers_alone(layers: Layers) -> None:
    """The lowest layer is the host's root."""
    layers.write("etc/hosts", "own", mode=0o600)

    assert layers.read("etc/hosts") == "own"
    assert (layers.lower / "etc/hosts").read_text("utf-8") == "host"


def test_own_directory_has_the_mode_of_the_one_that_is_seen(layers: Layers) -> None:
    """overlayfs shows the upper directory's mode, for all that is in it."""
    layers.write("etc/new", "")

    assert stat.S_IMODE((layers.upper / "etc").stat().st_mode) == 0o750


@needs_root
def test_removed_file_is_seen_no_more(layers: Layers) -> None:
    """A whiteout must hide the file of every layer below."""
    layers.remove("etc/hosts")

    assert layers.find("etc/hosts") is None
    assert layers.names("etc") == ["fstab"]


@needs_root
def test_hidden_directory_is_empty_and_can_be_filled(layers: Layers) -> None:
    """A machine's /root starts empty, whatever the host keeps in its own."""
    layers.hide("etc")
    layers.write("etc/mine", "")

    assert layers.names("etc") == ["mine"]
    assert layers.find("etc/hosts") is None


@needs_root
def test_removing_in_a_hidden_directory_leaves_no_whiteout(layers: Layers) -> None:
    """There it would be seen, as a file that cannot be read."""
    layers.hide("etc")

    layers.remove("etc/hosts")

    assert list((layers.upper / "etc").iterdir()) == []


@needs_root
def test_kept_directories_have_lost_their_files(layers: Layers) -> None:
    """Services want their folder in /var/log; what the host logged is not theirs."""
    logs = layers.lower / "log/nginx"
    logs.mkdir(parents=True)
    (logs / "access.log").write_text("visitors", encoding="utf-8")

    layers.keep_directories("log")

    assert layers.names("log") == ["nginx"]
    assert layers.names("log/nginx") == []


@needs_root
def test_copied_layer_hides_what_it_hid(layers: Layers, tmp_path: Path) -> None:
    """What a baked machine has removed must not come back in its copies."""
    image = Layers(tmp_path / "image", layers.lower)
    image.upper.mkdir()
    image.remove("etc/hosts")
    image.hide("log")
    (layers.upper / "etc").mkdir()
    (layers.upper / "etc/hosts").write_text("below", encoding="utf-8")

    copy_layer(image.upper, layers.upper)

    assert layers.find("etc/hosts") is None
    assert layers.find("etc/fstab") is not None


def test_layer_that_is_not_there_is_named(tmp_path: Path) -> None:
    """An image may have been removed since."""
    with pytest.raises(LabError, match="no layer at"):
        copy_layer(tmp_path / "none", tmp_path / "target")
