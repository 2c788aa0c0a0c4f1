import os

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """Puts files straight at their places, without a module."""

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        place = self._task.args["place"]
        source = self._loader.path_dwim("site.yml")
        os.chmod(source, 0o644)
        self._low_level_execute_command(f"printf old > {place}/kept-page; chmod 640 {place}/kept-page")
        for name in ("new-page", "kept-page", "tool"):
            self._connection.put_file(source, f"{place}/{name}")
        self._transfer_data(f"{place}/new-data", "told")
        self._fixup_perms2([f"{place}/tool"])
        made = self._make_tmp_path()
        tool = self._transfer_data(self._connection._shell.join_path(made, "tool"), "#!/bin/sh\necho ran\n")
        self._fixup_perms2((made, tool))
        ran = self._low_level_execute_command(tool)
        modes = self._low_level_execute_command(f"stat -c %a:%n {place}/*-* {place}/tool")
        return {"changed": True, "ran": ran["stdout"], "modes": modes["stdout_lines"]}
