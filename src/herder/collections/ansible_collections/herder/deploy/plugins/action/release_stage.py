"""Carries the controller's files that the module `release_stage` needs: a tree or an archive.

For a tree, the host is first asked which contents it lacks, and only those travel, in one pack.
Everything else goes to the module as it is.
"""

from __future__ import annotations

import contextlib
import os
import tarfile
import tempfile

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.herder.deploy.plugins.module_utils import release_tree as trees
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import DeployError, Json

MODULE = "herder.deploy.release_stage"


class ActionModule(ActionBase):
    """The controller's side of `release_stage`."""

    TRANSFERS_FILES = True
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp=None, task_vars=None):  # type: ignore[no-untyped-def]  # ansible-core's own signature
        """Send what must be sent, then run the module."""
        result = super().run(tmp, task_vars)
        args = dict(self._task.args)
        steps = args.get("steps") or ["code"]
        try:
            if (
                "code" in steps
                and args.get("via") == "tree"
                and (args.get("tree") or {}).get("src")
            ):
                result.update(self._stage_tree(args, task_vars))
            elif (
                "code" in steps
                and args.get("via") == "archive"
                and (args.get("archive") or {}).get("src")
            ):
                result.update(self._stage_archive(args, task_vars))
            else:
                result.update(self._call(args, task_vars))
        except (DeployError, OSError) as error:
            raise AnsibleActionFail(str(error)) from error
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _call(self, args, task_vars):  # type: ignore[no-untyped-def]  # as above
        return self._execute_module(module_name=MODULE, module_args=args, task_vars=task_vars)

    def _stage_tree(self, args, task_vars):  # type: ignore[no-untyped-def]  # as above
        wish = args["tree"]
        root, prefix = self._source(wish["src"])
        entries = tree_entries(root, prefix, wish.get("exclude") or [])
        digest = trees.tree_digest(entries)
        args = dict(args, tree={"entries": plain(entries)}, expect_code_digest=digest)
        if self._task.check_mode:
            return self._call(args, task_vars)
        asked = self._call(dict(args, steps=["compare"]), task_vars)
        if asked.get("failed") or "missing" not in asked:
            return asked
        if asked["missing"]:
            with packed(root, prefix, entries, asked["missing"]) as pack:
                args["tree"]["pack"] = self._send(pack, "herder.pack")
                return self._call(args, task_vars)
        return self._call(args, task_vars)

    def _source(self, path):  # type: ignore[no-untyped-def]  # as above
        """Give (directory, prefix): as with rsync, without a '/' at the end the name comes too."""
        full = self._loader.path_dwim(os.path.expanduser(path))
        if not os.path.isdir(full):
            raise AnsibleActionFail("%s is no directory on the controller" % full)
        is_whole = not path.endswith("/")
        return full.rstrip("/"), os.path.basename(full.rstrip("/")) if is_whole else ""

    def _stage_archive(self, args, task_vars):  # type: ignore[no-untyped-def]  # as above
        wish = dict(args["archive"])
        path = self._loader.get_real_file(self._find_needle("files", wish.pop("src")), decrypt=True)
        wish["name"] = wish.get("name") or os.path.basename(path)
        wish["sha256"] = wish.get("sha256") or trees.file_digest(path)
        if not self._task.check_mode:
            wish["path"] = self._send(path, "herder.archive")
        return self._call(dict(args, archive=wish), task_vars)

    def _send(self, path, name):  # type: ignore[no-untyped-def]  # as above
        """Put a file into a private directory on the host and give its path there."""
        if not self._connection._shell.tmpdir:
            self._make_tmp_path()
        target = self._connection._shell.join_path(self._connection._shell.tmpdir, name)
        self._transfer_file(path, target)
        self._fixup_perms2((self._connection._shell.tmpdir, target), execute=False)
        return target


def tree_entries(root: str, prefix: str, exclude: list) -> list:  # type: ignore[type-arg]  # of str, of dict
    """List a directory of the controller as the release shall have it, parents first.

    *Raises*: DeployError for what cannot travel.
    """
    entries = trees.scan(root, exclude)
    odd = [entry["path"] for entry in entries if entry["type"] == "other"]
    if odd:
        text = "%s is neither file, directory nor link; leave it out (tree.exclude)"
        raise DeployError("bad-arguments", text % os.path.join(root, odd[0]))
    if not prefix:
        return entries
    moved = [dict(entry, path=prefix + "/" + entry["path"]) for entry in entries]
    top: Json = {
        "path": prefix,
        "type": "directory",
        "mode": "%04o" % (os.stat(root).st_mode & 0o777),
    }
    return sorted([top, *moved], key=lambda entry: os.fsencode(entry["path"]))


def plain(entries: list) -> list:  # type: ignore[type-arg]  # of dict
    """Give the entries with the fields only that make the digest."""
    fields = ("path", "type", "mode", "digest", "target")
    return [{field: entry[field] for field in fields if field in entry} for entry in entries]


@contextlib.contextmanager
def packed(root: str, prefix: str, entries: list, missing: list):  # type: ignore[type-arg,no-untyped-def]  # of dict, of str
    """Give the path of a tar with the missing contents, each once, named by its digest."""
    wanted = set(missing)
    with tempfile.NamedTemporaryFile(suffix=".tar.gz") as file:
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as archive:
            for entry in entries:
                if entry.get("digest") in wanted:
                    wanted.discard(entry["digest"])
                    inner = entry["path"][len(prefix) + 1 :] if prefix else entry["path"]
                    _add(archive, os.path.join(root, inner), entry["digest"])
        file.flush()
        yield file.name


def _add(archive: tarfile.TarFile, path: str, digest: str) -> None:
    member = archive.gettarinfo(path, arcname=digest)
    member.type = tarfile.REGTYPE
    member.size = os.path.getsize(path)
    with open(path, "rb") as content:
        archive.addfile(member, content)
