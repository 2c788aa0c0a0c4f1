DOCUMENTATION = """
name: counting
type: notification
short_description: counts
"""
from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "counting"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self):
        super().__init__()
        self.seen = {}

    def v2_runner_on_ok(self, result):
        name = result._host.get_name()
        self.seen[name] = self.seen.get(name, 0) + 1

    def v2_playbook_on_stats(self, stats):
        self._display.display(f"counted {sorted(self.seen.items())} {sorted(stats.processed)}")
