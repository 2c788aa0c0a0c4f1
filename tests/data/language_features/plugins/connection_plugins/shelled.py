DOCUMENTATION = """
name: shelled
short_description: a shell on this machine
extends_documentation_fragment:
  - ansible.builtin.connection_pipelining
options:
  greeting:
    description: said at connecting
    default: none
    vars:
      - name: ansible_shelled_greeting
"""
import shutil
import subprocess

from ansible.plugins.connection import ConnectionBase


class Connection(ConnectionBase):
    transport = "shelled"
    has_pipelining = True

    def _connect(self):
        if not self._connected:
            self._display.display(f"connected {self.get_option('greeting')}")
            self._connected = True
        return self

    def exec_command(self, cmd, in_data=None, sudoable=True):
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        done = subprocess.run(["/bin/sh", "-c", cmd], input=in_data, capture_output=True)
        return done.returncode, done.stdout, done.stderr

    def put_file(self, in_path, out_path):
        shutil.copyfile(in_path, out_path)

    def fetch_file(self, in_path, out_path):
        shutil.copyfile(in_path, out_path)

    def close(self):
        self._connected = False
