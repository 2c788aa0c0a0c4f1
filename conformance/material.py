"""What has to be fetched or made before targets can run; kept in .cache/conformance for later."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path

from conformance.job import Interpreter

ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".cache" / "conformance"
# What targets install with pip, which has no network in the sandbox.
WHEELS = (
    "bcrypt",
    "build",
    "coverage",
    "jinja2",
    "packaging",
    "passlib==1.7.4",
    "pexpect==3.0",
    "pexpect==3.3",
    "pexpect==4.8.0",
    "pexpect==4.9.0",
    "psutil==5.9.8",
    "pytoml",
    "setuptools",
    "toml",
    "tomli",
    "tomli-w",
    "trustme",
    "wheel",
)


def look_at(folder: Path) -> Interpreter:
    """Give the versions of the virtual environment in the folder."""
    code = 'import sys, ansible.release as r;print("%d.%d" % sys.version_info[:2], r.__version__)'
    words = [str(folder / "bin/python"), "-c", code]
    done = subprocess.run(words, check=True, text=True, capture_output=True)
    python_version, core_version = done.stdout.split()
    return Interpreter(str(folder), python_version, core_version)


def fetch_source(interpreter: Interpreter) -> Path:
    """Give the folder of the unpacked source distribution, from PyPI when it is not kept yet."""
    core_version = interpreter.core_version
    folder = CACHE / f"ansible_core-{core_version}"
    if folder.is_dir():
        return folder
    download = CACHE / "download"
    words = ["--no-deps", "--no-binary", ":all:", f"ansible-core=={core_version}"]
    # pip refuses what its own Python is too old for
    _pip_download(download, *words, python=Path(interpreter.folder) / "bin/python")
    archive = download / f"ansible_core-{core_version}.tar.gz"
    unpacked = CACHE / "unpacking"
    shutil.rmtree(unpacked, ignore_errors=True)
    with tarfile.open(archive) as file:
        file.extractall(unpacked, filter="tar")
    (unpacked / folder.name).rename(folder)
    unpacked.rmdir()
    return folder


def fetch_wheels(interpreter: Interpreter) -> Path:
    """Give a folder with the packages that targets install, for this version of Python."""
    folder = CACHE / f"wheels-{interpreter.python_version}"
    if folder.is_dir():
        return folder
    making = folder.with_suffix(".making")
    python = Path(interpreter.folder) / "bin/python"
    # One by one: some of them are asked for in two versions.
    for name in WHEELS:
        _pip_download(making, name, python=python)
    making.rename(folder)
    return folder


def make_layer() -> Path:
    """Give the archive of Debian packages that targets expect, made when it is not kept yet."""
    archive = CACHE / "layer.tar"
    if not archive.is_file():
        CACHE.mkdir(parents=True, exist_ok=True)
        making = archive.with_suffix(".making")
        script = Path(__file__).with_name("make_layer.sh")
        subprocess.run([str(script), str(making)], check=True)
        making.rename(archive)
    return archive


def _pip_download(folder: Path, *words: str, python: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pip = [str(python), "-m", "pip", "download", "--quiet", "--quiet", "--dest", str(folder)]
    subprocess.run([*pip, *words], check=True)
