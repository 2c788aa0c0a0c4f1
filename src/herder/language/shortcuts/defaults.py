"""ansible-core's own settings kept from run to run: their table and the templates of defaults.

The table is looked up by its YAML, the code of a template by its text and the files of Jinja that
made it. Imported before ansible-core's constants, which are made of both when they are imported.

*Source*: ansible-core 2.19 and 2.21 config/manager.py, `_read_config_yaml_file` and
`template_default`.
"""

from __future__ import annotations

import marshal
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ansible
import jinja2
import yaml
from ansible import release
from ansible.config import manager
from jinja2.nativetypes import NativeEnvironment

from herder.kept_file import KeptFile


def open_kept(directory: Path) -> KeptFile:
    """Give the file for what this very ansible-core makes of texts."""
    folder = os.path.dirname(ansible.__file__)
    about = f"ansible-core {release.__version__} {folder}, PyYAML {yaml.__version__}"
    return KeptFile(directory / f"core-{sys.implementation.cache_tag}", about)


def keep_defaults(kept: KeptFile) -> None:
    """Let ansible-core find its table of settings and compiled templates in `kept`."""
    original = getattr(manager.yaml_load, "herder_original", manager.yaml_load)
    manager.yaml_load = _reading(original, kept.section("tables"))
    manager.NativeEnvironment = _environment(kept.section("templates"))


def _reading(parse: Callable[..., Any], tables: dict[bytes, bytes]) -> Callable[..., Any]:
    def read(file: Any) -> Any:
        text: bytes = file.read()
        if text in tables:
            return marshal.loads(tables[text])
        table = parse(text)
        _keep(tables, text, table)
        return table

    read.herder_original = parse  # type: ignore[attr-defined] # marks what is exchanged
    return read


def _keep(tables: dict[bytes, bytes], text: bytes, table: Any) -> None:
    try:
        data = marshal.dumps(table)
    except ValueError:
        return
    if marshal.loads(data) == table:
        tables[text] = data


def _environment(templates: dict[Any, bytes]) -> type[NativeEnvironment]:
    made_by = _jinja_files()

    class KeptEnvironment(NativeEnvironment):
        def compile(self, source: Any, *args: Any, **kwargs: Any) -> Any:
            if type(source) is not str or args or kwargs:
                return super().compile(source, *args, **kwargs)
            code = templates.get((source, made_by))
            if code is None:
                code = templates[source, made_by] = marshal.dumps(super().compile(source))
            return marshal.loads(code)

    return KeptEnvironment


def _jinja_files() -> tuple[tuple[str, int, int], ...]:
    folder = os.path.dirname(jinja2.__file__)
    files = sorted(entry.path for entry in os.scandir(folder) if entry.name.endswith(".py"))
    return tuple((file, os.stat(file).st_mtime_ns, os.stat(file).st_size) for file in files)
