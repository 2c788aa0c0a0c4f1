"""The parts of a result that are shown."""

from __future__ import annotations

from herder.display.result_fields import BRIEF, FULL, Field, debug_fields, result_fields


def test_message_command_status_and_output_come_in_this_order() -> None:
    """Operators look for msg, rc and stderr; the rest must not stand in between."""
    fields = result_fields(
        {
            "zone": "UTC",
            "stdout": "out",
            "stdout_lines": ["out"],
            "stderr": "err",
            "rc": 1,
            "cmd": ["ls", "-l"],
            "msg": "non-zero return code",
            "changed": True,
            "invocation": {"module_args": {}},
            "_ansible_no_log": False,
        },
        BRIEF,
    )

    assert fields == (
        Field("msg", "non-zero return code"),
        Field("cmd", "ls -l"),
        Field("rc", "1"),
        Field("stderr", "err"),
        Field("stdout", "out"),
        Field("zone", "UTC"),
    )


def test_a_censored_result_says_so_and_nothing_else() -> None:
    """no_log takes the content away; a person should know why there is none."""
    fields = result_fields({"censored": "the output has been hidden", "rc": 1}, FULL)

    assert fields == (Field("result", "hidden, the task has no_log"),)


def test_long_output_is_shown_from_its_end() -> None:
    """The reason of a failure stands at the end of its output."""
    text = "\n".join(map(str, range(100)))

    (field,) = result_fields({"stderr": text}, BRIEF)

    assert field.text.startswith("(80 lines before this)\n80\n")
    assert field.text.endswith("\n99")


def test_verbose_shows_the_whole_output() -> None:
    """With -vv nothing is left out."""
    text = "\n".join(map(str, range(1000)))

    assert result_fields({"stderr": text}, FULL) == (Field("stderr", text),)


def test_debug_shows_only_what_it_was_written_to_show() -> None:
    """A message stands alone; a variable stands with its name."""
    assert debug_fields({"msg": "hello", "changed": False}) == (Field("", "hello"),)
    assert debug_fields({"answer": 42, "changed": False}) == (Field("answer", "42"),)


def test_a_structure_is_json_and_over_several_lines_when_long() -> None:
    """A dict of twenty keys on one line cannot be read."""
    short, long = debug_fields({"a": [1, 2], "b": {"key": "v" * 70}})

    assert short.text == "[1, 2]"
    assert long.text == '{\n  "key": "' + "v" * 70 + '"\n}'
