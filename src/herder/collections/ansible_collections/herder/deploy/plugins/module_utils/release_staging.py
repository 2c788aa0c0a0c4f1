"""Building a release, step by step: setup, begin, code, shared, seal; or abandon.

The steps of one release may be spread over several calls (a playbook runs its hooks between
them); each call holds the lock of the release's marker file, which tells others that the builder
is alive. A step that fails removes what was built at once, so that a full disk gets its space back.

*Shapes*: an order is the parameters of the module `release_stage`, as documented there.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from typing import Iterator, List

from ansible_collections.herder.deploy.plugins.module_utils import release_fetching as fetching
from ansible_collections.herder.deploy.plugins.module_utils import release_lease as leases
from ansible_collections.herder.deploy.plugins.module_utils import release_record as records
from ansible_collections.herder.deploy.plugins.module_utils import release_switch as switches
from ansible_collections.herder.deploy.plugins.module_utils import release_tree as trees
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import (
    DeployError,
    Json,
    Layout,
    describe,
    empty_trash,
    is_locked,
    is_plain_directory,
    locked,
    read_json,
    remove_tree,
    write_text,
)

STEPS = ("setup", "begin", "code", "shared", "seal")
MARKER_WAIT_SECONDS = 30.0
# What git, tar and the like say of a full disk, without where it is.
NO_SPACE = os.strerror(errno.ENOSPC)


class Staging:
    """One call's work on one release."""

    def __init__(self, layout: Layout, order: Json) -> None:
        self.layout = layout
        self.order = order
        self.name = str(order["release"])
        self.path = layout.release(self.name)
        self.result: Json = {"changed": False, "already_staged": False}

    def run(self) -> Json:
        """Take the steps that the order names, in their own order; gives the module's result."""
        steps = self.order["steps"]
        if "setup" in steps:
            self.setup()
        if self._is_done(steps):
            return self.report()
        with self._building(steps):
            for step in STEPS[1:]:
                if step in steps:
                    getattr(self, step)()
        return self.report()

    def _is_done(self, steps: List[str]) -> bool:
        """Tell whether the release is finished already, and from the same source."""
        if not set(steps) & set(STEPS[1:]):
            return True
        state = records.state_of(self.layout, self.name)
        if state == "finished":
            self._check_same_source()
            self.result["already_staged"] = True
            return True
        serving = self.layout.current_name() == self.name
        if serving and not self._is_adoption(steps):
            text = "release %s is serving and is %s, give the new one another name" % (
                self.name,
                state,
            )
            raise DeployError("release-serving", text)
        return False

    def _check_same_source(self) -> None:
        record = read_json(self.layout.record(self.name)) or {}
        wanted = fetching.fingerprint(self.order)
        if wanted and record.get("source_digest") and record["source_digest"] != wanted:
            text = "release %s is finished here with %s, asked for %s" % (
                self.name,
                record["source_digest"],
                wanted,
            )
            raise DeployError("release-exists", text)

    @contextlib.contextmanager
    def _building(self, steps: List[str]) -> Iterator[None]:
        """Hold the marker while building; on any failure remove what was built."""
        if self._is_adoption(steps):
            yield
            return
        if "begin" in steps or "code" in steps or not os.path.exists(self.layout.marker(self.name)):
            self._mark()
        with locked(self.layout.marker(self.name), MARKER_WAIT_SECONDS):
            try:
                yield
            except (DeployError, OSError) as error:
                reason = error.message if isinstance(error, DeployError) else describe(error)
                abandon(self.layout, self.name, reason)
                if NO_SPACE in reason and self.layout.root not in reason:
                    raise DeployError("disk-full", "%s: %s" % (self.path, reason)) from error
                raise

    def _is_adoption(self, steps: List[str]) -> bool:
        """Tell whether a directory that others made is only to be sealed; it may be serving."""
        is_unmarked = records.state_of(self.layout, self.name) == "unrecorded"
        return is_unmarked and set(steps) & set(STEPS[1:]) == {"seal"}

    def _mark(self) -> None:
        """Write the marker; waits for another process that builds a release of this name."""
        self.layout.prepare()
        marker = self.layout.marker(self.name)
        deadline = time.monotonic() + MARKER_WAIT_SECONDS
        while is_locked(marker):
            if time.monotonic() >= deadline:
                raise DeployError(
                    "busy", "release %s is being built by another process" % self.name
                )
            time.sleep(0.1)
        with locked(self.layout.lock):
            leases.check_fence(self.layout, self.order.get("token"), leases.this_moment())
            facts = {key: self.order.get(key) for key in ("by", "message", "token", "via")}
            records.begin(self.layout, self.name, facts, time.time())
        self.result["changed"] = True

    def setup(self) -> None:
        """Make the directories, settle an overdue switch, clear what crashes left."""
        layout = self.layout
        wanted = [layout.root, layout.releases, layout.shared, *self._shared_directories()]
        for path in wanted:
            if not os.path.isdir(path):
                os.makedirs(path)
                self.result["changed"] = True
        layout.prepare()
        with locked(layout.lock):
            settled = switches.settle(layout)
            switches.sweep(layout)
            switches.remember_server(layout, layout.current_name())
        if settled is not None:
            self.result["settled"] = settled
        empty_trash(layout)

    def _shared_directories(self) -> List[str]:
        found = []
        if self.order.get("ensure_shared_paths", True):
            found += [self._shared(item) for item in self.order.get("shared_paths") or []]
        if self.order.get("ensure_shared_basedirs", True):
            files = self.order.get("shared_files") or []
            found += [os.path.dirname(self._shared(item)) for item in files]
        return found

    def _shared(self, item: str) -> str:
        return os.path.join(self.layout.shared, shared_item(item))

    def begin(self) -> None:
        """Only mark: something else (Ansistrano's tasks) will bring the code."""

    def code(self) -> None:
        """Make the release directory anew and bring the code."""
        remove_tree(self.layout, self.path)
        os.makedirs(self.path)
        facts = fetching.fetch(self.layout, self.order, self.path)
        self._check_code()
        told = (self.order.get("git") or {}).get("commit")
        commit = facts.get("commit") or told or self.name
        write_text(os.path.join(self.path, "REVISION"), commit, mode=0o666 & ~_umask())
        records.amend(self.layout, self.name, **dict(facts, commit=commit))
        self.result.update(changed=True, delivered=facts.get("delivered"))

    def _check_code(self) -> None:
        """Refuse what is empty, or has not the digest that the controller computed."""
        via = self.order.get("via") or "none"
        if via != "none" and not os.listdir(self.path):
            raise DeployError("content-missing", "the code (by %s) has no files at all" % via)
        wanted = self.order.get("expect_code_digest")
        if not wanted:
            return
        entries = trees.scan(self.path)
        seen = trees.tree_digest(entries)
        if seen != wanted:
            listed = (self.order.get("tree") or {}).get("entries") or []
            found = trees.shown(trees.differences(listed, entries)) if listed else {}
            text = "code has digest %s, expected %s" % (seen, wanted)
            raise DeployError("code-differs", text, differences=found)

    def shared(self) -> None:
        """Replace the shared paths and files of the release by relative links."""
        dangling = []
        for item in shared_items(self.order):
            place = os.path.join(self.path, item)
            parent = os.path.dirname(place)
            os.makedirs(parent, exist_ok=True)
            if os.path.realpath(parent) != os.path.normpath(
                os.path.join(os.path.realpath(self.path), os.path.dirname(item))
            ):
                raise DeployError("bad-shared-path", "%s is below another link" % item)
            remove_tree(self.layout, place)
            target = os.path.join(self.layout.shared, item)
            os.symlink(os.path.relpath(target, parent), place)
            if not os.path.exists(target):
                dangling.append(item)
        self.result.update(changed=True, dangling_shared=dangling)
        if dangling:
            text = "%s: not in %s, so release %s has links there that lead to nothing"
            told = text % (", ".join(dangling), self.layout.shared, self.name)
            self.result["warnings"] = [told]

    def seal(self) -> None:
        """Take the digest and make the release finished."""
        if not is_plain_directory(self.path):
            raise DeployError("release-missing", "%s is not there, nothing to finish" % self.path)
        listing = trees.scan(self.path, self.order.get("ignore") or [])
        facts = dict(trees.totals(listing), digest=trees.tree_digest(listing))
        facts["commit"] = records.commit_of(self.layout, self.name) or self.name
        facts["ignore"] = list(self.order.get("ignore") or [])
        with locked(self.layout.lock):
            leases.check_fence(self.layout, self.order.get("token"), leases.this_moment())
            records.seal(self.layout, self.name, listing, facts, time.time())
        self.result["changed"] = True

    def report(self) -> Json:
        """Give what the module returns."""
        record = read_json(self.layout.record(self.name)) or {}
        fields = ("commit", "digest", "entries", "bytes", "previous", "source_digest")
        self.result.update({field: record[field] for field in fields if field in record})
        self.result.update(
            release=self.name,
            path=self.path,
            state=records.state_of(self.layout, self.name),
            previous=self.layout.current_name(),
        )
        if self.order.get("listing"):
            self.result["listing"] = records.load_listing(self.layout, self.name)
        return self.result


