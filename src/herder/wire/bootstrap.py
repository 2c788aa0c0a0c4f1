"""The one shell line that starts an agent, and what is sent into it.

The line holds a fixed first stage: it puts a terminal into raw mode, says that it is ready, reads a
length and that many compressed bytes from standard input and runs them. So the same line fits
every version of the agent, and nothing of it is secret. This file stays on the controller.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib.util
import io
import json
import marshal
import os
import pkgutil
import shlex
import sys
import threading
import tokenize
import zlib
from pathlib import Path
from typing import Dict, List, Optional, Tuple

from herder.wire.handshake import NO_PYTHON, OLD_PYTHON, READY

NO_PYTHON_STATUS = 127
OLD_PYTHON_STATUS = 96
LENGTH_DIGITS = 12

# no backslash in it: the shells of users differ in what two of them between single quotes mean
_FIRST_STAGE = f"""\
import sys
sys.path[:] = [p for p in sys.path if p not in ("", ".")]
if sys.version_info < (3, 8):
    v = sys.version.split()[0], sys.executable
    sys.stderr.write("HERDER" + "{OLD_PYTHON[6:].decode()} %s %s" % v + chr(10))
    sys.exit({OLD_PYTHON_STATUS})
import os, zlib
if os.isatty(0):
    import tty
    tty.setraw(0)
os.write(1, b"HERDER" + b"{READY[6:-1].decode()}" + chr(10).encode())
b = b""
n = {LENGTH_DIGITS}
while len(b) < n:
    c = os.read(0, n - len(b))
    if not c:
        sys.exit(0)
    b += c
    if len(b) == n == {LENGTH_DIGITS}:
        n += int(b, 16)
exec(zlib.decompress(b[{LENGTH_DIGITS}:]))
"""
# where the first stage stands until its Python takes it out
_STAGE = "HERDER_STAGE"
_START = f'import os; exec(os.environ.pop("{_STAGE}"))'


def bootstrap_line(interpreters: Tuple[str, ...]) -> str:
    """Give the shell line that runs the first stage under the first interpreter that is there.

    *Shapes*: an interpreter is a path, which may have spaces, a name for PATH, or either with
    arguments ("/usr/bin/env python3"). The line is one line of POSIX shell without a variable in
    it: `sudo -i` and `sudo -s` hand the line to a shell more, with all but `$` escaped.
    """
    tries = "".join(_attempt(words) for each in interpreters for words in _readings(each))
    looked_for = shlex.quote(", ".join(interpreters))
    return (
        f"{_STAGE}={shlex.quote(_one_line(_FIRST_STAGE))}; export {_STAGE}; {tries}"
        f'echo "HERDER""{NO_PYTHON[6:].decode()}" {looked_for} >&2; exit {NO_PYTHON_STATUS}'
    )


def _one_line(source: str) -> str:
    # double quotes inside, so that the shell's single quotes around it need no escapes
    return f"exec({json.dumps(source)})"


def _attempt(words: List[str]) -> str:
    program = _quote_path(words[0])
    rest = "".join(f" {shlex.quote(word)}" for word in words[1:])
    return (
        f"if command -v {program} >/dev/null 2>&1; "
        f"then exec {program}{rest} -c {shlex.quote(_START)}; fi; "
    )


def _readings(interpreter: str) -> List[List[str]]:
    """Give how an interpreter may be meant: as one path, as ansible-core reads it, then as words.

    *Source*: ansible-core 2.19 plugins/shell/__init__.py, `build_module_command`.
    """
    whole = [interpreter]
    try:
        words = shlex.split(interpreter) or whole
    except ValueError:
        return [whole]  # a quote without its end: a name like any other, not to be found
    return [words] if words == whole else [whole, words]


def _quote_path(path: str) -> str:
    return f"~/{shlex.quote(path[2:])}" if path.startswith("~/") else shlex.quote(path)


_payloads: Dict[Optional[str], bytes] = {}
_building = threading.Lock()


def ready_payload(directory: Optional[str] = None) -> Optional[bytes]:
    """Give what `agent_payload` gives when it was asked before, without looking at any file."""
    return _payloads.get(directory)


def agent_payload(directory: Optional[str] = None) -> bytes:
    """Give what the first stage reads: length, then the compressed agent; built once, shared.

    With a directory of the user's own it is kept there for later runs, as long as no file of the
    agent changes: leaving words out takes longer than all else that starts an agent.
    """
    with _building:
        if directory not in _payloads:
            _payloads[directory] = _find_or_build(directory)
    return _payloads[directory]


def _find_or_build(directory: Optional[str]) -> bytes:
    files = {name: _content(name) for name in (*_names(), __name__)}
    mark = hashlib.sha256(repr((sys.version, files)).encode()).hexdigest()[:32]
    path = Path(directory, f"agent-{mark}") if directory else None
    payload = _kept(path) if path else None
    if payload is None:
        payload = _built({name: strip_words(files[name]) for name in _names()})
        if path:
            _keep(path, payload)
    return payload


def _kept(path: Path) -> Optional[bytes]:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            payload = file.read()
        is_own = status.st_uid == os.geteuid() and not status.st_mode & 0o022
        is_whole = len(payload) == LENGTH_DIGITS + int(payload[:LENGTH_DIGITS], 16)
    except (OSError, ValueError):
        return None
    return payload if is_own and is_whole else None


def _keep(path: Path, payload: bytes) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # it is run on hosts: not through a link, and nobody else's to write
        temporary.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with open(os.open(temporary, flags, 0o600), "wb") as file:  # noqa: PTH123  # a descriptor
            file.write(payload)
        temporary.replace(path)


def _built(sources: Dict[str, str]) -> bytes:
    digest = hashlib.sha256(repr(sources).encode()).hexdigest()[:32]
    # the agent finds this one in the program
    start = sources.pop("herder.agent.start")
    program = (
        f"{start}\nmake_importable(b[{LENGTH_DIGITS}:], {digest!r})\n"
        f"from herder.agent.main import main\nmain({digest!r})\n"
    )
    # those that begin alike, with the same imports, stand together: that packs better
    alike = dict(sorted(sources.items(), key=lambda item: item[1]))
    # apart, because a host that has the agent's code from before never unpacks its sources
    packed = zlib.compress(program.encode(), 9) + zlib.compress(marshal.dumps(alike, 2), 9)
    return f"{len(packed):0{LENGTH_DIGITS}x}".encode() + packed


def _names() -> List[str]:
    return [
        f"{room}.{found.name}"
        for room in ("herder.wire", "herder.agent")
        for found in pkgutil.iter_modules(_locations(room))
        if found.name != "bootstrap"
    ]


def _locations(package: str) -> List[str]:
    spec = importlib.util.find_spec(package)
    return list(spec.submodule_search_locations or ()) if spec else []


def _content(name: str) -> str:
    package, _, stem = name.rpartition(".")
    content = pkgutil.get_data(package, f"{stem}.py")
    return (content or b"").decode()


def strip_words(source: str) -> str:
    """Give a source without docstrings and comments, every line of code where it was."""
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            first, last = node.lineno - 1, node.end_lineno or node.lineno
            # a body needs a statement, and a module's `from __future__` must be its first
            stand_in = " " * node.col_offset + "0" if node.col_offset else ""
            lines[first:last] = [stand_in, *[""] * (last - first - 1)]
    for token in tokenize.generate_tokens(io.StringIO("\n".join(lines) + "\n").readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip()
    return "\n".join(lines) + "\n"
