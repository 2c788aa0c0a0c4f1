"""What calls share: the loop, the settings, what was sent before.

What children need is made when the first call needs a child, because many runs need none; only
when the last run on this host had children that this one will need again (all but those whose
modules vouched, `answers.py`) it is made before anybody asks.
"""

from __future__ import annotations

import os

from herder.agent.accounts import Accounts
from herder.agent.answers import Answers
from herder.agent.children import Limits
from herder.agent.loop import Loop
from herder.agent.start import MAGIC
from herder.agent.suppress import suppress
from herder.agent.vouched import Vouched
from herder.wire.late import Late
from herder.wire.messages import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

    from herder.agent import arrivals, known_command, modules
    from herder.agent.children import Outcome
    from herder.wire.messages import RunModule
else:
    modules = Late("herder.agent.modules")
    arrivals = Late("herder.agent.arrivals")
    known_command = Late("herder.agent.known_command")


COMMAND = "ansible.modules.command"


class Resources:
    """One conversation's.

    *Shapes*: `release` is the digest of the agent's own code, `cached` as in its greeting.
    """

    def __init__(self, loop: Loop, directory: Optional[str], release: str, *, cached: int) -> None:
        self.loop = loop
        self.settings = Settings()
        self.accounts = Accounts()
        self._directory = directory
        self._release = release
        self._has_parts = cached > 0
        self._note = f"{directory}/ahead-{MAGIC}" if directory else None
        self._modules: Optional[modules.Modules] = None
        self._vouched: Optional[Vouched] = None
        self._answers: Optional[Answers] = None
        self._commands: Optional[known_command.KnownCommand] = None
        self._arrivals: Optional[arrivals.Arrivals] = None

    @property
    def modules(self) -> modules.Modules:
        """What runs modules in children."""
        if self._modules is None:
            self._modules = modules.Modules(self._directory, self._note, self.settings)
        return self._modules

    @property
    def answers(self) -> Answers:
        """What is known of modules that need not run."""
        if self._answers is None:
            self._answers = Answers(self._kept)
        return self._answers

    @property
    def commands(self) -> known_command.KnownCommand:
        """What is known of the module that starts programs."""
        if self._commands is None:
            self._commands = known_command.KnownCommand(self._kept)
        return self._commands

    @property
    def arrivals(self) -> arrivals.Arrivals:
        """What is known of the files that came."""
        if self._arrivals is None:
            self._arrivals = arrivals.Arrivals()
        return self._arrivals

    def learn(self, call: RunModule, params: bytes, outcome: Outcome) -> None:
        """Take what a module has printed, which may be its word that the next need not run."""
        if call.fqn == COMMAND:
            source = self.modules.source
            is_vouched = self.commands.learn(call, params, outcome, lambda: source(call))
        else:
            is_vouched = self.answers.learn(call, params, outcome)
        if is_vouched:
            self.modules.unvouched -= 1

    def tell_arrivals(self, call: RunModule) -> None:
        """In a child, before its module runs: let it have what is known of the files that came."""
        if self._arrivals is not None:
            self._arrivals.tell(call)

    @property
    def _kept(self) -> Vouched:
        if self._vouched is None:
            kept_in = self._directory if self.settings.cache else None
            self._vouched = Vouched(kept_in, self._release, has_parts=self._has_parts)
        return self._vouched

    def settle(self, settings: Settings) -> None:
        """Take the controller's settings; nothing was called yet."""
        self.settings = settings
        if self._modules is not None:
            self._modules.store.settle(settings)

    def warm_up(self) -> None:
        """Get ready for children when the last run needed some, while nobody waits for it."""
        if self._note is not None and os.path.exists(self._note):
            self.modules.warm_up()

    def limits(self, timeout_seconds: float) -> Limits:
        """Give the bounds of one child."""
        settings = self.settings
        return Limits(settings.output_limit_bytes, timeout_seconds, settings.grace_seconds)

    def close(self) -> None:
        """Tidy up what stays on the target, and note what the next run may need."""
        if self._vouched is not None:
            self._vouched.keep()
        if self._modules is not None:
            self._modules.store.trim()
        if self._note is not None and self._vouched is not None and not self._needs_children:
            with suppress(OSError):
                os.unlink(self._note)

    @property
    def _needs_children(self) -> bool:
        return self._modules is not None and self._modules.unvouched > 0