def abandon(layout: Layout, name: str, reason: str) -> bool:
    """Give a release up: remove its files, mark it failed; never the one that serves."""
    if layout.current_name() == name:
        return False
    was_there = os.path.lexists(layout.release(name))
    try:
        remove_tree(layout, layout.release(name))
    finally:
        records.fail(layout, name, reason, time.time())
    return was_there


def shared_items(order: Json) -> List[str]:
    """Give the shared paths and files as clean relative paths, each once."""
    both = [*(order.get("shared_paths") or []), *(order.get("shared_files") or [])]
    return list(dict.fromkeys(shared_item(item) for item in both))


def shared_item(item: str) -> str:
    """Give one shared path without slashes around; refuses a way out of the release."""
    clean = os.path.normpath(item.strip("/") or ".")
    if clean == "." or clean.startswith(".."):
        raise DeployError(
            "bad-shared-path", "shared path %r, expected one below the release" % item
        )
    return clean


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def compare(layout: Layout, order: Json) -> Json:
    """Say which contents of a wanted tree this host lacks; changes nothing."""
    entries = (order.get("tree") or {}).get("entries") or []
    return {"changed": False, "missing": fetching.missing_contents(layout, entries)}


def resolve(order: Json) -> Json:
    """Say which commit the wanted branch or tag is; changes nothing."""
    version = (order.get("git") or {}).get("version")
    return {"changed": False, "commit": fetching.resolve(order), "version": version}


