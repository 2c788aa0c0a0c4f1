import os

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        os.system("echo shouted; echo shouted louder >&2; cat")
        return {"msg": "shouted"}
