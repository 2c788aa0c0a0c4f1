"""Building a release: whole or not at all, the same everywhere, and nothing left of what failed."""

from __future__ import annotations

import errno
import io
import os
import random
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.herder.deploy.plugins.module_utils import release_fetching as fetching
from ansible_collections.herder.deploy.plugins.module_utils import release_git as gits
from ansible_collections.herder.deploy.plugins.module_utils import release_lease as leases
from ansible_collections.herder.deploy.plugins.module_utils import release_record as records
from ansible_collections.herder.deploy.plugins.module_utils import release_staging as staging
from ansible_collections.herder.deploy.plugins.module_utils import release_switch as switches
from ansible_collections.herder.deploy.plugins.module_utils import release_tree as trees
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import (
    DeployError,
    Layout,
)

GIT = [
    "git",
    "-c",
    "user.name=t",
    "-c",
    "user.email=t@example.org",
    "-c",
    "protocol.file.allow=always",
]
ALL = ["setup", "code", "shared", "seal"]


@pytest.fixture
def layout(tmp_path: Path) -> Any:
    """Give a host on which nothing was ever deployed."""
    return Layout(str(tmp_path / "site"))


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """Give a repository with one commit on its branch main."""
    path = tmp_path / "origin"
    path.mkdir()
    git(path, "init", "--quiet", "--initial-branch=main")
    commit(path, {"index.html": "one", "app/main.py": "print(1)", "app/media/.gitkeep": ""}, "one")
    return path


