"""From a module's name and arguments to the bundle of files and the call an agent understands.

ansible-core itself collects what a new-style Python module imports (AnsiballZ). That is done once
per module and run; the archive is taken apart into files named by digest, so that a host gets
each file once. Modules of any other kind keep ansible-core's own way.

*Source*: ansible-core 2.19 executor/module_common.py, `modify_module` (what the wrapper is given).
"""

from __future__ import annotations

import ast
import base64
import dataclasses
import hashlib
import io
import os
import threading
import zipfile
from typing import Any

from ansible import constants

from herder.language import core_version
from herder.language.deadlines import uninterrupted
from herder.language.module_cache import CORE, ModuleCache
from herder.language.shortcuts.module_json import encoded
from herder.model.ports import ModuleBundle, ModuleFile

EXTENSION_SETTINGS = (
    "_ANSIBALLZ_PYDEVD_CONFIG",
    "_ANSIBALLZ_DEBUGPY_CONFIG",
    "_ANSIBALLZ_COVERAGE_CONFIG",
)
_CORE_MODULES = str(CORE / "modules")


class PreparedModule(bytes):
    """Stands where ansible-core has the module's program text; carries what the agent needs."""

    bundle: ModuleBundle
    params: bytes

    @classmethod
    def of(cls, bundle: ModuleBundle, params: bytes) -> PreparedModule:
        prepared = cls(b"# carried by the agent")
        prepared.bundle = bundle
        prepared.params = params
        return prepared


@dataclasses.dataclass(frozen=True)
class BuiltModule:
    """ansible-core's answer for one module, and our bundle of it when it is new-style Python."""

    template: Any
    bundle: ModuleBundle | None
    shebang: str


class ModuleBuilder:
    """Builds each module once; the same builder serves every host and thread of a run."""

    def __init__(self, cache: ModuleCache) -> None:
        self._cache = cache
        self._built: dict[tuple[str, str], BuiltModule] = {}
        self._lock = threading.Lock()

    def build(self, *, module_name: str, module_path: str, module_args: Any, **rest: Any) -> Any:
        """Stand in for `modify_module`: same arguments, same kind of answer.

        *Raises*: what `modify_module` raises, interpreter discovery included.
        """
        if self._needs_core(rest):
            return self._build_with_core(module_name, module_path, module_args, rest)
        built = self._built.get((module_name, module_path))
        if built is None:
            built = self._build_first(module_name, module_path, rest)
        if built.bundle is None:
            return self._build_with_core(module_name, module_path, module_args, rest)
        return self._answer(built, built.bundle, module_name, module_args, rest)

    def _needs_core(self, rest: dict[str, Any]) -> bool:
        variables = rest.get("task_vars")
        return any(
            constants.config.get_config_value(name, variables=variables) is not None
            for name in EXTENSION_SETTINGS
        )

    def _build_with_core(self, name: str, path: str, args: Any, rest: dict[str, Any]) -> Any:
        return core_version.build_module(
            module_name=name, module_path=path, module_args=args, **rest
        )

    def _build_first(self, name: str, path: str, rest: dict[str, Any]) -> BuiltModule:
        with uninterrupted(), self._lock:
            if (name, path) not in self._built:
                built = self._from_cache(name, path) or self._new(name, path, rest)
                self._built[name, path] = _known_by_place(built, path)
            return self._built[name, path]

    def _from_cache(self, name: str, path: str) -> BuiltModule | None:
        bundle = self._cache.load(name, path)
        if bundle is None:
            return None
        template = core_version.built_module(bundle.profile)
        return BuiltModule(template, bundle, core_version.own_interpreter(path))

    def _new(self, name: str, path: str, rest: dict[str, Any]) -> BuiltModule:
        built = _taken_apart(name, path, self._build_with_core(name, path, {}, rest))
        if built.bundle is not None:
            self._cache.store(built.bundle, path)
        return built

    def _answer(
        self, built: BuiltModule, bundle: ModuleBundle, name: str, args: Any, rest: dict[str, Any]
    ) -> Any:
        shebang = core_version.shebang_for(
            built.shebang, rest["task_vars"], rest["templar"], rest.get("remote_is_local", False)
        )
        bundle = dataclasses.replace(bundle, rlimit_nofile=_file_limit(rest))
        params = _encoded(name, args, bundle.profile)
        prepared = PreparedModule.of(bundle, params)
        return dataclasses.replace(built.template, b_module_data=prepared, shebang=shebang)


def _known_by_place(built: BuiltModule, path: str) -> BuiltModule:
    """Say of a bundle whether its module is ansible-core's own."""
    if built.bundle is None or os.path.dirname(path) != _CORE_MODULES:
        return built
    return dataclasses.replace(built, bundle=dataclasses.replace(built.bundle, is_core=True))


def _encoded(name: str, args: Any, profile: str) -> bytes:
    try:
        return encoded({"ANSIBLE_MODULE_ARGS": args}, profile)
    except TypeError as error:
        raise core_version.AnsibleError(
            f"Failed to serialize arguments for the {name!r} module."
        ) from error


def _file_limit(rest: dict[str, Any]) -> int:
    variables = rest.get("task_vars")
    limit = constants.config.get_config_value("PYTHON_MODULE_RLIMIT_NOFILE", variables=variables)
    return limit if isinstance(limit, int) else core_version.number_or_zero(rest["templar"], limit)


def _taken_apart(name: str, path: str, template: Any) -> BuiltModule:
    words = _wrapper_words(bytes(template.b_module_data)) if template.module_style == "new" else {}
    if "zip_data" not in words:
        return BuiltModule(template, None, "")
    files = _files(base64.b64decode(words["zip_data"]))
    bundle = ModuleBundle(
        name=name,
        fqn=words["module_fqn"],
        digest=_digest("\n".join(f"{file.path} {file.digest}" for file in files).encode()),
        files=files,
        profile=words["profile"],
    )
    return BuiltModule(template, bundle, core_version.own_interpreter(path))


def _wrapper_words(program: bytes) -> dict[str, Any]:
    """Give the keyword arguments the AnsiballZ wrapper calls its main function with."""
    start = program.rfind(b"\n    _ansiballz_main(")
    if start < 0:
        return {}
    call = ast.parse(program[start:].strip(), mode="eval").body
    assert isinstance(call, ast.Call)
    return {
        word.arg: ast.literal_eval(word.value)
        for word in call.keywords
        if word.arg in {"zip_data", "module_fqn", "profile"}
    }


def _files(archive: bytes) -> tuple[ModuleFile, ...]:
    with zipfile.ZipFile(io.BytesIO(archive)) as contents:
        found = {name: contents.read(name) for name in contents.namelist()}
    return tuple(
        ModuleFile(path=name, digest=_digest(content), content=content)
        for name, content in sorted(found.items())
    )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
