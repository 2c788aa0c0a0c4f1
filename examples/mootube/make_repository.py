#!/usr/bin/env python3
"""Make a git repository of the site, as a team would have it, to deploy from.

    make_repository.py FOLDER            a repository whose branch `main` is version one
    make_repository.py FOLDER --second   add version two to it, as one more commit
    make_repository.py FOLDER --third    add version three, which not every server is ready for

Prints the commit that `main` then is.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
AUTHOR = ("-c", "user.name=Bella", "-c", "user.email=bella@mootube.example")


def main() -> int:
    """Carry out what the words on the command line ask for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--second", action="store_true", help="commit version two")
    parser.add_argument("--third", action="store_true", help="commit version three")
    chosen = parser.parse_args()
    if chosen.second:
        commit_patch(chosen.folder, "version-two.patch", "Every video says how long it takes")
    elif chosen.third:
        commit_patch(chosen.folder, "version-three.patch", "Every video says moo")
    else:
        commit_first(chosen.folder)
    sys.stdout.write(run_git(chosen.folder, "rev-parse", "HEAD"))
    return 0


def commit_first(folder: Path) -> None:
    """Copy the site into a new repository and commit it."""
    ignored = shutil.ignore_patterns("__pycache__", "*.sqlite3", ".env", "static_root")
    shutil.copytree(HERE / "site", folder, ignore=ignored)
    run_git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "MooTube: workout videos by cows")


def commit_patch(folder: Path, patch: str, message: str) -> None:
    """Apply the patch of the next version and commit it."""
    run_git(folder, "apply", str(HERE / patch))
    commit(folder, message)


def commit(folder: Path, message: str) -> None:
    """Commit all there is in the folder."""
    run_git(folder, "add", "--all")
    run_git(folder, *AUTHOR, "commit", "--quiet", "--no-gpg-sign", "--message", message)


def run_git(folder: Path, *words: str) -> str:
    """Give what git prints; ends the script with git's own words when it fails."""
    done = subprocess.run(
        ("git", "-C", str(folder), *words), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"git {words[0]}: {done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    raise SystemExit(main())
