"""Code from git: a cache on the host, a branch or tag made into one commit, a tree written out.

The cache (`deploy_to`/repo) holds no files of its own, only git's store, so it serves Ansistrano's
git step as well. A commit that the cache has already needs no network at all.
"""

from __future__ import annotations

import contextlib
import glob
import os
import re
import shutil
import subprocess
import uuid
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

from ansible_collections.herder.deploy.plugins.module_utils.release_files import clean_url
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import (
    DeployError,
    Layout,
    is_locked,
    locked,
    remove_tree,
)
from ansible_collections.herder.deploy.plugins.module_utils.release_patience import patiently

COMMIT_PATTERN = re.compile(r"^[0-9a-f]{40}([0-9a-f]{24})?\Z")
ABBREVIATED = re.compile(r"^[0-9a-f]{7,39}\Z")
HEADS = "+refs/heads/*:refs/remotes/origin/*"
LOCK_WAIT_SECONDS = 120.0
CACHE_IS_UNFIT = (
    "unable to read",
    "bad object",
    "corrupt",
    "not a git repository",
    "loose object",
    ".lock': File exists",
    "cannot lock ref",
    # 'x' became 'x/y', as git 2.55 says it
    "some local refs could not be updated",
    "Unable to create",
    "insufficient permission",
)
REF_IS_UNKNOWN = ("find remote ref", "not our ref", "unadvertised object", "no such ref")
SUBMODULE_DEPTH = 8


class Source(NamedTuple):
    """Where the code is and how to ask for it."""

    url: str
    version: str
    tree: str = ""
    depth: int = 0
    refspec: str = ""
    executable: str = "git"
    key_path: str = ""
    ssh_options: str = ""
    submodules: bool = True


class Git:
    """Runs git on one cache; children inherit the lock, so an orphan goes on holding it."""

    def __init__(self, source: Source, directory: str, lock: Optional[int] = None) -> None:
        self.source = source
        self.directory = directory
        self.lock = lock

    def run(self, *words: str, **more: str) -> str:
        """Run git and give its output; `more` is environment.

        *Raises*: DeployError `git-failed` with git's last words.
        """
        done = self.attempt(*words, **more)
        if done.returncode:
            said = " ".join(done.stderr.decode("utf-8", "replace").split()[-60:])
            text = "git %s of %s failed: %s" % (words[0], clean_url(self.source.url), said)
            is_full = "No space left" in said or "quota exceeded" in said
            raise DeployError("disk-full" if is_full else "git-failed", text, said=said)
        return done.stdout.decode("utf-8", "surrogateescape")

    def attempt(self, *words: str, **more: str) -> "subprocess.CompletedProcess[bytes]":
        """Run git and give what came of it."""
        command = [self.source.executable, "--git-dir", self.directory, *words]
        keep = () if self.lock is None else (self.lock,)
        try:
            return subprocess.run(
                command,
                env=dict(self._environment(), **more),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=keep,
                check=False,
            )
        except FileNotFoundError:
            raise DeployError(
                "no-git", "git is not installed on this host (%s)" % command[0]
            ) from None

    def _environment(self) -> Dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        kept.update(LC_ALL="C", GIT_TERMINAL_PROMPT="0", GIT_SSH_COMMAND=ssh_command(self.source))
        return kept


def ssh_command(source: Source) -> str:
    """Give the ssh that git shall use: never asks, learns new hosts, and the deploy key only."""
    words = ["ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=accept-new"]
    if source.key_path:
        words += ["-i", "'%s'" % source.key_path.replace("'", "'\\''"), "-o", "IdentitiesOnly=yes"]
    return " ".join([*words, source.ssh_options]).strip()


def git_directory(layout: Layout) -> str:
    """Give the store inside the repo directory; also when the directory is a bare repository."""
    if os.path.isdir(os.path.join(layout.repo, "objects")):
        return layout.repo
    return os.path.join(layout.repo, ".git")


@contextlib.contextmanager
def cache(layout: Layout, source: Source) -> Iterator[Git]:
    """Hold the cache of this application alone; makes it when it is not there."""
    layout.prepare()
    with locked(layout.repo_lock, LOCK_WAIT_SECONDS) as lock:
        git = Git(source, git_directory(layout), lock)
        _make(layout, git)
        _sweep(git.directory)
        try:
            yield git
        finally:
            _sweep(git.directory)


def _sweep(directory: str) -> None:
    """Remove what a fetch left that was killed or ran out of disk; we hold the cache alone."""
    for pattern in ("pack/tmp_*", "??/tmp_obj_*", "tmp_objdir-*", "incoming-*"):
        for path in glob.glob(os.path.join(directory, "objects", pattern)):
            if os.path.isdir(path):
                shutil.rmtree(path, ignore_errors=True)
            else:
                os.unlink(path)


