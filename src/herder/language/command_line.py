"""`ansible-playbook` and `ansible` as ansible-core's own command-line classes, run by our engine.

Arguments, help, `ansible.cfg`, the environment, prompts for passwords and exit codes are
ansible-core's; what differs is that without -f all hosts run at once.
"""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from ansible.cli import adhoc as adhoc_module
from ansible.cli.adhoc import AdHocCLI
from ansible.cli.playbook import PlaybookCLI

from herder.errors import INTERRUPTED, HerderError
from herder.language import (
    copies,
    core_guards,
    core_version,
    hands,
    looked_at,
)
from herder.language.blocking import WorkerThreads
from herder.language.connections import Carrier
from herder.language.deployment import deploy_executor
from herder.language.leftovers import end_leftovers
from herder.language.module_cache import ModuleCache
from herder.language.modules import ModuleBuilder
from herder.language.plays import QueueManager, choose_strategy, hosts_at_once
from herder.language.shortcuts.install import install_shortcuts
from herder.language.surroundings import Surroundings
from herder.language.worker_output import (
    detach_programs,
    shown_output,
    sorted_streams,
)
from herder.language.workers import ResultQueue, Worker
from herder.model.fleet import Conductor
from herder.person import at_home

# Python's own 700 are few for a program that makes thousands of objects for each task.
YOUNG_OBJECTS = 10_000


def run_playbook(words: Sequence[str], program: str, surroundings: Surroundings) -> int:
    """Run `ansible-playbook` with these words; its exit code."""
    return _run(PlaybookCLI, words, program, surroundings)


def run_deployment(
    words: Sequence[str], program: str, surroundings: Surroundings, conductor: Conductor
) -> int:
    """Run `ansible-playbook` with these words, its deploy play led by the conductor."""
    return _run(PlaybookCLI, words, program, surroundings, conductor)


def run_module(words: Sequence[str], program: str, surroundings: Surroundings) -> int:
    """Run the ad-hoc `ansible` with these words; its exit code."""
    return _run(AdHocCLI, words, program, surroundings)


def _run(
    command: type[Any],
    words: Sequence[str],
    program: str,
    around: Surroundings,
    conductor: Conductor | None = None,
) -> int:
    core_version.check()
    _install(around, conductor)
    _settle()
    refusals: list[HerderError] = []
    exchanged = {
        "init_parser": _init_parser(command, around),
        "run": _keeping_refusals(command, refusals),
    }
    limited: Any = type(command.__name__, (command,), exchanged)
    try:
        with sorted_streams():
            limited.cli_executor([program, *words])
    except SystemExit as ending:
        if refusals:
            raise refusals[0] from None
        if ending.code == INTERRUPTED:
            around.loop.call(around.sessions.close())
            end_leftovers()
        return ending.code if isinstance(ending.code, int) else 1
    return 0


def _settle() -> None:
    """Look for garbage less often, and not among what was imported, which stays for good."""
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)


def _keeping_refusals(command: type[Any], refusals: list[HerderError]) -> Callable[..., Any]:
    """Our own errors are shown by our own command line, not as bugs of ansible-core."""

    def run(self: Any) -> Any:
        try:
            return command.run(self)
        except HerderError as refusal:
            refusals.append(refusal)
            return refusal.exit_code

    return run


def _init_parser(command: type[Any], around: Surroundings) -> Callable[..., None]:
    def init_parser(self: Any, *args: Any, **kwargs: Any) -> None:
        command.init_parser(self, *args, **kwargs)
        self.parser.set_defaults(forks=hosts_at_once(around.hosts_limit))
        self.parser.epilog = around.more_help or self.parser.epilog
        for option in self.parser._actions:
            if option.dest == "forks":
                option.help = f"how many hosts at once (default: all, up to {around.hosts_limit})"

    return init_parser


@contextmanager
def _asking(during_prompt: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
    with during_prompt(), shown_output():
        yield


def _install(around: Surroundings, conductor: Conductor | None) -> None:
    """Exchange what ansible-core executes with, for one run."""
    carrier = Carrier(around.sessions, around.loop)
    core_guards.parse_once()
    if around.trail is not None:
        looked_at.install(around.trail)
    cache = ModuleCache(at_home(around.cache_directory) / "modules")
    hands.install(ModuleBuilder(cache).build)
    copies.install()
    worker = functools.partial(Worker, threads=WorkerThreads(), carrier=carrier)
    core_version.replace_workers(worker, ResultQueue)
    core_version.replace_strategies(choose_strategy)
    core_version.add_collections(around.collections_directory)
    core_version.replace_alarm()
    core_version.surround_display(
        core_version.PROMPTS, functools.partial(_asking, around.during_prompt)
    )
    core_version.surround_display(("display",), shown_output)
    detach_programs()
    core_guards.guard_plugin_loading()
    install_shortcuts()
    manager = type(
        "QueueManager",
        (QueueManager,),
        {
            "sinks": around.sinks,
            "is_quiet": around.is_quiet,
            "after_reset": staticmethod(carrier.forget_host),
            "allow_programs": staticmethod(around.sessions.allow_programs),
            "forks_unsaid": around.hosts_limit,
        },
    )
    core_version.replace_queue_manager(manager, adhoc_module)
    if conductor is not None:
        executor = deploy_executor(conductor, worker, around.say, around.given)
        core_version.replace_playbook_executor(executor)
