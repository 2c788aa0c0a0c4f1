"""The options that say where an application lives, the same in every module of this collection."""

from __future__ import annotations


class ModuleDocFragment:
    """Text that the modules' documentation takes in."""

    DOCUMENTATION = r"""
options:
  deploy_to:
    description: The directory of the application. Its releases, shared files and link are in it.
    type: path
    required: true
  version_dir:
    description: The directory of the releases, below O(deploy_to).
    type: str
    default: releases
  shared_dir:
    description: The directory of what all releases share, below O(deploy_to).
    type: str
    default: shared
  current_dir:
    description: The name of the link to the release that serves, below O(deploy_to).
    type: str
    default: current
  repo_dir:
    description: The directory of the git cache, below O(deploy_to).
    type: str
    default: repo
requirements:
  - Python 3.8 or later on the host; nothing beside its standard library
author:
  - The Herder authors
"""
    TOKEN = r"""
options:
  token:
    description:
      - The number of the lease under which this is done, as M(herder.deploy.release_lease) gave it.
      - A number lower than the one that the host has stored is refused. Without one, the call is
        refused while somebody holds the lease.
    type: int
"""
