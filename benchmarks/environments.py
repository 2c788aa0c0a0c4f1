"""The peers' virtual environments, from PyPI, kept from run to run."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

CACHE = Path("~/.cache/herder-benchmarks").expanduser()
DONE = "herder-benchmarks.json"


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment; `shown` is the package whose version counts."""

    name: str
    requirements: tuple[str, ...]
    shown: str


def core_requirement() -> str:
    """Give the ansible-core that Herder itself runs with: all peers get the same one."""
    return f"ansible-core=={metadata.version('ansible-core')}"


def environments() -> dict[str, Environment]:
    """Give the environments by name."""
    core = core_requirement()
    every = (
        Environment("ansible", (core,), "ansible-core"),
        Environment("mitogen", (core, "mitogen>=0.3.54,<0.4"), "mitogen"),
        Environment("pyinfra", ("pyinfra>=3,<4",), "pyinfra"),
    )
    return {environment.name: environment for environment in every}


def ensure(environment: Environment, cache: Path) -> Path:
    """Give the environment's folder, made when it is not there with these requirements."""
    folder = cache / environment.name
    wanted = json.dumps([sys.version, *environment.requirements])
    if _text(folder / DONE) == wanted:
        return folder
    print(f"setting up {environment.name}: {', '.join(environment.requirements)}", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q"]
    subprocess.run([*pip, *environment.requirements], check=True)
    (folder / DONE).write_text(wanted, encoding="utf-8")
    return folder


def version_in(folder: Path, package: str) -> str:
    """Give the version of a package installed in an environment."""
    program = f"from importlib.metadata import version; print(version({package!r}))"
    done = subprocess.run(
        [folder / "bin" / "python", "-c", program], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""