def _make(layout: Layout, git: Git) -> None:
    if git.attempt("rev-parse", "--git-dir").returncode:
        if _is_of_submodule(layout, git):
            remove_tree(layout, git.directory)
            git.run("init", "--quiet", "--bare", git.directory)
        else:
            remove_tree(layout, layout.repo)
            os.makedirs(layout.repo)
            git.directory = os.path.join(layout.repo, ".git")
            git.run("init", "--quiet", layout.repo)
    if git.attempt("config", "remote.origin.url").stdout.decode().strip() != git.source.url:
        git.run("config", "remote.origin.url", git.source.url)
        git.run("config", "remote.origin.fetch", HEADS)


def _is_of_submodule(layout: Layout, git: Git) -> bool:
    return os.path.dirname(git.directory) == _submodules_folder(layout)


def _submodules_folder(layout: Layout) -> str:
    return os.path.join(layout.private, "submodules")


@contextlib.contextmanager
def deploy_key(layout: Layout, content: str, path: str) -> Iterator[str]:
    """Give the path of the deploy key; one that was sent as text is on disk only meanwhile."""
    if not content:
        yield path
        return
    for stale in glob.glob(os.path.join(layout.private, "key.*")):
        # that of another deployment, which may not have the lease yet, is locked
        if not is_locked(stale):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(stale)
    temporary = os.path.join(layout.private, "key.%s" % uuid.uuid4().hex)
    with locked(temporary) as descriptor:
        try:
            with open(descriptor, "w", closefd=False) as file:
                file.write(content if content.endswith("\n") else content + "\n")
            yield temporary
        finally:
            os.unlink(temporary)


def unknown(source: Source) -> DeployError:
    """Make the refusal of a version that the repository does not have."""
    text = "%s has no branch, tag or commit %r" % (clean_url(source.url), source.version)
    if ABBREVIATED.match(source.version):
        text += "; an older commit is found by all its 40 digits"
    return DeployError("unknown-version", text)


def obtain(layout: Layout, git: Git) -> str:
    """Bring the wanted version into the cache and give its commit; no more than is needed."""
    version = git.source.version
    if COMMIT_PATTERN.match(version) and _has(git, version):
        return version
    _mending(layout, git, _fetch_wanted)
    found = _resolve_local(git)
    if found is None:
        raise unknown(git.source)
    git.run("update-ref", "refs/herder/last", found)
    return found


def _has(git: Git, commit: str) -> bool:
    """Tell whether the cache has this commit with everything in it."""
    if git.attempt("cat-file", "-e", commit + "^{commit}").returncode:
        return False
    return not git.attempt("ls-tree", "-r", "-t", "--name-only", commit).returncode


def _mending(layout: Layout, git: Git, fetch: Callable[[Git], None]) -> None:
    """Fetch; a cache that a killed deployment left locked or broken is mended, else made anew."""
    for mend in (_unlock, _make_anew):
        try:
            fetch(git)
        except DeployError as error:
            said = str(error.data.get("said", ""))
            is_unfit = any(sign in said for sign in CACHE_IS_UNFIT)
            if error.reference == "disk-full" or not is_unfit:
                raise
            mend(layout, git)
        else:
            return
    fetch(git)


def _make_anew(layout: Layout, git: Git) -> None:
    remove_tree(layout, git.directory if _is_of_submodule(layout, git) else layout.repo)
    _make(layout, git)


def _fetch_wanted(git: Git) -> None:
    """Fetch the one branch, tag or commit; all of them when it is not known under that name."""
    for refspec in _refspecs(git.source.version):
        try:
            _fetch(git, refspec, *([git.source.refspec] if git.source.refspec else []))
        except DeployError as error:
            if not any(sign in str(error.data.get("said", "")) for sign in REF_IS_UNKNOWN):
                raise
        else:
            return
    _fetch(git, "--prune", "--tags", HEADS, *([git.source.refspec] if git.source.refspec else []))


def _refspecs(version: str) -> Tuple[str, ...]:
    """Give what to ask for, in the order in which a name is looked up."""
    if version in ("", "HEAD"):
        return ("+HEAD:refs/herder/HEAD",)
    if COMMIT_PATTERN.match(version):
        return (version,)
    if version.startswith("refs/"):
        return ("+%s:refs/herder/%s" % (version, version[5:]),)
    return (
        "+refs/heads/%s:refs/remotes/origin/%s" % (version, version),
        "+refs/tags/%s:refs/tags/%s" % (version, version),
    )


def _fetch(git: Git, *words: str) -> None:
    depth = ["--depth=%d" % git.source.depth] if git.source.depth else []
    options = [word for word in words if word.startswith("--")]
    refspecs = [word for word in words if not word.startswith("--")]
    words = ("--quiet", "--force", "--no-tags", *depth, *options, "origin", *refspecs)
    patiently(lambda: git.run("fetch", *words))