def git(path: Path, *words: str) -> str:
    """Run git in a repository."""
    done = subprocess.run([*GIT, *words], cwd=path, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(path: Path, files: dict[str, str], message: str) -> str:
    """Write files, commit them, and give the commit."""
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(content)
    git(path, "add", "--all")
    git(path, "commit", "--quiet", "--message", message)
    return git(path, "rev-parse", "HEAD")


def stage(layout: Any, name: str, **order: Any) -> Any:
    """Build a release with these parameters of the module."""
    given = {"release": name, "steps": ALL, "deploy_to": layout.root, "token": None, **order}
    return staging.carry_out(layout, given, is_check=order.get("is_check", False))


def stage_git(layout: Any, name: str, origin: Path, **order: Any) -> Any:
    """Build a release from git."""
    source = {"repo": str(origin), "version": "main", **order.pop("git", {})}
    return stage(layout, name, via="git", git=source, **order)


def content(layout: Any, name: str, path: str = "index.html") -> str:
    """Read a file of a release."""
    return Path(layout.release(name), path).read_text()


def test_release_from_git_is_whole(layout: Any, origin: Path) -> None:
    """Code, shared links, REVISION, digest: what every later step relies on."""
    Path(layout.shared, "config").mkdir(parents=True)
    Path(layout.shared, "config", "site.ini").write_text("shared")

    result = stage_git(
        layout, "r1", origin, shared_paths=["app/media"], shared_files=["config/site.ini"]
    )

    assert content(layout, "r1") == "one"
    assert content(layout, "r1", "REVISION") == git(origin, "rev-parse", "HEAD") == result["commit"]
    assert content(layout, "r1", "config/site.ini") == "shared"
    assert (
        os.readlink(os.path.join(layout.release("r1"), "app/media")) == "../../../shared/app/media"
    )
    assert result["state"] == "finished"
    assert not os.path.exists(layout.marker("r1"))


def test_digest_is_the_same_on_every_host(tmp_path: Path, origin: Path) -> None:
    """Nothing may switch unless all digests are equal, so nothing of one host may be in it."""
    digests = {stage_git(Layout(str(tmp_path / name)), "r1", origin)["digest"] for name in "abc"}

    assert len(digests) == 1


def test_a_push_in_between_changes_nothing(tmp_path: Path, origin: Path) -> None:
    """One name must be one code: the commit is fixed once and asked for by every host."""
    fixed = git(origin, "rev-parse", "HEAD")
    first = stage_git(Layout(str(tmp_path / "a")), "r1", origin, git={"commit": fixed})
    commit(origin, {"index.html": "two"}, "two")

    second = stage_git(Layout(str(tmp_path / "b")), "r1", origin, git={"commit": fixed})

    assert second["digest"] == first["digest"]


def test_known_commit_needs_no_network(layout: Any, origin: Path) -> None:
    """A hundred hosts need not ask the server for what they have."""
    fixed = stage_git(layout, "r1", origin)["commit"]
    origin.rename(origin.with_name("gone"))

    assert stage_git(layout, "r2", origin, git={"commit": fixed})["state"] == "finished"


@pytest.mark.parametrize("version", ["main", "v1", "HEAD", "annotated", "refs/heads/main"])
def test_branch_tag_and_head_are_resolved_alike_on_host_and_remotely(
    layout: Any, origin: Path, version: str
) -> None:
    """The transaction fixes the commit by ls-remote; a host alone must find the same."""
    git(origin, "tag", "v1")
    git(origin, "tag", "--annotate", "--message", "m", "annotated")
    head = git(origin, "rev-parse", "HEAD")
    order = {
        "via": "git",
        "git": {"repo": str(origin), "version": version},
        "deploy_to": layout.root,
    }

    assert fetching.resolve(order) == head
    assert stage_git(layout, "r1", origin, git={"version": version})["commit"] == head


def test_abbreviated_commit_is_found_where_git_would(layout: Any, origin: Path) -> None:
    """What people type at night: the end of a branch, or what this host has had already."""
    first = stage_git(layout, "r1", origin)["commit"]
    second = commit(origin, {"index.html": "two"}, "two")
    git(origin, "tag", "--annotate", "--message", "m", "annotated")
    order = {"via": "git", "deploy_to": layout.root}

    found = [
        fetching.resolve({**order, "git": {"repo": str(origin), "version": each[:9]}})
        for each in (first, second)
    ]

    assert found == [first, second]
    with pytest.raises(DeployError, match="all its 40 digits"):
        fetching.resolve({**order, "git": {"repo": str(origin), "version": "0123456"}})


def test_shared_file_that_is_not_there_is_told(layout: Any, origin: Path) -> None:
    """A site without its settings: the links of all hosts lead to nothing alike."""
    result = stage_git(layout, "r1", origin, shared_files=[".env"], shared_paths=["media"])

    (warning,) = result["warnings"]
    assert warning.startswith(".env: not in " + layout.shared)


def test_code_without_files_is_refused(layout: Any, tmp_path: Path) -> None:
    """A build that made nothing must not replace the site by nothing."""
    (tmp_path / "dist").mkdir()
    with tarfile.open(tmp_path / "dist.tar", "w") as archive:
        archive.add(tmp_path / "dist", arcname=".")

    with pytest.raises(DeployError, match="no files at all"):
        stage(layout, "r1", via="archive", archive={"path": str(tmp_path / "dist.tar")})

    assert not os.path.exists(layout.release("r1"))


def test_branch_without_a_name_is_refused(layout: Any, origin: Path) -> None:
    """A variable that a job left empty must not bring whatever the repository's HEAD is."""
    order = {"via": "git", "deploy_to": layout.root, "git": {"repo": str(origin), "version": ""}}

    with pytest.raises(DeployError, match="version is empty"):
        fetching.resolve(order)


def test_branch_that_became_a_folder_of_branches(layout: Any, origin: Path) -> None:
    """Git cannot keep 'x' and 'x/y' side by side; the cache must not be in the way."""
    git(origin, "branch", "x")
    stage_git(layout, "r1", origin, git={"version": "x"})
    git(origin, "branch", "--delete", "x")
    git(origin, "branch", "x/y")
    stage_git(layout, "r2", origin, git={"version": "x/y"})

    assert content(layout, "r2") == "one"


def test_names_in_each_others_way_as_a_newer_git_says_it(
    layout: Any, origin: Path, tmp_path: Path
) -> None:
    """The git of this machine may have the older words: this one has those of 2.55 once."""
    stage_git(layout, "r1", origin)
    program, asked = tmp_path / "git", tmp_path / "asked"
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *" fetch "*) if [ ! -e {asked} ]; then touch {asked};'
        ' echo "error: some local refs could not be updated; try running" >&2; exit 1; fi;; esac\n'
        'exec git "$@"\n'
    )
    program.chmod(0o755)
    commit(origin, {"index.html": "two"}, "two")

    stage_git(layout, "r2", origin, git={"executable": str(program)})

    assert asked.exists()
    assert content(layout, "r2") == "two"


