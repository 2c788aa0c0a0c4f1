"""What came out of targets: one JSON file for an engine and a version of ansible-core."""

from __future__ import annotations

import fcntl
import json
from dataclasses import asdict, dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Any

from conformance.recaps import Recaps, agree_where_steady, differences


class Outcome(Enum):
    """How a target ended by its own exit code."""

    PASSED = "passed"
    FAILED = "failed"
    TIMED_OUT = "timed out"


@dataclass(frozen=True, slots=True)
class Result:
    """One target's end.

    *Shapes*: `recaps` are those of its last attempt; `variants` (stock only) those of earlier runs
    that differed, as a target may do something else each time. `difference` (not stock) tells how
    the recaps differ from stock's, '' when they do not; `is_passed_by_stock` whether there is
    anything to compare with.
    """

    outcome: Outcome
    seconds: float
    code: int
    recaps: Recaps = field(default_factory=list)
    variants: list[Recaps] = field(default_factory=list)
    difference: str = ""
    is_passed_by_stock: bool = True
    attempts: int = 1

    @property
    def is_counted(self) -> bool:
        """Whether the target passed with stock's recaps."""
        return self.outcome is Outcome.PASSED and not self.difference

    def compared_with(self, stock: Result) -> Result:
        """Give this result with its difference from stock's, the smallest over its variants."""
        recordings = [stock.recaps, *stock.variants]
        told = [differences(self.recaps, recaps) for recaps in recordings]
        is_same = "" in told or agree_where_steady(self.recaps, recordings)
        return replace(
            self,
            difference="" if is_same else told[0],
            is_passed_by_stock=stock.outcome is Outcome.PASSED,
        )

    def after(self, earlier: Result | None) -> Result:
        """Give this result of stock with what an earlier run of it had shown."""
        if earlier is None or earlier.outcome is not Outcome.PASSED:
            return self
        known = [earlier.recaps, *earlier.variants]
        return replace(self, variants=[recaps for recaps in known if recaps != self.recaps])


class Report:
    """The file of results; written whole after each target, so that a long run can be read.

    Several runs may add to one file at the same time.
    """

    def __init__(self, file: Path, heading: dict[str, str]) -> None:
        self.file = file
        self.heading = heading
        self.results = self._read()

    def put(self, name: str, result: Result) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.results = self._read() | {name: result}
            self._write()

    def _read(self) -> dict[str, Result]:
        """Give the file's results. *Raises*: ValueError, when they are of something else."""
        if not self.file.is_file():
            return {}
        content = json.loads(self.file.read_text(encoding="utf-8"))
        if content["heading"] != self.heading:
            seen = content["heading"]
            raise ValueError(f"{self.file} has results of {seen}, expected {self.heading}")
        return {name: _from_json(row) for name, row in content["results"].items()}

    def _write(self) -> None:
        rows = {name: _to_json(self.results[name]) for name in sorted(self.results)}
        text = json.dumps({"heading": self.heading, "results": rows}, indent=1)
        making = self.file.with_suffix(".making")
        making.write_text(text + "\n", encoding="utf-8")
        making.replace(self.file)


def read_heading(file: Path) -> dict[str, str]:
    """Give what a file of results is of: engine, ansible_core, python."""
    heading: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))["heading"]
    return heading


def _to_json(result: Result) -> dict[str, Any]:
    return asdict(result) | {"outcome": result.outcome.value, "counted": result.is_counted}


def _from_json(row: dict[str, Any]) -> Result:
    values = {name: value for name, value in row.items() if name != "counted"}
    return Result(**values | {"outcome": Outcome(row["outcome"])})
