"""What plugins say of their options is the same when it is read late and when it is kept."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible import constants
from ansible._internal._datatag._tags import Origin, TrustedAsTemplate
from ansible.module_utils._internal._datatag import AnsibleTagHelper
from ansible.parsing.yaml.loader import AnsibleLoader
from ansible.plugins import loader

from herder.language.shortcuts.documents import CORE_PLUGINS, KnownDocument, Options
from tests.support.plugins import load_plugins


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    """ansible-core finds its plugins only after this."""
    load_plugins()


def _described(value: Any) -> Any:
    """Give a value with all its types and tags, as plain data that can be compared."""
    tags = sorted(map(repr, AnsibleTagHelper.tags(value)))
    native = AnsibleTagHelper.as_native_type(value)
    if isinstance(native, dict):
        native = [(_described(key), _described(item)) for key, item in value.items()]
    elif isinstance(native, list):
        native = [_described(item) for item in value]
    return type(value).__name__, tags, native


def _texts() -> list[Any]:
    """Give what each of ansible-core's own configurable plugins says of itself."""
    found: list[Any] = []
    for kind in constants.CONFIGURABLE_PLUGINS:
        plugins = getattr(loader, f"{kind}_loader")
        for path in plugins.all(path_only=True):
            source = Path(path).read_text(encoding="utf-8")
            text = source.partition('DOCUMENTATION = """')[2].partition('"""')[0]
            if text and path.startswith(CORE_PLUGINS):
                found.append(Origin(path=path).tag(TrustedAsTemplate().tag(text)))
    # it takes who only asks for paths for one who has loaded all
    loader.vars_loader._clear_caches()
    return found


def _known_loader(documents: dict[Any, bytes]) -> Any:
    return lambda text: KnownDocument(text, AnsibleLoader, documents)


def test_every_document_of_ansible_core_is_kept_with_its_tags() -> None:
    """Tags say what is a template and where an error is; they are part of the value."""
    documents: dict[Any, bytes] = {}
    texts = _texts()
    for text in texts:
        expected = _described(yaml.load(text, Loader=AnsibleLoader))
        parsed = _described(yaml.load(text, Loader=_known_loader(documents)))
        looked_up = _described(yaml.load(text, Loader=_known_loader(documents)))

        assert parsed == expected
        assert looked_up == expected
    assert len(texts) > 15
    assert len(documents) == len(set(map(str, texts)))


def test_the_same_text_in_another_place_has_its_own_origin() -> None:
    """A fragment is part of many plugins, and an error names the one it was found in."""
    documents: dict[Any, bytes] = {}
    for name in ("one", "two"):
        path = f"{CORE_PLUGINS}{name}.py"
        text = Origin(path=path).tag("options: {a: {default: 1}}")
        value = yaml.load(text, Loader=_known_loader(documents))

        assert Origin.get_tag(value["options"]).path == path
        assert not TrustedAsTemplate.is_tagged_on(next(iter(value)))
    assert len(documents) == 1


def test_documents_of_other_plugins_are_parsed_each_time() -> None:
    """Their warnings are for those who write them."""
    documents: dict[Any, bytes] = {}
    text = Origin(path="/srv/callback_plugins/own.py").tag("options: {a: {default: 1}}")

    assert yaml.load(text, Loader=_known_loader(documents)) == {"options": {"a": {"default": 1}}}
    assert documents == {}


def test_options_are_read_when_they_are_asked_for_and_once() -> None:
    """Most plugins are never asked."""
    options = Options({"known": {"a": 1}})
    asked: list[str] = []

    def read() -> None:
        # ansible-core looks whether it has them before it reads them
        assert "late" not in options
        asked.append("late")
        options["late"] = {"b": 2}

    options.postpone("late", read)
    assert "late" in options
    assert asked == []

    assert options.get("late", {}) == {"b": 2}
    assert options["late"] == {"b": 2}
    assert "late" in options
    assert options.get("absent", {}) == {}
    assert asked == ["late"]


def test_who_wants_all_options_gets_those_that_wait_too() -> None:
    """ansible-config lists them."""
    options = Options({})
    options.postpone("late", lambda: options.update(late={"b": 2}))

    assert dict(options.items()) == {"late": {"b": 2}}


def test_a_plugin_without_options_has_none_after_all() -> None:
    """Its documentation may have no options."""
    options = Options({})
    options.postpone("bare", lambda: None)

    assert options.get("bare", {}) == {}
    assert "bare" not in options


def test_a_thread_waits_for_options_that_another_one_reads() -> None:
    """Half-read options would look like a plugin that has none."""
    options = Options({})
    is_reading, may_end = threading.Event(), threading.Event()
    found: list[Any] = []

    def read() -> None:
        is_reading.set()
        may_end.wait(10)
        options["late"] = {"b": 2}

    options.postpone("late", read)
    threads = [
        threading.Thread(target=lambda: found.append(options.get("late", {}))) for _ in range(2)
    ]
    threads[0].start()
    is_reading.wait(10)
    threads[1].start()
    may_end.set()
    for thread in threads:
        thread.join()

    assert found == [{"b": 2}, {"b": 2}]