def test_other_branches_are_not_fetched(layout: Any, origin: Path) -> None:
    """A big branch that nobody deploys costs neither time nor disk."""
    git(origin, "checkout", "--quiet", "-b", "other")
    other = commit(origin, {"big": "x" * 1000}, "big")
    git(origin, "checkout", "--quiet", "main")

    stage_git(layout, "r1", origin)
    stage_git(layout, "r2", origin, git={"commit": git(origin, "rev-parse", "main")})

    store = ["git", "--git-dir", f"{layout.repo}/.git", "cat-file", "-e", other]
    assert subprocess.run(store, capture_output=True, check=False).returncode != 0


def test_commit_that_is_no_tip_is_found(layout: Any, origin: Path) -> None:
    """The branch may have gone on since the commit was fixed."""
    fixed = git(origin, "rev-parse", "HEAD")
    commit(origin, {"index.html": "two"}, "two")

    stage_git(layout, "r1", origin, git={"commit": fixed})

    assert content(layout, "r1") == "one"


def test_unknown_branch_says_so(layout: Any, origin: Path) -> None:
    """And leaves nothing that could be taken for a release."""
    with pytest.raises(DeployError, match="has no branch, tag or commit 'nope'"):
        stage_git(layout, "r1", origin, git={"version": "nope"})

    assert records.state_of(layout, "r1") == "missing"


def test_subtree_becomes_the_release(layout: Any, origin: Path) -> None:
    """Ansistrano's git_repo_tree."""
    stage_git(layout, "r1", origin, git={"tree": "/app/"})

    assert content(layout, "r1", "main.py") == "print(1)"
    assert not os.path.exists(os.path.join(layout.release("r1"), "index.html"))


def add_submodule(origin: Path, folder: Path, place: str) -> Path:
    """Give the repository of a new submodule of `origin`, beside it in this folder."""
    library = folder / "library"
    library.mkdir()
    git(library, "init", "--quiet", "--initial-branch=main")
    commit(library, {"code.py": "old"}, "old")
    git(origin, "submodule", "--quiet", "add", "../library", place)
    commit(origin, {}, "with submodule")
    return library


