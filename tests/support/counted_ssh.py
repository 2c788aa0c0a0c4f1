"""An ssh that stays here: runs its last word in a shell of its own home and counts what goes over.

`counted_ssh.py FOLDER ...` keeps what came in, and what went out, in files of FOLDER; the shell is
alone in its process numbers, so that they count what was started there (root on Linux).
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import BinaryIO

CHUNK_BYTES = 65536


def main() -> int:
    """Relay until the shell has ended; its exit status."""
    folder, words = Path(sys.argv[1]), sys.argv[2:]
    address = words[-2]
    home = folder / address / "home"
    home.mkdir(parents=True, exist_ok=True)
    alone = ["unshare", "--pid", "--fork", "--kill-child"] if os.geteuid() == 0 else []
    process = subprocess.Popen(
        [*alone, "/bin/sh", "-c", words[-1]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "HOME": str(home)},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    number = len(list((folder / address).glob("in-*")))
    into = threading.Thread(
        target=relay, args=(0, process.stdin, folder / address / f"in-{number}"), daemon=True
    )
    into.start()
    with (folder / address / f"out-{number}").open("wb") as copy:
        while chunk := os.read(process.stdout.fileno(), CHUNK_BYTES):
            copy.write(chunk)
            os.write(1, chunk)
    return process.wait()


def relay(source: int, sink: BinaryIO, kept: Path) -> None:
    """Hand on what comes, keeping a copy."""
    with kept.open("wb", buffering=0) as copy:
        while chunk := os.read(source, CHUNK_BYTES):
            copy.write(chunk)
            sink.write(chunk)
            sink.flush()
    sink.close()


if __name__ == "__main__":
    sys.exit(main())
