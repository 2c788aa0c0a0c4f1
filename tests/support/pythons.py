"""The Python interpreters of this machine that an agent can run on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

VERSIONS = tuple(f"3.{minor}" for minor in range(8, 15))

THIS = f"{sys.base_prefix}/bin/python3"
"""What runs the tests, without their virtual environment, which an agent must not see.

By its path: what a name leads to may be a shim that takes ten times as long to start.
"""


@lru_cache(maxsize=1)
def target_pythons() -> dict[str, str]:
    """Give interpreters by version ("3.8"); HERDER_TEST_PYTHONS (paths with ':') says which."""
    named = os.environ.get("HERDER_TEST_PYTHONS", "").split(":")
    found: dict[str, str] = {}
    for path in [*filter(None, named)] or _candidates():
        version = _version(path)
        if version in VERSIONS:
            found.setdefault(version, path)
    return dict(sorted(found.items(), key=lambda item: VERSIONS.index(item[0])))


def _candidates() -> list[str]:
    named = [shutil.which(f"python{version}") for version in (*VERSIONS, "3")]
    root = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    kept = sorted(str(path) for path in root.glob("versions/3.*/bin/python"))
    return [*filter(None, named), *kept]


def _version(path: str) -> str:
    line = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        return subprocess.check_output(
            [path, "-c", line], text=True, stderr=subprocess.DEVNULL
        ).strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
