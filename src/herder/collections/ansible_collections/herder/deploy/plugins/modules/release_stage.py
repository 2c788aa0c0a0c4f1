#!/usr/bin/python
# GNU General Public License v3.0 or later (https://www.gnu.org/licenses/gpl-3.0.txt)
"""Build a release on this host, whole or not at all."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_stage
short_description: Build a release on a host, whole or not at all
description:
  - Makes the release directory, brings the code, links what is shared, writes C(REVISION), takes a
    digest of the tree and marks the release as finished.
  - While it is being built a marker says so, so that a killed build is never served, never counted
    and never gone back to. A build that fails is removed at once.
  - The steps may be spread over several calls, for work of your own between them.
  - Under C(ansible-playbook) and Herder, an action plugin of the same name carries the files of the
    controller that O(via=tree) and O(archive.src) need.
extends_documentation_fragment:
  - herder.deploy.layout
  - herder.deploy.layout.token
attributes:
  check_mode:
    support: full
    description: Says whether the release would be built, and for O(via=git) of which commit.
  diff_mode:
    support: full
    description: Lists the paths that differ from the release that serves.
options:
  release:
    description: The name of the release. Needed for every step but V(resolve) and V(compare).
    type: str
    default: ''
  steps:
    description:
      - What to do, always in the order below whatever the order here.
      - V(setup) makes the directories, settles a switch that was never confirmed and clears what
        crashed deployments left.
      - V(begin) only marks the release as being built, for code that comes another way.
      - V(code) marks it, makes its directory anew and brings the code.
      - V(shared) replaces the shared paths by links.
      - V(seal) takes the digest and makes the release finished.
      - V(abandon) removes an unfinished release and records it as failed; alone.
      - V(resolve) only says which commit O(git.version) is; alone, changes nothing.
      - V(compare) only says which contents of O(tree.entries) the host lacks; alone, changes nothing.
      - V(preview) only says which commits and files O(via=git) would bring; alone, leaves no trace.
    type: list
    elements: str
    choices: [setup, begin, code, shared, seal, abandon, resolve, compare, preview]
    default: [setup, code, shared, seal]
  via:
    description: How the code comes. V(none) leaves the directory as others made it.
    type: str
    choices: [git, archive, download, s3, tree, none]
    default: none
  git:
    description: Where the repository is and what to take from it.
    type: dict
    suboptions:
      repo:
        description: URL or path of the repository.
        type: str
      version:
        description: Branch, tag or commit; V(HEAD) for the default branch.
        type: str
        default: HEAD
      commit:
        description:
          - The full commit that O(git.version) stands for; when given, it alone counts.
          - With another O(via), the commit that the code was made of, for the record and C(REVISION).
        type: str
      tree:
        description: The subtree of the repository that becomes the release.
        type: str
      depth:
        description: Fetch so many commits only; 0 for all.
        type: int
        default: 0
      refspec:
        description: A refspec to fetch beside branches and tags.
        type: str
      executable:
        description: The git to run.
        type: str
        default: git
      key:
        description: The text of a deploy key. It is on the host's disk only during the call.
        type: str
      key_path:
        description: The path of a deploy key on the host.
        type: path
      ssh_options:
        description: More options for git's ssh.
        type: str
      submodules:
        description: Whether to bring the submodules, and theirs.
        type: bool
        default: true
  archive:
    description: A tar (plain, gz, bz2, xz) or zip archive.
    type: dict
    suboptions:
      src:
        description: The archive on the controller. Only through the action plugin.
        type: path
      path:
        description: The archive on the host.
        type: path
      name:
        description: Its name in the release, when it is not unpacked.
        type: str
      sha256:
        description: The digest it must have.
        type: str
  download:
    description: An archive or file from a URL.
    type: dict
    suboptions:
      url:
        description: The URL.
        type: str
        required: true
      sha256:
        description: The digest it must have.
        type: str
      headers:
        description: Headers of the request.
        type: dict
  s3:
    description: An archive or file from S3, or a service like it. Needs no boto.
    type: dict
    suboptions:
      bucket:
        description: The bucket.
        type: str
      object:
        description: The name of the object.
        type: str
      region:
        description: The region.
        type: str
        default: us-east-1
      endpoint:
        description: The address of another service than AWS, for example C(http://minio:9000).
        type: str
      access_key:
        description: The access key; else from the environment or the machine's role; else public.
        type: str
      secret_key:
        description: The secret key.
        type: str
      session_token:
        description: The session token of temporary credentials.
        type: str
      sha256:
        description: The digest it must have.
        type: str
  unpack:
    description: What to do with an archive that O(archive), O(download) or O(s3) brought.
    type: dict
    suboptions:
      enabled:
        description: Whether to unpack it; else the file itself is put into the release.
        type: bool
        default: true
      strip:
        description: How many leading directories of the members' paths to drop.
        type: int
        default: 0
      exclude:
        description: Patterns of members to leave out.
        type: list
        elements: str
        default: []
      owner:
        description: Who shall own the files.
        type: str
      group:
        description: Which group they shall belong to.
        type: str
  tree:
    description:
      - A directory of the controller, file by file. Contents that the host has in its newest
        releases are hard-linked from there; the rest comes in a pack.
    type: dict
    suboptions:
      src:
        description: The directory on the controller. Only through the action plugin.
        type: path
      exclude:
        description: Patterns to leave out, as rsync's plain excludes. Only through the action plugin.
        type: list
        elements: str
        default: []
      entries:
        description: The entries of the tree (path, type, mode, digest, target), parents first.
        type: list
        elements: dict
        default: []
      pack:
        description: A tar on the host whose members are named by the sha256 of their content.
        type: path
  expect_code_digest:
    description: The digest that the code must have on arrival, before C(REVISION) is written.
    type: str
  shared_paths:
    description: Directories of the release that are links into the shared directory.
    type: list
    elements: str
    default: []
  shared_files:
    description: Files of the release that are links into the shared directory.
    type: list
    elements: str
    default: []
  ensure_shared_paths:
    description: Whether V(setup) makes the shared directories.
    type: bool
    default: true
  ensure_shared_basedirs:
    description: Whether V(setup) makes the directories of the shared files.
    type: bool
    default: true
  ignore:
    description: Patterns of what differs between hosts by right, left out of the digest.
    type: list
    elements: str
    default: []
  listing:
    description: Whether to return the whole list of entries.
    type: bool
    default: false
  by:
    description: Who deploys, for the record.
    type: str
  message:
    description: Why, for the record.
    type: str
"""

