from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        done = self._execute_module("command", {"_raw_params": "echo " + self._task.args["name"]}, task_vars=task_vars)
        low = self._low_level_execute_command("printf low")
        self._remove_tmp_path(self._connection._shell.tmpdir)
        return {"changed": False, "greeting": done["stdout"], "low": low["stdout"]}