def _unlock(_layout: Layout, git: Git) -> None:
    """Remove git's own lock files; we hold ours, so nobody else is at work here."""
    for base, _directories, names in os.walk(git.directory):
        for name in names:
            if name.endswith(".lock"):
                os.unlink(os.path.join(base, name))


def _resolve_local(git: Git) -> Optional[str]:
    version = git.source.version
    names = ["refs/remotes/origin/" + version, "refs/tags/" + version, version]
    if version in ("", "HEAD"):
        names = ["refs/herder/HEAD"]
    if version.startswith("refs/"):
        names = ["refs/herder/" + version[5:]]
    for name in names:
        done = git.attempt("rev-parse", "--verify", "--quiet", name + "^{commit}")
        if not done.returncode:
            return done.stdout.decode().strip()
    return None


def export(layout: Layout, git: Git, commit: str, destination: str) -> None:
    """Write the files of a commit (or of a subtree of it) into a directory that exists."""
    _write_out(layout, git, (commit, git.source.tree.strip("/")), destination)
    if git.source.submodules:
        for path, inner, inner_commit in _submodules(git, commit):
            below = _below(path, git.source.tree.strip("/"))
            if below is not None:
                _export_submodule(
                    layout, git, (inner, inner_commit), os.path.join(destination, below)
                )


def _write_out(layout: Layout, git: Git, what: Tuple[str, str], destination: str) -> None:
    commit, tree = what
    index = os.path.join(layout.private, "index.%s" % uuid.uuid4().hex)
    name = "%s:%s" % (commit, tree) if tree else commit
    try:
        git.run("read-tree", name, GIT_INDEX_FILE=index)
        place = ("--work-tree", destination, "-c", "core.bare=false")
        words = ("checkout-index", "--all", "--force", "--prefix=%s/" % destination)
        git.run(*place, *words, GIT_INDEX_FILE=index)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(index)


def _below(path: str, tree: str) -> Optional[str]:
    """Give a path of the repository as seen from the subtree; None when it is outside."""
    if not tree:
        return path
    return path[len(tree) + 1 :] if path.startswith(tree + "/") else None


def _submodules(git: Git, commit: str) -> List[Tuple[str, Source, str]]:
    """List the submodules a commit names: path, where from, which commit."""
    listed = git.run("ls-tree", "-r", "-z", commit)
    links = [line.split("\t", 1) for line in listed.split("\0") if line.startswith("160000 ")]
    if not links:
        return []
    urls = _submodule_urls(git, commit)
    missing = [path for _head, path in links if path not in urls]
    if missing:
        raise DeployError("bad-submodule", "submodules without a URL in .gitmodules: %s" % missing)
    make = git.source._replace
    found = []
    for head, path in links:
        url = join_url(git.source.url, urls[path])
        inner_commit = head.split()[2]
        found.append((path, make(url=url, version=inner_commit, tree="", refspec=""), inner_commit))
    return found


def _submodule_urls(git: Git, commit: str) -> Dict[str, str]:
    """Read .gitmodules of a commit: path -> url."""
    said = git.attempt("config", "--blob", commit + ":.gitmodules", "--null", "--list").stdout
    values: Dict[str, Dict[str, str]] = {}
    for item in said.decode("utf-8", "surrogateescape").split("\0"):
        key, _newline, value = item.partition("\n")
        if key.startswith("submodule.") and "." in key[10:]:
            name, field = key[10:].rsplit(".", 1)
            values.setdefault(name, {})[field] = value
    return {
        each["path"]: each["url"] for each in values.values() if "path" in each and "url" in each
    }


def join_url(base: str, url: str) -> str:
    """Give a submodule's URL; './' and '../' count from the URL of the outer repository."""
    if not url.startswith(("./", "../")):
        return url
    base = base.rstrip("/")
    while url.startswith(("./", "../")):
        if url.startswith("../"):
            cut = max(base.rfind("/"), base.rfind(":"))
            base = base[:cut] if base[cut : cut + 1] == "/" else base[: cut + 1]
            url = url[3:]
        else:
            url = url[2:]
    return base + url if base.endswith(":") else base + "/" + url


def _export_submodule(layout: Layout, git: Git, what: Tuple[Source, str], destination: str) -> None:
    source, commit = what
    depth = destination.count(os.sep) - layout.releases.count(os.sep)
    if depth > SUBMODULE_DEPTH * 8:
        raise DeployError("bad-submodule", "submodules are nested too deeply at %s" % destination)
    name = re.sub(r"[^A-Za-z0-9]+", "-", source.url).strip("-")[-80:]
    inner = Git(source, os.path.join(_submodules_folder(layout), name), git.lock)
    _make(layout, inner)
    _sweep(inner.directory)
    obtain(layout, inner)
    os.makedirs(destination, exist_ok=True)
    export(layout, inner, commit, destination)