def test_submodules_come_with_the_commit_that_is_recorded(
    layout: Any, origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also with a relative URL, and also when the submodule has gone on since."""
    library = add_submodule(origin, tmp_path, "lib/inner")
    commit(library, {"code.py": "new"}, "new")

    stage_git(layout, "r1", origin)

    assert content(layout, "r1", "lib/inner/code.py") == "old"


@pytest.mark.parametrize("damage", ["HEAD", "objects", "tmp_pack_half"])
def test_store_of_a_submodule_is_mended_in_its_own_place(
    layout: Any, origin: Path, tmp_path: Path, damage: str
) -> None:
    """The application's own store must not be thrown away for it, nor take its place."""
    library = add_submodule(origin, tmp_path, "inner")
    stage_git(layout, "r1", origin)
    (store,) = Path(layout.private, "submodules").iterdir()
    pieces = [store / "HEAD"] if damage == "HEAD" else list(store.glob("objects/??/*"))
    half = store / "objects" / "pack" / "tmp_pack_half"
    for piece in [half] if damage == half.name else pieces:
        piece.parent.mkdir(exist_ok=True)
        piece.unlink(missing_ok=True)
        piece.write_text("rubbish")
    switches.switch(layout, "r1", None, {})
    new = commit(library, {"code.py": "new"}, "new")
    git(origin / "inner", "pull", "--quiet", "origin", "main")
    commit(origin, {}, "with a newer submodule")

    result = stage_git(layout, "r2", origin)

    assert content(layout, "r2", "inner/code.py") == "new"
    assert git(store, "rev-parse", "refs/herder/last") == new
    assert git(Path(layout.repo), "rev-parse", "refs/herder/last") == result["commit"]
    record = records.read_json(layout.record("r2")) or {}
    assert [each["subject"] for each in record["log"]] == ["with a newer submodule"]
    assert not half.exists()


def test_files_that_exports_ignore_are_there_too(layout: Any, origin: Path) -> None:
    """Ansistrano brings all tracked files; git's export-ignore must not change that."""
    commit(origin, {".gitattributes": "index.html export-ignore"}, "attributes")

    stage_git(layout, "r1", origin)

    assert content(layout, "r1") == "one"


def test_cache_left_locked_or_broken_is_mended(layout: Any, origin: Path) -> None:
    """A deployment that was killed while fetching must not stop the next one."""
    stage_git(layout, "r1", origin)
    for damage in ("packed-refs.lock", "shallow.lock"):
        Path(layout.repo, ".git", damage).touch()
    commit(origin, {"index.html": "two"}, "two")
    git(origin, "branch", "old")
    stage_git(layout, "r2", origin)
    git(origin, "branch", "--delete", "old")
    Path(layout.repo, ".git", "packed-refs.lock").touch()
    commit(origin, {"index.html": "three"}, "three")

    stage_git(layout, "r3", origin)
    Path(layout.repo, ".git", "HEAD").write_text("rubbish")
    stage_git(layout, "r4", origin, git={"commit": git(origin, "rev-parse", "HEAD")})

    assert content(layout, "r4") == "three"


def test_what_a_killed_fetch_left_gives_its_space_back(layout: Any, origin: Path) -> None:
    """Git leaves its half packs behind; a disk that was full would stay full."""
    stage_git(layout, "r1", origin)
    half = Path(layout.repo, ".git", "objects", "pack", "tmp_pack_half")
    half.write_bytes(b"x" * 1000)

    stage_git(layout, "r2", origin)

    assert not half.exists()


def test_deploy_key_is_gone_afterwards(layout: Any, origin: Path) -> None:
    """A secret is on the host's disk only while it is needed, even after a crash."""
    layout.prepare()
    Path(layout.private, "key.left-by-a-crash").write_text("secret")

    stage_git(layout, "r1", origin, git={"key": "secret"})

    assert not [name for name in os.listdir(layout.private) if name.startswith("key.")]


def test_deploy_key_of_another_deployment_stays(layout: Any) -> None:
    """Who asks for the commit has no lease yet: the holder of it may be fetching just then."""
    layout.prepare()

    with gits.deploy_key(layout, "mine", "") as mine:
        with gits.deploy_key(layout, "another's", ""):
            assert Path(mine).read_text() == "mine\n"
        assert Path(mine).stat().st_mode & 0o777 == 0o600

    assert not [name for name in os.listdir(layout.private) if name.startswith("key.")]


def test_steps_may_be_spread_over_calls(layout: Any, origin: Path) -> None:
    """A playbook runs its own tasks between them; only the last step makes a release."""
    stage_git(layout, "r1", origin, steps=["setup", "code"])
    assert records.state_of(layout, "r1") == "unfinished"
    Path(layout.release("r1"), "built").write_text("by a hook")
    stage_git(layout, "r1", origin, steps=["shared"])

    result = stage_git(layout, "r1", origin, steps=["seal"])

    assert result["state"] == "finished"
    assert content(layout, "r1", "built") == "by a hook"


def test_finished_release_is_not_built_again(layout: Any, origin: Path) -> None:
    """A run that is repeated, or a second batch, finds the work done."""
    first = stage_git(layout, "r1", origin)

    again = stage_git(layout, "r1", origin, git={"commit": first["commit"]})

    assert again["already_staged"] is True
    assert again["changed"] is False
    assert again["digest"] == first["digest"]


def test_same_name_with_another_commit_is_refused(layout: Any, origin: Path) -> None:
    """One name, one code."""
    stage_git(layout, "r1", origin)
    other = commit(origin, {"index.html": "two"}, "two")

    with pytest.raises(DeployError) as refused:
        stage_git(layout, "r1", origin, git={"commit": other})

    assert refused.value.reference == "release-exists"


def test_half_built_release_of_a_crash_is_built_anew(layout: Any, origin: Path) -> None:
    """What an interrupted build left must not get into the next one of that name."""
    stage_git(layout, "r1", origin, steps=["setup", "code"])
    Path(layout.release("r1"), "stray").write_text("half")

    stage_git(layout, "r1", origin)

    assert not os.path.exists(os.path.join(layout.release("r1"), "stray"))


def test_what_failed_is_removed_at_once(layout: Any, origin: Path, monkeypatch: Any) -> None:
    """A full disk gets its space back and is named, and the release is never chosen."""

    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(trees, "scan", full)
    with pytest.raises(DeployError, match=layout.release("r1") + ": No space") as refused:
        stage_git(layout, "r1", origin)

    assert refused.value.reference == "disk-full"
    assert not os.path.exists(layout.release("r1"))
    assert records.state_of(layout, "r1") == "missing"


def test_serving_release_is_never_built_over(layout: Any, origin: Path) -> None:
    """Whatever its record says, visitors are on it."""
    stage_git(layout, "r1", origin)
    switches.switch(layout, "r1", None, {})
    os.unlink(layout.record("r1"))

    with pytest.raises(DeployError) as refused:
        stage_git(layout, "r1", origin)

    assert refused.value.reference == "release-serving"
    assert content(layout, "r1") == "one"


@pytest.mark.parametrize("steps", [["code"], ["seal"]])
def test_deployer_that_lost_its_lease_stages_nothing_more(
    layout: Any, origin: Path, steps: list[str]
) -> None:
    """Woken up late, it would build or finish a release under the deployment that has the host."""
    wish = {"owner": "late", "user": "", "host": "", "why": "", "release": "", "progress": ""}
    now = leases.this_moment()
    _, late = leases.acquire(layout, wish, 30, now)
    stage_git(layout, "r1", origin, steps=["setup", "code"], token=late["token"])
    leases.break_lease(layout, late["token"], now)

    with pytest.raises(DeployError) as refused:
        stage_git(layout, "r1", origin, steps=steps, token=late["token"])

    assert refused.value.reference == "stale-token"
    assert records.state_of(layout, "r1") != "finished"


def test_what_an_interrupted_removal_left_goes_with_the_next_deployment(
    layout: Any, origin: Path
) -> None:
    """It is as large as a release, and nobody else looks into the trash."""
    layout.prepare()
    Path(layout.trash, "r0.12345678").mkdir()
    Path(layout.trash, "r0.12345678", "file").write_text("x")

    stage_git(layout, "r1", origin)

    assert os.listdir(layout.trash) == []


def test_git_asks_nobody_and_hears_of_no_other_repository(
    layout: Any, origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A question would wait for ever; a hook that deploys has the variables of its own git."""
    program, seen = tmp_path / "git", tmp_path / "seen"
    program.write_text(f'#!/bin/sh\nenv >{seen}\nexec git "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(tmp_path / "elsewhere"))

    stage_git(layout, "r1", origin, git={"executable": str(program)})

    lines = seen.read_text().splitlines()
    assert "GIT_TERMINAL_PROMPT=0" in lines
    assert not [line for line in lines if line.startswith("GIT_OBJECT_DIRECTORY")]


def test_what_others_built_can_be_finished(layout: Any) -> None:
    """Ansistrano's tasks bring the code; we mark before and seal after."""
    stage(layout, "r1", steps=["setup", "begin"])
    assert records.state_of(layout, "r1") == "unfinished"
    os.mkdir(layout.release("r1"))
    Path(layout.release("r1"), "REVISION").write_text("abc123")

    result = stage(layout, "r1", steps=["seal"])

    assert result["state"] == "finished"
    assert result["commit"] == "abc123"


def test_preview_tells_commits_and_files_and_leaves_no_trace(layout: Any, origin: Path) -> None:
    """A plan changes nothing, also not the cache."""
    stage_git(layout, "r1", origin)
    switches.switch(layout, "r1", None, {})
    git(origin, "rm", "--quiet", "app/main.py")
    commit(origin, {"index.html": "two", "new.txt": ""}, "the second")
    before = sorted(str(path) for path in Path(layout.root).rglob("*"))

    told = stage_git(layout, "", origin, steps=["preview"])

    assert [each["subject"] for each in told["log"]] == ["the second"]
    assert told["files"]["changed"] == ["index.html"]
    assert told["files"]["added"] == ["new.txt"]
    assert told["files"]["removed"] == ["app/main.py"]
    assert sorted(str(path) for path in Path(layout.root).rglob("*")) == before


def test_preview_on_a_new_host_knows_the_commit_only(layout: Any, origin: Path) -> None:
    """There is nothing to compare with."""
    told = stage_git(layout, "", origin, steps=["preview"])

    assert told["commit"] == git(origin, "rev-parse", "HEAD")
    assert (told["log"], told["files"]) == ([], None)
    assert not os.path.exists(layout.root)


def test_what_serves_already_can_be_adopted(layout: Any) -> None:
    """On hosts that Ansistrano kept so far; at no moment it looks half built."""
    os.makedirs(layout.release("old"))
    os.symlink("./releases/old", layout.current)

    result = stage(layout, "old", steps=["setup", "seal"])

    assert result["state"] == "finished"
    assert not os.path.exists(layout.marker("old"))


@pytest.mark.parametrize("item", ["../out", "/..", "a/../../b", "."])
def test_shared_path_out_of_the_release_is_refused(layout: Any, origin: Path, item: str) -> None:
    """It would remove files that are not the release's."""
    with pytest.raises(DeployError, match="shared path"):
        stage_git(layout, "r1", origin, shared_paths=[item])


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../v1", "a/b", "/v1", ".v1", "-v1", "v 1", "v1\n", "ü1", "v" * 129]
)
def test_name_that_is_no_single_safe_word_is_refused(layout: Any, origin: Path, name: str) -> None:
    """It becomes a folder, a link's text and a word of commands."""
    with pytest.raises(DeployError) as refused:
        stage_git(layout, name, origin)

    assert refused.value.reference == "bad-name"
    assert not os.path.exists(layout.root)


def test_shared_path_below_another_is_refused(layout: Any, origin: Path) -> None:
    """The second link would be made inside the shared directory, for all releases."""
    with pytest.raises(DeployError, match="below another link"):
        stage_git(layout, "r1", origin, shared_paths=["app", "app/media"])


def test_check_mode_changes_nothing(layout: Any, origin: Path) -> None:
    """Ansistrano's check mode fails; ours says what would happen."""
    result = stage_git(layout, "r1", origin, is_check=True)

    assert result["changed"] is True
    assert result["commit"] == git(origin, "rev-parse", "HEAD")
    assert not os.path.exists(layout.root)


def make_tree(root: Path, files: dict[str, str]) -> list[Any]:
    """Make a directory and give its entries as the controller sends them."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    fields = ("path", "type", "mode", "digest", "target")
    return [{key: each[key] for key in fields if key in each} for each in trees.scan(str(root))]


def pack(root: Path, entries: list[Any], digests: list[str], path: Path) -> str:
    """Make the pack that the controller sends."""
    with tarfile.open(path, "w") as archive:
        for entry in entries:
            if entry.get("digest") in digests and entry["digest"] not in archive.getnames():
                archive.add(root / entry["path"], arcname=entry["digest"])
    return str(path)


def test_of_a_tree_only_news_travel_and_the_rest_is_linked(layout: Any, tmp_path: Path) -> None:
    """A second release costs the bytes that changed, on the wire and on the disk."""
    source = tmp_path / "source"
    entries = make_tree(source, {"a.txt": "same", "dir/b.txt": "old", "dir/copy.txt": "same"})
    missing = staging.compare(layout, {"tree": {"entries": entries}})["missing"]
    sent = pack(source, entries, missing, tmp_path / "one.tar")
    stage(layout, "r1", via="tree", tree={"entries": entries, "pack": sent})
    entries = make_tree(source, {"dir/b.txt": "new"})

    missing = staging.compare(layout, {"tree": {"entries": entries}})["missing"]
    sent = pack(source, entries, missing, tmp_path / "two.tar")
    order = {"entries": entries, "pack": sent}
    digest = trees.tree_digest(entries)
    result = stage(layout, "r2", via="tree", tree=order, expect_code_digest=digest)

    assert len(missing) == 1
    assert result["delivered"] == {"linked": 2, "copied": 0, "received": 1}
    assert (
        os.stat(layout.release("r1") + "/a.txt").st_ino
        == os.stat(layout.release("r2") + "/a.txt").st_ino
    )
    assert (content(layout, "r1", "dir/b.txt"), content(layout, "r2", "dir/b.txt")) == (
        "old",
        "new",
    )


def test_file_edited_by_hand_is_not_linked_into_the_next_release(
    layout: Any, tmp_path: Path
) -> None:
    """What the host has must be what was meant, not what somebody made of it."""
    source = tmp_path / "source"
    entries = make_tree(source, {"a.txt": "same"})
    every = [each["digest"] for each in entries if "digest" in each]
    order = {"entries": entries, "pack": pack(source, entries, every, tmp_path / "one.tar")}
    stage(layout, "r1", via="tree", tree=order)
    Path(layout.release("r1"), "a.txt").write_text("EDIT")

    assert staging.compare(layout, {"tree": {"entries": entries}})["missing"] == every


def test_tree_that_arrives_otherwise_is_refused_by_file(layout: Any, tmp_path: Path) -> None:
    """The digest of what was sent is held against what arrived."""
    source = tmp_path / "source"
    entries = make_tree(source, {"a.txt": "right"})
    order = {
        "entries": entries,
        "pack": pack(source, entries, [entries[0]["digest"]], tmp_path / "p"),
    }

    with pytest.raises(DeployError) as refused:
        stage(layout, "r1", via="tree", tree=order, expect_code_digest="0" * 64)

    assert refused.value.reference == "code-differs"


def test_archives_of_both_kinds_are_unpacked(layout: Any, tmp_path: Path) -> None:
    """With the first directory stripped, modes and links kept, and patterns left out."""
    source = tmp_path / "site-1.0"
    make_tree(source, {"run.sh": "#!", "skip.log": "x"})
    (source / "run.sh").chmod(0o755)
    (source / "link").symlink_to("run.sh")
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        archive.add(source, arcname="site-1.0")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        zipped.write(source / "run.sh", "site-1.0/run.sh")
    unpack = {"enabled": True, "strip": 1, "exclude": ["*.log"]}

    stage(layout, "r1", via="archive", archive={"path": str(tmp_path / "a.tar.gz")}, unpack=unpack)
    stage(layout, "r2", via="archive", archive={"path": str(tmp_path / "a.zip")}, unpack=unpack)

    for name in ("r1", "r2"):
        assert os.stat(layout.release(name) + "/run.sh").st_mode & 0o777 == 0o755
    assert os.readlink(layout.release("r1") + "/link") == "run.sh"
    assert not os.path.exists(layout.release("r1") + "/skip.log")


def test_file_that_is_not_unpacked_is_the_releases_own(layout: Any, tmp_path: Path) -> None:
    """Written over in place by the next build, it would change what serves."""
    built = tmp_path / "app.jar"
    built.write_bytes(b"one")
    built.chmod(0o755)
    unpack = {"enabled": False}

    stage(layout, "r1", via="archive", archive={"path": str(built)}, unpack=unpack)
    built.write_bytes(b"two")

    assert content(layout, "r1", "app.jar") == "one"
    assert os.stat(layout.release("r1") + "/app.jar").st_mode & 0o777 == 0o755


def test_file_that_is_not_unpacked_may_come_from_another_file_system(layout: Any) -> None:
    """Downloads and what the controller sends lie where there is room, such as in /tmp."""
    if not os.access("/dev/shm", os.W_OK):
        pytest.skip("needs a second file system")
    os.makedirs(layout.root)
    with tempfile.NamedTemporaryFile(dir="/dev/shm") as built:
        if os.stat(built.name).st_dev == os.stat(layout.root).st_dev:
            pytest.skip("needs a second file system")
        built.write(b"moo")
        built.flush()
        wish = {"path": built.name, "name": "app.jar"}

        stage(layout, "r1", via="archive", archive=wish, unpack={"enabled": False})

    assert content(layout, "r1", "app.jar") == "moo"


def test_commit_of_an_archive_is_what_the_caller_says(layout: Any, tmp_path: Path) -> None:
    """Who packs a commit knows it; the record and REVISION should too."""
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo("index.html"))
    wish = {"archive": {"path": str(tmp_path / "a.tar")}, "git": {"commit": "c" * 40}}

    said = stage(layout, "r1", via="archive", **wish)

    assert said["commit"] == content(layout, "r1", "REVISION").strip() == "c" * 40


def test_archive_of_another_content_is_refused(layout: Any, tmp_path: Path) -> None:
    """A checksum that is given counts."""
    (tmp_path / "a.tar").write_bytes(b"x")

    with pytest.raises(DeployError, match="expected"):
        stage(
            layout,
            "r1",
            via="archive",
            archive={"path": str(tmp_path / "a.tar"), "sha256": "0" * 64},
        )


@pytest.mark.parametrize("kind", ["parent", "absolute", "through-a-link", "device"])
def test_archive_that_would_write_elsewhere_is_refused(
    layout: Any, tmp_path: Path, kind: str
) -> None:
    """An archive is somebody else's bytes."""
    member = tarfile.TarInfo({"parent": "../evil", "absolute": "/tmp/evil"}.get(kind, "d/evil"))
    member.type = tarfile.CHRTYPE if kind == "device" else tarfile.REGTYPE
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        if kind == "through-a-link":
            link = tarfile.TarInfo("d")
            link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
            archive.addfile(link)
        archive.addfile(member)

    with pytest.raises(DeployError) as refused:
        stage(layout, "r1", via="archive", archive={"path": str(tmp_path / "a.tar")})

    assert refused.value.reference == "bad-archive"
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zip", "locked zip"])
def test_archive_with_damaged_bytes_is_refused_whole(
    layout: Any, tmp_path: Path, kind: str
) -> None:
    """Each unpacker has an error of its own; gzip's checksum stands behind what tar reads."""
    path, text = tmp_path / "a", random.Random(1).randbytes(100_000).hex().encode()
    if kind.endswith("zip"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
            zipped.writestr("index.html", text)
    else:
        member = tarfile.TarInfo("index.html")
        member.size = len(text)
        with tarfile.open(path, f"w:{kind}") as archive:  # type: ignore[call-overload]  # a compression
            archive.addfile(member, io.BytesIO(text))
    content = bytearray(path.read_bytes())
    if kind == "locked zip":
        content[6] = content[content.index(b"PK\1\2") + 8] = 1
    else:
        place = len(content) - 8 if kind == "gz" else len(content) // 2
        content[place : place + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(content)

    with pytest.raises(DeployError) as refused:
        stage(layout, "r1", via="archive", archive={"path": str(path)})

    assert refused.value.reference == "bad-archive"
    assert not os.path.exists(layout.release("r1"))
    assert records.state_of(layout, "r1") == "missing"


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_archive_cannot_open_a_directory_elsewhere(layout: Any, tmp_path: Path, kind: str) -> None:
    """A link to /etc, then a directory of its name: the mode would go to what the link names."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    link, folder = tarfile.TarInfo("d"), tarfile.TarInfo("d")
    link.type, link.linkname = tarfile.SYMTYPE, str(elsewhere)
    folder.type, folder.mode = tarfile.DIRTYPE, 0o777
    if kind == "tar":
        with tarfile.open(tmp_path / "a", "w") as archive:
            archive.addfile(link)
            archive.addfile(folder)
    else:
        zipped_link = zipfile.ZipInfo("d")
        zipped_link.external_attr = 0o120777 << 16
        with zipfile.ZipFile(tmp_path / "a", "w") as zipped:
            zipped.writestr(zipped_link, str(elsewhere))
            zipped.writestr("d/", "")

    with pytest.raises(DeployError) as refused:
        stage(layout, "r1", via="archive", archive={"path": str(tmp_path / "a")})

    assert refused.value.reference == "bad-archive"
    assert elsewhere.stat().st_mode & 0o777 == 0o700


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_killed_builds_are_never_whole_and_the_next_one_succeeds(layout: Any, origin: Path) -> None:
    """A process that stages is killed at many moments; no half release looks finished."""
    commit(origin, {f"f{number}": "x" * 500 for number in range(300)}, "many")
    script = """
import sys
from ansible_collections.herder.deploy.plugins.module_utils import release_staging as staging
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import Layout
layout = Layout(sys.argv[1])
order = {"release": sys.argv[3], "steps": ["setup", "code", "shared", "seal"], "via": "git",
         "deploy_to": layout.root, "git": {"repo": sys.argv[2], "version": "main"}}
print("ready", flush=True)
staging.carry_out(layout, order, False)
"""
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    for number in range(12):
        command = [sys.executable, "-c", script, layout.root, str(origin), f"k{number}"]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.012 * number)
        process.kill()
        process.wait()
        process.stdout.close()
        if records.state_of(layout, f"k{number}") == "finished":
            assert len(os.listdir(layout.release(f"k{number}"))) == 303

    assert stage_git(layout, "after", origin)["state"] == "finished"
    assert len(os.listdir(layout.release("after"))) == 303
