"""The folders, inventory, commands and environment that ansible-test gives a target.

*Source*: ansible-core 2.19, test/lib/ansible_test/_internal/commands/integration/__init__.py
(create_integration test environment, integration_environment) and util_common.py.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from conformance.catalog import Target, TargetCatalog
from conformance.commands import write_commands
from conformance.job import Job

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# The real test suite uses such a name to find code that cannot cope with it.
UNICODE_SUFFIX = "ÅÑŚÌβŁÈ"
CODE = Path("/opt/under-test")

CONSTANT_ENVIRONMENT = {
    "PAGER": "/bin/cat",
    "ANSIBLE_DEPRECATION_WARNINGS": "false",
    "ANSIBLE_DEVEL_WARNING": "false",
    "ANSIBLE_DISPLAY_TRACEBACK": "never",
    "ANSIBLE_FORCE_COLOR": "false",
    "ANSIBLE_FORCE_HANDLERS": "true",
    "ANSIBLE_HOST_KEY_CHECKING": "false",
    "ANSIBLE_HOST_PATTERN_MISMATCH": "error",
    "ANSIBLE_INVENTORY": "/dev/null",
    "ANSIBLE_INVENTORY_PLUGIN_EXTS": ".yaml, .yml, .json, .winrm, .networking",
    "ANSIBLE_PYTHON_INTERPRETER": "/set/ansible_python_interpreter/in/inventory",
    "ANSIBLE_PYTHON_MODULE_RLIMIT_NOFILE": "1024",
    "ANSIBLE_RETRY_FILES_ENABLED": "false",
    "ANSIBLE_WORKER_SHUTDOWN_POLL_COUNT": "100",
    "ANSIBLE_WORKER_SHUTDOWN_POLL_DELAY": "0.1",
    "ANSIBLE_TEST_CI": "",
    "ANSIBLE_TEST_COVERAGE": "",
}


class WorkTree:
    """Where a target's files are, in the copy of the machine.

    Some targets find the source tree from these places, so they are where ansible-test has them;
    others rely on all of it being in the home folder, as in the containers of ansible-test.
    """

    def __init__(self, job: Job, home: Path) -> None:
        self.job = job
        self.home = home
        self.source = home / "ansible"
        self.catalog = TargetCatalog(self.source)
        self.target = self.catalog.targets[job.target]
        suffix = "ansible" if "no/temp_unicode" in self.target.aliases else UNICODE_SUFFIX
        scratch = self.source / "test/results/.tmp"
        self.output = scratch / "output_dir"
        self.work = scratch / f"integration/{job.target}-{suffix}"
        self.integration = self.work / "test/integration"
        self.targets = self.integration / "targets"
        self.inventory = self.integration / "inventory"
        self.config = self.integration / "integration.cfg"
        self.commands = scratch / "commands"
        self.helpers = scratch / "bin"
        self.python_path = scratch / "python_path"
        self.record = scratch / "record"
        self.environment_folder = Path(job.interpreter.folder)

    @property
    def python(self) -> Path:
        return self.environment_folder / "bin/python"

    @property
    def site_packages(self) -> Path:
        return next(self.environment_folder.glob("lib/python3*/site-packages"))

    def make(self) -> None:
        """Lay out everything that the target needs."""
        self.integration.mkdir(parents=True)
        self.config.touch()
        for target in self.catalog.with_dependencies(self.target):
            shutil.copytree(target.path, self.targets / target.name, symlinks=True)
            for name in target.values("needs/file/"):
                (self.work / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(self.source / name, self.work / name)
        self.inventory.write_text(self._inventory_text())
        self._make_helpers()
        self._make_commands()

    def command(self, target: Target) -> tuple[Path, list[str]]:
        """Give the folder to run the target in and its command; writes the role's playbook."""
        verbosity = ["-" + "v" * self.job.verbosity] if self.job.verbosity else []
        if target.has_script:
            return self.targets / target.name, ["./runme.sh", *verbosity]
        play = {
            "hosts": "testhost",
            "gather_facts": target.gathers_facts,
            "vars": {"output_dir": str(self.output)},
            "vars_files": [],
            "roles": [target.name],
        }
        playbook = self.integration / f"{target.name}-test.yml"
        playbook.write_text(json.dumps([play], indent=4, sort_keys=True))
        words = ["ansible-playbook", playbook.name, "-i", self.inventory.name, *verbosity]
        return self.integration, words

    def environment(self, target: Target) -> dict[str, str]:
        """Give the whole environment that the target's command runs in."""
        variables = CONSTANT_ENVIRONMENT | self._environment_of_places()
        folder = self.targets / target.name if target.has_script else self.integration
        variables["ANSIBLE_PLAYBOOK_DIR"] = str(folder)
        if collections := self._collection_roots(target):
            variables["ANSIBLE_COLLECTIONS_PATH"] = ":".join(collections)
        if not target.has_script:
            variables["ANSIBLE_ROLES_PATH"] = str(self.targets)
        return variables | target.extra_environment | self.job.environment

    def _environment_of_places(self) -> dict[str, str]:
        programs = self.environment_folder / "bin"
        return {
            "HOME": str(self.home),
            "LC_ALL": self.job.locale,
            "PATH": f"{self.commands}:{self.helpers}:{programs}:{SYSTEM_PATH}",
            "PYTHONPATH": str(self.python_path),
            "OUTPUT_DIR": str(self.output),
            "INVENTORY_PATH": str(self.inventory),
            "JUNIT_OUTPUT_DIR": str(self.source / "test/results/junit"),
            "JUNIT_TASK_RELATIVE_PATH": str(self.work),
            "ANSIBLE_CONFIG": str(self.config),
            "ANSIBLE_LIBRARY": f"{self.source}/test/support/integration/plugins/modules",
            "ANSIBLE_TEST_ANSIBLE_LIB_ROOT": str(self.python_path / "ansible"),
            "ANSIBLE_TEST_ANSIBLE_VERSION": self.job.interpreter.core_version,
            "ANSIBLE_TEST_PYTHON_INTERPRETER": str(self.python),
            "ANSIBLE_TEST_PYTHON_VERSION": self.job.interpreter.python_version,
        }

    def _collection_roots(self, target: Target) -> list[str]:
        roots = [self.targets / other.name for other in self.catalog.with_dependencies(target)]
        return [
            str(root)
            for root in roots
            if (root / "ansible_collections/ansible_test" / root.name.replace("-", "_")).is_dir()
        ]

    def _inventory_text(self) -> str:
        host = {
            "ansible_connection": "local",
            "ansible_pipelining": "yes",
            "ansible_python_interpreter": str(self.python),
        }
        if self.target.needs_ssh and self.target.is_on_managed_host:
            host |= {
                "ansible_connection": "ssh",
                "ansible_host": "localhost",
                "ansible_user": "root",
                "ansible_ssh_private_key_file": str(self.home / ".ssh/id_rsa"),
                "ansible_ssh_extra_args": "-o BatchMode=yes -o ServerAliveCountMax=4"
                " -o ServerAliveInterval=15 -o StrictHostKeyChecking=no"
                " -o UserKnownHostsFile=/dev/null",
            }
        return json.dumps({"testgroup": {"hosts": {"testhost": host}}}, indent=4) + "\n"

    def _make_commands(self) -> None:
        self.commands.mkdir()
        self.record.touch()
        self.record.chmod(0o666)
        write_commands(self.commands, self.job.engine, code=CODE, record=self.record)

    def _make_helpers(self) -> None:
        """Make the commands that ansible-test puts on PATH, and the one folder on PYTHONPATH."""
        self.helpers.mkdir()
        injector = self.source / "test/lib/ansible_test/_util/target/injector"
        python = self.helpers / "python.py"
        python.write_text("#!/usr/bin/env python\n" + (injector / "python.py").read_text())
        python.chmod(0o755)
        for name in ("pytest", "importer.py"):
            (self.helpers / name).symlink_to("python.py")
        self._make_virtualenv_script(injector / "virtualenv.sh")
        self.python_path.mkdir()
        (self.python_path / "ansible").symlink_to(self.site_packages / "ansible")
        for path in self.site_packages.glob("ansible_core-*.dist-info"):
            shutil.copytree(path, self.python_path / path.name)

    def _make_virtualenv_script(self, original: Path) -> None:
        # A new virtual environment would show the system's packages, but ours are in another one.
        link = f'echo {self.site_packages} > "$folder/parent.pth"'
        loop = f'for folder in "${{OUTPUT_DIR}}"/venv/lib/python3*/site-packages; do {link}; done'
        (self.helpers / "virtualenv.sh").write_text(f"{original.read_text()}\n{loop}\n")
