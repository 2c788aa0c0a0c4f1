"""Runs a bundle's module in a forked child, as ansible-core's AnsiballZ wrapper would run it.

*Source*: ansible-core 2.19 _internal/_ansiballz/_wrapper.py and
module_utils/_internal/_ansiballz/_loader.py; the child calls the latter's `run_module`.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import locale
import os
import resource
import sys
import tempfile
import time
from typing import Callable, Dict, List, Optional, Tuple

from herder.agent import quick_facts, respawn, spawning
from herder.agent.commands import place_to_run
from herder.agent.importer import BundleImporter
from herder.agent.store import ROOT, Store
from herder.agent.warmth import Warmth, forget
from herder.wire.messages import RunModule, Settings

_LOADER = "ansible.module_utils._internal._ansiballz._loader"


class Launch:
    """One module ready to run: `program` for a forked child, `clean_up` for the agent after it."""

    def __init__(self, program: Callable[[], None], payload_path: Optional[str]) -> None:
        self.program = program
        self._payload_path = payload_path

    def clean_up(self) -> None:
        """Remove what the child may have left; call it when the child has ended."""
        if self._payload_path is not None:
            respawn.remove(self._payload_path)


class Modules:
    """Knows the bundles of this conversation and how to run them.

    *Units*: `unvouched` are the calls made ready here that the next run will need a child for too.
    """

    def __init__(self, directory: Optional[str], note: Optional[str], settings: Settings) -> None:
        self.store = Store(directory, settings)
        self.unvouched = 0
        self._warmth = Warmth(self.store, note)
        self._bundles: Dict[str, BundleImporter] = {}
        self._manifests: Dict[str, Tuple[Tuple[str, str], ...]] = {}

    def warm_up(self) -> None:
        """Import what the last run on this host used."""
        self._warmth.start()

    def missing(self, call: RunModule) -> List[str]:
        """Give the digests that must come before this call can run."""
        if call.bundle in self._bundles:
            return []
        return self.store.missing(self._manifests[call.bundle])

    def has_manifest(self, bundle: str) -> bool:
        """Whether it is known what this bundle consists of; looks in the cache too."""
        if bundle not in self._manifests:
            kept = self.store.manifest(bundle)
            if kept is not None:
                self._manifests[bundle] = kept
        return bundle in self._manifests

    def learn(self, bundle: str, manifest: List[List[str]]) -> None:
        """Take what a bundle consists of."""
        self._manifests[bundle] = tuple((str(path), str(digest)) for path, digest in manifest)

    def source(self, call: RunModule) -> str:
        """Give the source of a call's module; assumes that it was prepared."""
        return self._importer(call.bundle).get_source(call.fqn)

    def prepare(self, call: RunModule, params: bytes) -> Launch:
        """Make a call ready to be forked; assumes that nothing is missing."""
        self.unvouched += 1
        importer = self._importer(call.bundle)
        is_warm = self._warmth.fits(importer)
        path = respawn.choose_path(call.name) if importer.digest(respawn.MODULE) else None

        def program() -> None:
            if not is_warm:
                forget()
            _run(importer, call, params, path)

        return Launch(program, path)

    def _importer(self, bundle: str) -> BundleImporter:
        importer = self._bundles.get(bundle)
        if importer is None:
            parts = self._manifests[bundle]
            self.store.compile(parts)
            self.store.keep_manifest(bundle, parts)
            importer = self._bundles[bundle] = BundleImporter(self.store, parts)
        return importer


def _run(importer: BundleImporter, call: RunModule, params: bytes, path: Optional[str]) -> None:
    _set_environment(call.environment)
    _enter_directory(call.directory)
    _limit_files(call.rlimit_nofile)
    sys.meta_path.insert(0, importer)
    if path is not None:
        respawn.install(importer, path)
    spawning.install()
    quick_facts.install(importer)
    importlib.import_module(_LOADER).run_module(
        json_params=params,
        profile=call.profile,
        module_fqn=call.fqn,
        modlib_path=path or ROOT,
        extensions=json.loads(call.extensions),
    )


def _enter_directory(wanted: str) -> None:
    place = place_to_run(wanted)
    if place is not None:
        os.chdir(place)
    try:
        os.getcwd()
    except OSError:
        try:
            os.chdir(os.path.expanduser("~"))
        except OSError:
            os.chdir("/")


def _set_environment(environment: Dict[str, str]) -> None:
    """Set the environment, and what a Python that starts with it would make of it."""
    os.environ.update(environment)
    places = environment.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [place for place in places if place and place not in sys.path]
    # known since the agent started; a task may have changed zone, locale or place
    time.tzset()
    tempfile.tempdir = None
    if _wished_locale() != locale.setlocale(locale.LC_CTYPE):
        with contextlib.suppress(locale.Error):
            locale.setlocale(locale.LC_CTYPE, "")


def _wished_locale() -> str:
    """Give the locale for characters that the environment names. *Source*: setlocale(3)."""
    names = ("LC_ALL", "LC_CTYPE", "LANG")
    return next((os.environ[name] for name in names if os.environ.get(name)), "C")


def _limit_files(wanted: int) -> None:
    if not wanted:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = min(hard, wanted) if hard != resource.RLIM_INFINITY else wanted
    if limit != soft:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
        except ValueError:
            # some systems lie about their hard limit
            return
