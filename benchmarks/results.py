"""What a run of the benchmark found: kept as JSON, read again for the table and the chart."""

from __future__ import annotations

import datetime
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.environments import Environment, version_in
from benchmarks.measure import Measured
from benchmarks.scenario import Scenario

Row = dict[str, Any]
"""A scenario in JSON: `name`, `title`, `hosts`, `peers` by name with `seconds`, `problem`, ..."""


@dataclass(slots=True)
class Report:
    """Everything that is printed and kept."""

    machine: dict[str, str]
    versions: dict[str, str]
    date: str
    rows: list[Row]

    def add(self, scenario: Scenario, hosts: int, found: Mapping[str, Measured]) -> None:
        """Add a scenario; a row of the same name is exchanged."""
        row = {
            "name": scenario.name,
            "title": f"{scenario.title}, {hosts:,} host{'s' * (hosts > 1)}",
            "hosts": hosts,
            "peers": {name: _peer(measured) for name, measured in found.items()},
        }
        self.rows = [kept for kept in self.rows if kept["name"] != scenario.name] + [row]

    def write(self, file: Path) -> None:
        """Keep the report."""
        file.parent.mkdir(parents=True, exist_ok=True)
        whole = {
            "date": self.date,
            "machine": self.machine,
            "versions": self.versions,
            "scenarios": self.rows,
        }
        file.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")


def read(file: Path) -> Report:
    """Read a kept report."""
    whole = json.loads(file.read_text(encoding="utf-8"))
    return Report(whole["machine"], whole["versions"], whole["date"], whole["scenarios"])


def new_report(
    environments: Mapping[str, Environment], folders: Mapping[str, Path], servers: str
) -> Report:
    """Give a report without rows."""
    versions = {
        name: f"{environments[name].shown} {version_in(folder, environments[name].shown)}"
        for name, folder in folders.items()
    }
    versions["herder"] = f"ansible-core {metadata.version('ansible-core')}"
    versions["python"] = platform.python_version()
    machine = {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "servers": servers,
        "load": f"{os.getloadavg()[0]:.1f} at the start",
    }
    return Report(
        machine, versions, datetime.datetime.now(tz=datetime.UTC).isoformat("T", "minutes"), []
    )


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _peer(measured: Measured) -> Row:
    row: Row = {
        "seconds": [round(run.seconds, 3) for run in measured.runs],
        "processor_seconds": [round(run.processor_seconds, 2) for run in measured.runs],
        "controller_seconds": [round(run.controller_seconds, 2) for run in measured.runs],
        "peak_bytes": max((run.peak_bytes for run in measured.runs), default=0),
    }
    if measured.runs:
        row["median"] = _rounded(measured.median(lambda run: run.seconds))
        row["processor_median"] = _rounded(measured.median(lambda run: run.processor_seconds))
    return row | ({"problem": measured.problem} if measured.problem else {})


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