EXAMPLES = r"""
- name: Build a release from git in one call
  herder.deploy.release_stage:
    deploy_to: /srv/site
    release: 20260131120000Z
    via: git
    git: {repo: 'https://example.org/site.git', version: main}
    shared_paths: [media]
    shared_files: [.env]

- name: Bring the code, run something of our own, then finish
  herder.deploy.release_stage: {deploy_to: /srv/site, release: r7, steps: [setup, code, shared],
                                via: archive, archive: {src: build/site.tar.gz}}
- ansible.builtin.command: {cmd: bin/compile, chdir: /srv/site/releases/r7}
- herder.deploy.release_stage: {deploy_to: /srv/site, release: r7, steps: [seal]}
"""

RETURN = r"""
release: {description: Its name., type: str, returned: always}
path: {description: Its directory., type: str, returned: always}
state: {description: 'unfinished, finished, failed, unrecorded or missing.', type: str, returned: always}
commit: {description: 'Its commit; else its name.', type: str, returned: once the code is there}
version: {description: 'For resolve: the branch or tag that was asked for.', type: str, returned: for resolve}
digest: {description: The digest of the whole tree., type: str, returned: once finished}
entries: {description: How many entries the tree has., type: int, returned: once finished}
bytes: {description: How large its files are., type: int, returned: once finished}
previous: {description: The release that serves., type: str, returned: always}
already_staged: {description: Whether it was finished before this call., type: bool, returned: always}
delivered: {description: 'For a tree: files linked, copied and received.', type: dict, returned: with the code}
dangling_shared: {description: Shared paths that lead to nothing yet., type: list, returned: with shared}
settled: {description: The switch that was overdue and was settled., type: dict, returned: when there was one}
listing: {description: All entries of the tree., type: list, returned: when asked for}
log: {description: 'For preview: the commits that would come, newest first.', type: list, returned: for preview}
files: {description: 'For preview: paths added, changed, removed, and their counts.', type: dict, returned: for preview}
missing: {description: Digests of contents that must travel., type: list, returned: for compare}
"""