def foresee(layout: Layout, order: Json) -> Json:
    """Say what the steps would do (check mode); changes nothing."""
    name = str(order["release"])
    layout.release(name)
    is_done = records.state_of(layout, name) == "finished"
    result: Json = {
        "changed": not is_done,
        "already_staged": is_done,
        "release": name,
        "previous": layout.current_name(),
        "path": layout.release(name),
        "state": records.state_of(layout, name),
        "digest": "",
    }
    if "code" in order["steps"] and order.get("via") == "git":
        result["commit"] = fetching.resolve(order)
    return result


def carry_out(layout: Layout, order: Json, is_check: bool) -> Json:
    """Do what a `release_stage` call asks for; gives its result."""
    steps = order["steps"]
    if "resolve" in steps:
        return resolve(order)
    if "preview" in steps:
        return fetching.preview(layout, order)
    if "compare" in steps:
        return compare(layout, order)
    if is_check:
        return foresee(layout, order)
    if "abandon" in steps:
        name = str(order["release"])
        changed = abandon(layout, name, str(order.get("message") or "given up"))
        return {"changed": changed, "release": name, "state": records.state_of(layout, name)}
    return Staging(layout, order).run()


def difference(layout: Layout, before: str, after: str) -> Json:
    """Give the paths that differ between two releases, as Ansible's diff output wants it."""
    old, new = [records.load_listing(layout, name) for name in (before, after)]
    signs = {"added": "+", "changed": "~", "removed": "-"}
    found = trees.differences(old, new) if old else {}
    lines = ["%s %s" % (signs[kind], path) for kind, paths in found.items() for path in paths]
    header = "%s -> %s\n" % (before, after)
    return {"prepared": header + "\n".join(sorted(lines, key=lambda line: line[2:])) + "\n"}
