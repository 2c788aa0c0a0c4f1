"""The one shell line that starts an agent, and what is sent into it.

The line holds a fixed first stage: it puts a terminal into raw mode, says that it is ready, reads a
length and that many compressed bytes from standard input and runs them. So the same line fits
every version of the agent, and nothing of it is secret. This file stays on the controller.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import io
import json
import pkgutil
import shlex
import tokenize
import zlib
from functools import lru_cache
from typing import Dict, List, Tuple

from herder.wire.handshake import NO_PYTHON, OLD_PYTHON, READY

NO_PYTHON_STATUS = 127
OLD_PYTHON_STATUS = 96
LENGTH_DIGITS = 12

_FIRST_STAGE = f"""\
import sys
sys.path[:] = [p for p in sys.path if p not in ("", ".")]
if sys.version_info < (3, 8):
    v = sys.version.split()[0], sys.executable
    sys.stderr.write("HERDER" + "{OLD_PYTHON[6:].decode()} %s %s\\n" % v)
    sys.exit({OLD_PYTHON_STATUS})
import os, zlib
if os.isatty(0):
    import tty
    tty.setraw(0)
os.write(1, b"HERDER" + b"{READY[6:-1].decode()}\\n")
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


def bootstrap_line(interpreters: Tuple[str, ...]) -> str:
    """Give the shell line that runs the first stage under the first interpreter that is there.

    *Shapes*: an interpreter is a path, a name for PATH, or either with arguments
    ("/usr/bin/env python3"). The line is one line of POSIX shell.
    """
    tries = "".join(_attempt(interpreter) for interpreter in interpreters)
    looked_for = shlex.quote(", ".join(interpreters))
    return (
        f"HERDER_STAGE={shlex.quote(_one_line(_FIRST_STAGE))}; {tries}"
        f'echo "HERDER""{NO_PYTHON[6:].decode()}" {looked_for} >&2; exit {NO_PYTHON_STATUS}'
    )


def _one_line(source: str) -> str:
    # double quotes inside, so that the shell's single quotes around it need no escapes
    return f"exec({json.dumps(source)})"


def _attempt(interpreter: str) -> str:
    words = _words(interpreter)
    program = _quote_path(words[0])
    rest = "".join(f" {shlex.quote(word)}" for word in words[1:])
    return (
        f"if command -v {program} >/dev/null 2>&1; "
        f'then exec {program}{rest} -c "$HERDER_STAGE"; fi; '
    )


def _words(interpreter: str) -> List[str]:
    try:
        return shlex.split(interpreter) or [interpreter]
    except ValueError:
        return [interpreter]  # a quote without its end: a name like any other, not to be found


def _quote_path(path: str) -> str:
    return f"~/{shlex.quote(path[2:])}" if path.startswith("~/") else shlex.quote(path)


@lru_cache(maxsize=1)
def agent_payload() -> bytes:
    """Give what the first stage reads: length, then the compressed agent; built once, shared."""
    sources = _sources()
    start = sources["herder.agent.start"]
    digest = hashlib.sha256(repr(sources).encode()).hexdigest()[:32]
    program = f"{start}\nlaunch({sources!r}, {digest!r})\n"
    packed = zlib.compress(program.encode(), 9)
    return f"{len(packed):0{LENGTH_DIGITS}x}".encode() + packed


def _sources() -> Dict[str, str]:
    names = [f"herder.wire.{stem}" for stem in ("frames", "messages", "handshake")]
    names += [
        f"herder.agent.{found.name}" for found in pkgutil.iter_modules(_locations("herder.agent"))
    ]
    return {name: _source(name) for name in names}


def _locations(package: str) -> List[str]:
    spec = importlib.util.find_spec(package)
    return list(spec.submodule_search_locations or ()) if spec else []


def _source(name: str) -> str:
    package, _, stem = name.rpartition(".")
    content = pkgutil.get_data(package, f"{stem}.py")
    return strip_words((content or b"").decode())


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
