"""What the tree promises about itself: rooms placed, commands and settings documented."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from herder.cli.main import captions
from herder.settings import KNOBS

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "herder"
LINES_MAX = 400
BYTES_MAX = 1024 * 1024


def import_contracts() -> list[dict[str, Any]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts: list[dict[str, Any]] = project["tool"]["importlinter"]["contracts"]
    return contracts


def placed_rooms() -> set[str]:
    layers = next(contract["layers"] for contract in import_contracts() if "layers" in contract)
    return {room for layer in layers for room in re.findall(r"\w+", layer)}


def tracked_files() -> list[Path]:
    """Give the files that git keeps, or nothing outside of a clone."""
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    files = [ROOT / name for name in listing.stdout.split("\0") if name]
    return [file for file in files if file.is_file()]


def test_every_room_is_placed_in_the_import_contract() -> None:
    """A room that nobody placed could import anything."""
    rooms = {path.parent.name for path in SOURCE.glob("*/__init__.py")}

    assert rooms - placed_rooms() == set()


def test_every_room_but_language_is_kept_from_ansible() -> None:
    """What only one room knows, only one room has to follow from version to version."""
    kept = {
        module.removeprefix("herder.")
        for contract in import_contracts()
        if contract.get("forbidden_modules") == ["ansible"]
        for module in contract["source_modules"]
    }
    rooms = {path.parent.name for path in SOURCE.glob("*/__init__.py")}

    assert rooms - kept == {"language", "cli", "collections"}


def test_every_room_says_in_its_docstring_what_it_is_for_and_holds_nothing_else() -> None:
    """The way into a room is its docstring; code in a package's file is imported by accident."""
    texts = {
        path: path.read_text(encoding="utf-8").strip() for path in SOURCE.glob("*/__init__.py")
    }

    odd = [
        str(path)
        for path, text in texts.items()
        if not (text.startswith('"""') and text.endswith('"""') and text.count('"""') == 2)
    ]

    assert odd == []


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md"])
def test_the_map_names_every_room(page: str) -> None:
    """A newcomer finds the code by the map."""
    text = (ROOT / page).read_text(encoding="utf-8")

    missing = {
        path.parent.name
        for path in SOURCE.glob("*/__init__.py")
        if f"{path.parent.name}/" not in text
    }

    assert missing == set()


def test_every_command_is_documented() -> None:
    """A command that no page tells of does not exist for users."""
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")

    assert [name for name in captions() if f"## `herder {name}" not in page] == []


def test_every_setting_is_documented_with_its_default_named() -> None:
    """A knob that nobody can find cannot be turned."""
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")

    assert [
        knob.environment_name for knob in KNOBS if f"| `{knob.environment_name}` |" not in page
    ] == []


def test_no_file_names_the_place_of_this_clone() -> None:
    """The text speaks to a stranger who cloned the repository somewhere else."""
    places = [str(path) for path in (ROOT, Path(sys.prefix)) if len(path.parts) > 2]
    pattern = re.compile("|".join(rf"{re.escape(place)}(?![\\w-])" for place in places) or r"$^")

    naming = [
        str(file.relative_to(ROOT))
        for file in tracked_files()
        if pattern.search(file.read_text(encoding="utf-8", errors="replace"))
    ]

    assert naming == []


def test_no_source_file_is_longer_than_one_noun_needs() -> None:
    """A file past this length is two things; a list of cases may be longer."""
    tests = ROOT / "tests"
    files = [file for file in tracked_files() if file.suffix == ".py" and tests not in file.parents]

    long = {
        str(file.relative_to(ROOT)): lines
        for file in files
        if (lines := len(file.read_text(encoding="utf-8").splitlines())) > LINES_MAX
    }

    assert long == {}


def test_no_tracked_file_is_large() -> None:
    """A clone stays small."""
    assert [str(file) for file in tracked_files() if file.stat().st_size > BYTES_MAX] == []


def test_no_file_is_named_for_nothing() -> None:
    """A name like `utils` invites whatever finds no better place."""
    empty_names = {"utils", "util", "helpers", "common", "misc", "base", "manager"}

    assert [str(path) for path in SOURCE.rglob("*.py") if path.stem in empty_names] == []
