"""Which topic a target belongs to, and why some cannot run here: targets.tsv, read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("targets.tsv")
FAST = Path(__file__).with_name("fast.txt")
GROUPS = ("language", "modules", "plugins", "callbacks", "cli", "internal")


@dataclass(frozen=True, slots=True)
class Topic:
    """One line of the list; `obstacle` is why the target cannot run here, '' when it can."""

    target: str
    name: str
    obstacle: str

    @property
    def group(self) -> str:
        """The row of the compatibility table that the target counts in."""
        first, _, second = self.name.partition("/")
        if first == "plugin":
            return "callbacks" if second == "callback" else "plugins"
        return "modules" if first == "module" else first


def read_topics(file: Path = FILE) -> dict[str, Topic]:
    """Give the topic of each listed target."""
    rows = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()[1:]]
    return {name: Topic(name, topic, obstacle) for name, topic, obstacle in rows}


def select(topics: dict[str, Topic], words: list[str]) -> list[str]:
    """Give the targets that can run here and that a word names: a target, a topic or a group.

    *Raises*: KeyError, with the word that names nothing.
    """
    chosen: dict[str, None] = {}
    for word in words:
        if word in topics:
            chosen[word] = None
            continue
        found = [name for name, topic in topics.items() if _is_in(topic, word)]
        if not found:
            raise KeyError(word)
        chosen.update(dict.fromkeys(name for name in found if not topics[name].obstacle))
    return list(chosen)


def _is_in(topic: Topic, word: str) -> bool:
    return word == topic.group or word == topic.name or topic.name.startswith(f"{word}/")
