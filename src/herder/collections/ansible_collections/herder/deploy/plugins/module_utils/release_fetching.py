"""Which way the code comes: one entry point over git, archive, download, S3 and tree."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import uuid
from typing import Any, Callable, Dict, Iterator, List

from ansible_collections.herder.deploy.plugins.module_utils import release_files as files
from ansible_collections.herder.deploy.plugins.module_utils import release_git as git
from ansible_collections.herder.deploy.plugins.module_utils import release_preview as previews
from ansible_collections.herder.deploy.plugins.module_utils import release_record as records
from ansible_collections.herder.deploy.plugins.module_utils import release_s3 as s3
from ansible_collections.herder.deploy.plugins.module_utils import release_tree as trees
from ansible_collections.herder.deploy.plugins.module_utils import release_versions as versions
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import (
    DeployError,
    Json,
    Layout,
    remove_tree,
)
from ansible_collections.herder.deploy.plugins.module_utils.release_patience import patiently


def fetch(layout: Layout, order: Json, destination: str) -> Json:
    """Bring the code into an empty directory; gives facts for the record.

    *Shapes*: facts may have commit, branch, source_digest, log (commits) and delivered (counts).
    """
    ways: Dict[str, Callable[[Layout, Json, str], Json]] = {
        "git": _from_git,
        "archive": _from_archive,
        "download": _from_download,
        "s3": _from_s3,
        "tree": _from_tree,
        "none": lambda _layout, _order, _destination: {},
    }
    return ways[order.get("via") or "none"](layout, order, destination)


def fingerprint(order: Json) -> str:
    """Name the source as far as it is known beforehand: '' when it is not."""
    via = order.get("via")
    if via == "git":
        return str((order.get("git") or {}).get("commit") or "")
    if via == "tree":
        return str(order.get("expect_code_digest") or "")
    return str((order.get(via or "") or {}).get("sha256") or "")


def git_source(order: Json, key_path: str = "") -> git.Source:
    """Make the git source out of the module's parameters; a fixed commit wins over the branch."""
    given = order.get("git") or {}
    if not given.get("repo"):
        raise DeployError("bad-arguments", "git.repo is required to deploy by git")
    version = given.get("commit") or given.get("version")
    if version is not None and not str(version).strip():
        raise DeployError("bad-arguments", "git.version is empty, expected a branch, tag or commit")
    return git.Source(
        url=str(given["repo"]),
        version=str(version or "HEAD"),
        tree=str(given.get("tree") or ""),
        depth=int(given.get("depth") or 0),
        refspec=str(given.get("refspec") or ""),
        executable=str(given.get("executable") or "git"),
        key_path=key_path or str(given.get("key_path") or ""),
        ssh_options=str(given.get("ssh_options") or ""),
        submodules=bool(given.get("submodules", True)),
    )


def resolve(order: Json) -> str:
    """Ask the repository for the commit; a key sent as text needs the directory of the app."""
    given = order.get("git") or {}
    layout = Layout(str(order["deploy_to"]), repo_dir=str(order.get("repo_dir") or "repo"))
    store = git.git_directory(layout)
    if not given.get("key"):
        return versions.resolve_remote(git_source(order), store)
    layout.prepare()
    with git.deploy_key(layout, str(given["key"]), "") as path:
        return versions.resolve_remote(git_source(order, path), store)


def preview(layout: Layout, order: Json) -> Json:
    """Say which commits and files a release from git would bring; leaves no trace on the host."""
    given = order.get("git") or {}
    source = git_source(order)
    before = records.commit_of(layout, layout.current_name() or "none")
    with previews.scratch(layout, source, str(given.get("key") or "")) as cache:
        commit = git.obtain(layout, cache)
        files_found = previews.changed_files(cache, before, commit)
        log = list(previews.log_between(cache, before, commit))
    told = trees.shown(files_found) if files_found is not None else None
    return {"changed": False, "commit": commit, "before": before, "log": log, "files": told}


def _from_git(layout: Layout, order: Json, destination: str) -> Json:
    given = order.get("git") or {}
    layout.prepare()
    with git.deploy_key(
        layout, str(given.get("key") or ""), str(given.get("key_path") or "")
    ) as key:
        source = git_source(order, key)
        with git.cache(layout, source) as cache:
            commit = git.obtain(layout, cache)
            if commit != given.get("commit") and given.get("commit"):
                raise DeployError("unknown-version", "commit %s was asked for" % given["commit"])
            _start_empty(layout, destination)
            git.export(layout, cache, commit, destination)
            before = records.commit_of(layout, layout.current_name() or "none")
            log = previews.log_between(cache, before, commit)
    branch = str(given.get("version") or "")
    return {"commit": commit, "branch": branch, "source_digest": commit, "log": list(log)}


