"""Bundles of real modules, built by ansible-core itself, and of modules written in a test."""

from __future__ import annotations

import ast
import base64
import hashlib
import io
import json
import zipfile
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from ansible.executor import module_common
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import module_loader
from ansible.template import Templar

from herder.model.ports import ModuleBundle, ModuleCall, ModuleFile
from tests.support.plugins import load_plugins


@lru_cache(maxsize=64)
def core_bundle(name: str) -> ModuleBundle:
    """Give the bundle of one of ansible-core's modules ('ping')."""
    load_plugins()
    found = module_loader.find_plugin(name)
    assert found is not None
    return _bundle(name, Path(found))


def bundle_of(source: str, *, name: str, folder: Path) -> ModuleBundle:
    """Give the bundle of a module whose source stands in the test."""
    load_plugins()
    path = folder / f"{name}.py"
    path.write_text(source)
    return _bundle(name, path)


def with_content(bundle: ModuleBundle, old: str, new: str) -> ModuleBundle:
    """Give a bundle whose module says something else at the same path."""
    path = bundle.fqn.replace(".", "/") + ".py"
    files = tuple(
        _file(file.path, file.content.replace(old.encode(), new.encode()))
        if file.path == path
        else file
        for file in bundle.files
    )
    return replace(bundle, files=files, digest=_digest(files))


def with_file(bundle: ModuleBundle, path: str, content: bytes) -> ModuleBundle:
    """Give a bundle that has one file more, or another content for one."""
    files = (*(file for file in bundle.files if file.path != path), _file(path, content))
    return replace(bundle, files=files, digest=_digest(files))


def call_of(bundle: ModuleBundle, **arguments: Any) -> ModuleCall:
    """Give the call of a module with these arguments."""
    return ModuleCall(bundle, json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())


def _bundle(name: str, path: Path) -> ModuleBundle:
    words = _wrapper_words(_built(name, path))
    with zipfile.ZipFile(io.BytesIO(_archive(words))) as archive:
        contents = {each: archive.read(each) for each in sorted(set(archive.namelist()))}
    files = tuple(_file(each, content) for each, content in contents.items())
    return ModuleBundle(
        name=name,
        fqn=words["module_fqn"],
        digest=_digest(files),
        files=files,
        profile=words["profile"],
    )


def _file(path: str, content: bytes) -> ModuleFile:
    return ModuleFile(path, hashlib.sha256(content).hexdigest(), content)


def _digest(files: tuple[ModuleFile, ...]) -> str:
    text = "\n".join(f"{file.path} {file.digest}" for file in files)
    return hashlib.sha256(text.encode()).hexdigest()


def wrapper_program(name: str, arguments: dict[str, Any]) -> bytes:
    """Give the program ansible-core itself would send for a module with these arguments."""
    load_plugins()
    return _built(name, Path(module_loader.find_plugin(name)), arguments)


def wrapper_archive(name: str) -> bytes:
    """Give the archive of Python files that such a program carries."""
    return _archive(_wrapper_words(wrapper_program(name, {})))


def _archive(words: dict[str, Any]) -> bytes:
    return base64.b64decode(words["zip_data"])


def _built(name: str, path: Path, arguments: dict[str, Any] | None = None) -> bytes:
    result = module_common.modify_module(
        module_name=name,
        module_path=str(path),
        module_args=arguments or {},
        templar=Templar(loader=DataLoader()),
        task_vars={"ansible_python_interpreter": "/usr/bin/python3"},
        module_compression="ZIP_STORED",
    )
    return bytes(result.b_module_data)


def _wrapper_words(program: bytes) -> dict[str, Any]:
    call = ast.parse(program[program.rfind(b"\n    _ansiballz_main(") :].strip(), mode="eval").body
    assert isinstance(call, ast.Call)
    return {
        word.arg: ast.literal_eval(word.value)
        for word in call.keywords
        if word.arg in {"zip_data", "module_fqn", "profile"}
    }
