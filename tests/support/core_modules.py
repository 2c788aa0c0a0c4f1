"""ansible-core's own modules, run as its own wrapper runs them: what ours is held against.

Importing what every module imports takes most of a run's time. So one process for each module has
imported it, out of the wrapper's own archive, and forks for each call.
"""

from __future__ import annotations

import atexit
import os
import pickle
import subprocess
from functools import cache
from typing import Any

from tests.support.bundles import wrapper_archive, wrapper_program
from tests.support.pythons import THIS

STEM = """\
import os, pickle, sys, tempfile, traceback
with tempfile.NamedTemporaryFile(suffix=".zip") as archive:
    archive.write(pickle.load(sys.stdin.buffer))
    archive.flush()
    sys.path.insert(0, archive.name)
    import ansible.module_utils.basic
    while True:
        try:
            program, environment = pickle.load(sys.stdin.buffer)
        except EOFError:
            break
        with tempfile.TemporaryFile() as said:
            child = os.fork()
            if child == 0:
                os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                os.dup2(said.fileno(), 1)
                os.environ.clear()
                os.environ.update(environment)
                try:
                    exec(program, {"__name__": "__main__"})
                except SystemExit:
                    pass
                except BaseException:
                    traceback.print_exc()
                sys.stdout.flush()
                # the archive is the parent's to remove
                os._exit(0)
            os.waitpid(child, 0)
            said.seek(0)
            pickle.dump(said.read(), sys.stdout.buffer)
            sys.stdout.buffer.flush()
"""


def core_module_says(name: str, arguments: dict[str, Any]) -> bytes:
    """Give what a module of ansible-core ('file') prints, called with these arguments."""
    stem = _stem(name)
    assert stem.stdin is not None
    assert stem.stdout is not None
    pickle.dump((wrapper_program(name, arguments), dict(os.environ)), stem.stdin)
    stem.stdin.flush()
    said: bytes = pickle.load(stem.stdout)
    return said


@cache
def _stem(name: str) -> subprocess.Popen[bytes]:
    stem = subprocess.Popen([THIS, "-c", STEM], stdin=-1, stdout=-1)
    assert stem.stdin is not None
    pickle.dump(wrapper_archive(name), stem.stdin)
    atexit.register(stem.communicate)
    return stem