def _start_empty(layout: Layout, destination: str) -> None:
    """Clear what a killed build's git still wrote here; with the cache held, none is left."""
    if os.listdir(destination):
        remove_tree(layout, destination)
        os.mkdir(destination)


def _from_archive(layout: Layout, order: Json, destination: str) -> Json:
    given = order.get("archive") or {}
    path = str(given.get("path") or "")
    if not os.path.isfile(path):
        raise DeployError("no-archive", "archive %r is not on this host" % path)
    digest = trees.file_digest(path)
    files.check_sha256(path, digest, str(given.get("sha256") or ""))
    _place(path, destination, order, str(given.get("name") or os.path.basename(path)))
    return {"source_digest": digest}


def _place(
    path: str,
    destination: str,
    order: Json,
    name: str,
    put: Callable[[str, str], object] = shutil.copy,
) -> None:
    """Unpack an archive into the release, or put it there as it is, a file of the release's own."""
    given = order.get("unpack") or {}
    if given.get("enabled", True):
        strip = int(given.get("strip") or 0)
        files.unpack(path, destination, list(given.get("exclude") or []), strip)
    else:
        put(path, os.path.join(destination, name))
    owner, group = str(given.get("owner") or ""), str(given.get("group") or "")
    if owner or group:
        files.set_owner(destination, owner, group)


@contextlib.contextmanager
def _incoming(layout: Layout) -> Iterator[str]:
    """Give a place for a download on the same disk; it is gone afterwards."""
    layout.prepare()
    path = os.path.join(layout.trash, "incoming.%s" % uuid.uuid4().hex)
    try:
        yield path
    finally:
        for each in (path, path + ".part"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(each)


def _from_download(layout: Layout, order: Json, destination: str) -> Json:
    given = order.get("download") or {}
    url = str(given.get("url") or "")
    if not url:
        raise DeployError("bad-arguments", "download.url is required")
    headers: Dict[str, str] = {str(k): str(v) for k, v in (given.get("headers") or {}).items()}
    name = url.split("?")[0].rstrip("/").rsplit("/", 1)[-1]
    return _get(layout, order, destination, (url, headers, name, str(given.get("sha256") or "")))


def _get(layout: Layout, order: Json, destination: str, what: Any) -> Json:
    url, headers, name, sha256 = what
    with _incoming(layout) as path:
        digest = patiently(lambda: files.download(url, path, sha256, headers))
        os.chmod(path, 0o644)
        _place(path, destination, order, name, shutil.move)
    return {"source_digest": digest}


def _from_s3(layout: Layout, order: Json, destination: str) -> Json:
    given = {key: str(value or "") for key, value in (order.get("s3") or {}).items()}
    target = s3.S3Object(
        given.get("bucket", ""),
        given.get("object", ""),
        given.get("region") or "us-east-1",
        given.get("endpoint", ""),
    )
    names = ("access_key", "secret_key", "session_token")
    who = s3.find_credentials(*[given.get(name, "") for name in names])
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    headers = s3.signed_headers(target, who, stamp)
    headers.pop("host", None)
    name = os.path.basename(target.name)
    what = (s3.address(target)[0], headers, name, given.get("sha256", ""))
    return _get(layout, order, destination, what)


def _known(layout: Layout) -> files.Known:
    """Find contents of the newest finished releases and of the current one, by digest."""
    names = [each["name"] for each in records.survey(layout) if each["state"] == "finished"][-2:]
    current = layout.current_name()
    if current and records.state_of(layout, current) == "finished":
        names.append(current)
    found: files.Known = {}
    for name in dict.fromkeys(names):
        files.add_known(found, layout.release(name), records.load_listing(layout, name))
    return found


def missing_contents(layout: Layout, entries: List[Json]) -> List[str]:
    """List the digests of a wanted tree that must travel to this host."""
    return files.lacking(entries, _known(layout))


def _from_tree(layout: Layout, order: Json, destination: str) -> Json:
    given = order.get("tree") or {}
    entries = given.get("entries") or []
    pack = str(given.get("pack") or "")
    counts = files.build_tree(entries, _known(layout), pack, destination)
    return {"source_digest": str(order.get("expect_code_digest") or ""), "delivered": counts}
