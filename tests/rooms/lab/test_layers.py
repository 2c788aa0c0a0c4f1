"""Layers as overlayfs will see them: what is seen, and what is hidden."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from herder.lab.layers import Layers

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may hide a file of a layer")


@pytest.fixture
def layers(tmp_path: Path) -> Layers:
    """Give an empty upper layer over an image over a host."""
    paths = [tmp_path / name for name in ("upper", "image", "host")]
    for path in paths:
        path.mkdir()
    (paths[2] / "etc").mkdir(mode=0o750)
    (paths[2] / "etc/hosts").write_text("host", encoding="utf-8")
    (paths[2] / "etc/fstab").write_text("disks", encoding="utf-8")
    (paths[1] / "etc").mkdir()
    (paths[1] / "etc/hosts").write_text("image", encoding="utf-8")
    return Layers(paths[0], (paths[1], paths[2]))


def test_topmost_file_is_seen(layers: Layers) -> None:
    """An image's own file stands before the host's."""
    assert layers.read("etc/hosts") == "image"
    assert layers.read("etc/fstab") == "disks"
    assert layers.read("etc/none") == ""


def test_written_file_leaves_the_lower_layers_alone(layers: Layers) -> None:
    """The lowest layer is the host's root."""
    layers.write("etc/hosts", "own", mode=0o600)

    assert layers.read("etc/hosts") == "own"
    assert (layers.lowers[1] / "etc/hosts").read_text("utf-8") == "host"


def test_own_directory_has_the_mode_of_the_one_that_is_seen(layers: Layers) -> None:
    """overlayfs shows the upper directory's mode, for all that is in it."""
    (layers.lowers[0] / "etc/hosts").unlink()
    (layers.lowers[0] / "etc").rmdir()

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
    logs = layers.lowers[1] / "log/nginx"
    logs.mkdir(parents=True)
    (logs / "access.log").write_text("visitors", encoding="utf-8")

    layers.keep_directories("log")

    assert layers.names("log") == ["nginx"]
    assert layers.names("log/nginx") == []
