"""The commands that a target finds first on PATH: stock's or Herder's, with a recorder."""

from __future__ import annotations

from enum import Enum
from pathlib import Path


class Engine(Enum):
    """Who runs the playbooks; `nothing` is a command that only exits with 0."""

    STOCK = "stock"
    HERDER = "herder"
    NOTHING = "nothing"


RECORDER = Path(__file__).with_name("recorder.py").read_text(encoding="utf-8")

_ENTRIES = {
    (Engine.STOCK, "ansible-playbook"): "from ansible.cli.playbook import main",
    (Engine.STOCK, "ansible"): "from ansible.cli.adhoc import main",
    (Engine.HERDER, "ansible-playbook"): "from herder.cli.playbook import console as main",
    (Engine.HERDER, "ansible"): (
        'from herder.cli.main import main as herder\nmain = lambda: herder(["run", *sys.argv[1:]])'
    ),
    (Engine.NOTHING, "ansible-playbook"): "main = lambda: 0",
    (Engine.NOTHING, "ansible"): "main = lambda: 0",
}


def write_commands(folder: Path, engine: Engine, *, code: Path, record: Path) -> None:
    """Write `ansible-playbook` and `ansible` into the folder.

    They run on the `python` of the PATH, as those of ansible-test do: a target may have activated
    a virtual environment. *Shapes*: `code` is the folder that holds the package herder, `record`
    the file that every command appends its recap to.
    """
    for (owner, name), entry in _ENTRIES.items():
        if owner is engine:
            file = folder / name
            file.write_text(_script(entry, code=code, record=record))
            file.chmod(0o755)


def _script(entry: str, *, code: Path, record: Path) -> str:
    return "\n".join(
        [
            "#!/usr/bin/env python",
            RECORDER,
            f"sys.path.insert(1, {str(code)!r})",
            entry,
            "",
            'if __name__ == "__main__":',
            f"    Recorder({str(record)!r}).run(main)",
            "",
        ]
    )