from ansible_collections.herder.deploy.plugins.module_utils import release_arguments as arguments
from ansible_collections.herder.deploy.plugins.module_utils import release_staging as staging
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import Json

TEXT = {"type": "str"}
PATH = {"type": "path"}
LIST = {"type": "list", "elements": "str", "default": []}
HIDDEN = {"type": "str", "no_log": True}


def group(**options: Json) -> Json:
    """Give the spec of an option that is a dictionary."""
    return {"type": "dict", "options": options}


def source_arguments() -> Json:
    """Give the spec of the ways the code can come."""
    return {
        "git": group(
            repo=TEXT,
            version={"type": "str", "default": "HEAD"},
            commit=TEXT,
            tree=TEXT,
            depth={"type": "int", "default": 0},
            refspec=TEXT,
            executable={"type": "str", "default": "git"},
            key=HIDDEN,
            key_path={"type": "path", "no_log": False},
            ssh_options=TEXT,
            submodules={"type": "bool", "default": True},
        ),
        "archive": group(src=PATH, path=PATH, name=TEXT, sha256=TEXT),
        "download": group(
            url={"type": "str", "required": True}, sha256=TEXT, headers={"type": "dict"}
        ),
        "s3": group(
            bucket=TEXT,
            object=TEXT,
            region={"type": "str", "default": "us-east-1"},
            endpoint=TEXT,
            access_key={"type": "str", "no_log": False},
            secret_key=HIDDEN,
            session_token=HIDDEN,
            sha256=TEXT,
        ),
        "unpack": group(
            enabled={"type": "bool", "default": True},
            strip={"type": "int", "default": 0},
            exclude=LIST,
            owner=TEXT,
            group=TEXT,
        ),
        "tree": group(
            src=PATH,
            exclude=LIST,
            entries={"type": "list", "elements": "dict", "default": []},
            pack=PATH,
        ),
    }


def step_arguments() -> Json:
    """Give the spec of the release itself."""
    return {
        "release": {"type": "str", "default": ""},
        "steps": {
            "type": "list",
            "elements": "str",
            "default": ["setup", "code", "shared", "seal"],
            "choices": [
                "setup",
                "begin",
                "code",
                "shared",
                "seal",
                "abandon",
                "resolve",
                "compare",
                "preview",
            ],
        },
        "via": {
            "type": "str",
            "default": "none",
            "choices": ["git", "archive", "download", "s3", "tree", "none"],
        },
        "expect_code_digest": TEXT,
        "shared_paths": LIST,
        "shared_files": LIST,
        "ensure_shared_paths": {"type": "bool", "default": True},
        "ensure_shared_basedirs": {"type": "bool", "default": True},
        "ignore": LIST,
        "listing": {"type": "bool", "default": False},
        "by": TEXT,
        "message": TEXT,
    }


def work(params: Json, is_check: bool) -> Json:
    """Do the steps; with diff, say what differs from the release that serves."""
    layout = arguments.layout_of(params)
    result = staging.carry_out(layout, params, is_check)
    if params["_diff"] and result.get("state") == "finished" and result.get("previous"):
        result["diff"] = staging.difference(layout, result["previous"], result["release"])
    return result


def main() -> None:
    """Run the module."""
    spec = dict(source_arguments(), **step_arguments())
    arguments.run(dict(spec, **arguments.token_argument()), work)


if __name__ == "__main__":
    main()
