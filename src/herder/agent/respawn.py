"""A real zip on disk for modules that start themselves anew under another Python.

`ansible.module_utils.common.respawn` hands the path of AnsiballZ's zip to the new interpreter.
The path is chosen before the fork (so that the agent can remove it, however the child ends) and
the zip is written only when one of that file's functions is really called.
*Source*: ansible-core 2.19 module_utils/common/respawn.py, _internal/_ansiballz/_wrapper.py.
"""

from __future__ import annotations

import binascii
import os
import pathlib
import shutil
import sys
import tempfile
import zipfile
from types import ModuleType
from typing import Any, Callable

from herder.agent.importer import BundleImporter

MODULE = "ansible.module_utils.common.respawn"
_FUNCTIONS = ("respawn_module", "probe_interpreters_for_module", "get_env_with_pythonpath")


def choose_path(name: str) -> str:
    """Give a path for a zip in a directory that does not exist and nobody can guess."""
    stem = f"ansible_{name.rpartition('.')[2]}_payload"
    token = binascii.hexlify(os.urandom(8)).decode()
    return f"{os.path.realpath(tempfile.gettempdir())}/{stem}_{token}/{stem}.zip"


def remove(path: str) -> None:
    """Remove the zip and its directory; well when it was never written."""
    shutil.rmtree(os.path.dirname(path), ignore_errors=True)


def install(importer: BundleImporter, path: str) -> None:
    """In the child: have the zip written before the first use of the respawn functions."""
    if MODULE in sys.modules:
        _wrap(sys.modules[MODULE], importer, path)
    importer.after_import[MODULE] = lambda module: _wrap(module, importer, path)


def _wrap(module: ModuleType, importer: BundleImporter, path: str) -> None:
    module.__dict__["_ANSIBLE_PARENT_PATH"] = pathlib.Path(path)
    for name in _FUNCTIONS:
        if hasattr(module, name):
            setattr(module, name, _with_zip(getattr(module, name), importer, path))


def _with_zip(
    function: Callable[..., Any], importer: BundleImporter, path: str
) -> Callable[..., Any]:
    def call(*arguments: Any, **options: Any) -> Any:
        if not os.path.exists(path):
            _write(importer, path)
        return function(*arguments, **options)

    return call


def _write(importer: BundleImporter, path: str) -> None:
    os.mkdir(os.path.dirname(path), 0o700)
    with zipfile.ZipFile(path, "w") as archive:
        for file, content in importer.contents():
            archive.writestr(zipfile.ZipInfo(file), content)
        start = f'import sys\nsys.path.insert(0, "{path}")\n'
        archive.writestr(zipfile.ZipInfo("sitecustomize.py"), start)
