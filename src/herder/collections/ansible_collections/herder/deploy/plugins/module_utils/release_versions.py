"""Which commit a branch, a tag or an abbreviated commit is, asked of the repository."""

from __future__ import annotations

import os
from typing import Dict, Tuple

from ansible_collections.herder.deploy.plugins.module_utils.release_git import (
    ABBREVIATED,
    COMMIT_PATTERN,
    Git,
    Source,
    unknown,
)
from ansible_collections.herder.deploy.plugins.module_utils.release_patience import patiently


def resolve_remote(source: Source, store: str = os.devnull) -> str:
    """Ask the repository which commit a branch, tag or commit is; changes nothing anywhere.

    An abbreviated commit is looked for at the ends of branches and tags, then in this host's store.
    """
    if COMMIT_PATTERN.match(source.version):
        return source.version
    said = patiently(lambda: Git(source, os.devnull).run("ls-remote", source.url))
    refs = dict(reversed(line.split("\t", 1)) for line in said.splitlines() if "\t" in line)
    for name in _candidates(source.version):
        if name in refs:
            return refs[name]
    if ABBREVIATED.match(source.version) and (found := _whole(source, refs, store)):
        return found
    raise unknown(source)


def _whole(source: Source, refs: Dict[str, str], store: str) -> str:
    """Give all digits of an abbreviated commit, '' where it is none or more than one."""
    commits = {refs.get(name + "^{}", commit) for name, commit in refs.items()}
    found = [commit for commit in commits if commit.startswith(source.version)]
    if found:
        return found[0] if len(found) == 1 else ""
    done = Git(source, store).attempt("rev-parse", "--verify", source.version + "^{commit}")
    return done.stdout.decode().strip()


def _candidates(version: str) -> Tuple[str, ...]:
    """Give the refs a name may mean, in git's checkout order as Ansistrano has it."""
    if version in ("", "HEAD"):
        return ("HEAD",)
    tag = "refs/tags/" + version
    return ("refs/heads/" + version, tag + "^{}", tag, version)
