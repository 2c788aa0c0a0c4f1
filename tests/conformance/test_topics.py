"""The list of targets: choosing by target, topic and group."""

from __future__ import annotations

import pytest

from conformance.topics import FAST, GROUPS, Topic, read_topics, select

TOPICS = {
    topic.target: topic
    for topic in (
        Topic("loops", "language/loops", ""),
        Topic("yum", "module/packages", "Red Hat only"),
        Topic("apt", "module/packages", ""),
        Topic("callback_default", "plugin/callback", ""),
        Topic("lookup_env", "plugin/lookup", ""),
    )
}


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("loops", ["loops"]),
        ("yum", ["yum"]),
        ("modules", ["apt"]),
        ("module/packages", ["apt"]),
        ("plugins", ["lookup_env"]),
        ("callbacks", ["callback_default"]),
        ("plugin", ["callback_default", "lookup_env"]),
    ],
)
def test_a_word_chooses_targets_that_can_run_here(word: str, names: list[str]) -> None:
    """A target that is named outright runs even where it is not expected to pass."""
    assert select(TOPICS, [word]) == names


def test_a_word_that_names_nothing_is_an_error() -> None:
    """A slip must not look like a run in which all was well."""
    with pytest.raises(KeyError, match=r"^'loop'$"):
        select(TOPICS, ["loop"])


def test_every_target_that_can_run_here_has_a_row_in_the_table() -> None:
    """A group without a row would vanish from the page."""
    groups = {topic.group for topic in read_topics().values() if not topic.obstacle}

    assert groups <= set(GROUPS)


def test_the_fast_set_can_run_here() -> None:
    """Continuous integration runs it on every change; a name that is gone would be skipped."""
    topics = read_topics()

    names = FAST.read_text(encoding="utf-8").split()

    assert [name for name in names if name not in topics or topics[name].obstacle] == []
