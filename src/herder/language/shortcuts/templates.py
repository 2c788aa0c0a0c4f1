"""Templates and expressions compiled once per run instead of once per host and task.

The compiled code follows from the source text, the marks of the language (a template may change
them) and whether backslashes are escaped; ansible-core switches constant folding off, so nothing
is worked out while compiling. Rendering is what it was: each template is made anew from the code.

*Source*: ansible-core 2.19 and 2.21 _internal/_templating/_jinja_bits.py, `AnsibleEnvironment`;
Jinja 3.1 environment.py, `compile` and `compile_expression`; lexer.py, `get_lexer`.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Hashable
from typing import Any

from ansible._internal._templating import _jinja_bits
from jinja2.environment import TemplateExpression
from jinja2.utils import internalcode

CODES_LIMIT = 10_000
MARKS = (
    "block_start_string",
    "block_end_string",
    "variable_start_string",
    "variable_end_string",
    "comment_start_string",
    "comment_end_string",
    "line_statement_prefix",
    "line_comment_prefix",
    "trim_blocks",
    "lstrip_blocks",
    "newline_sequence",
    "keep_trailing_newline",
    "autoescape",
)


class CompiledTemplates:
    """Code objects by what they follow from; shared by all environments of the process."""

    def __init__(self) -> None:
        self.compilations = 0
        self._codes: dict[Hashable, Any] = {}
        self._expression = threading.local()
        self._compiling = threading.RLock()

    def compile(
        self, original: Callable[..., Any], environment: Any, source: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Stand in for the environment's `compile`."""
        if isinstance(source, str):
            key = self._key(environment, source, *args, *kwargs.items())
        else:
            key = self._expected()
        code = self._codes.get(key) if key is not None else None
        if code is not None:
            return code
        # threads that need the same code wait for the first: compiling is never done side by side
        with self._compiling:
            code = self._codes.get(key) if key is not None else None
            if code is None:
                self.compilations += 1
                code = original(environment, source, *args, **kwargs)
                self._keep(key, code)
            return code

    def compile_expression(
        self, original: Callable[..., Any], environment: Any, source: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Stand in for the environment's `compile_expression`."""
        if not isinstance(source, str):
            return original(environment, source, *args, **kwargs)
        key = self._key(environment, source, "expression")
        code = self._codes.get(key)
        if code is not None:
            words = environment.make_globals(None)
            template = environment.template_class.from_code(environment, code, words, None)
            return TemplateExpression(template, *args, **kwargs)
        self._expression.key = key
        try:
            return original(environment, source, *args, **kwargs)
        finally:
            self._expression.key = None

    def _expected(self) -> Hashable | None:
        """Give the key of the expression that this thread is compiling."""
        key: Hashable | None = getattr(self._expression, "key", None)
        return key

    def _key(self, environment: Any, source: str, *rest: Hashable) -> Hashable | None:
        if environment._debuggable_template_source:
            return None
        context = _jinja_bits._TemplateCompileContext.current(optional=True)
        marks = tuple(getattr(environment, name) for name in MARKS)
        extensions = tuple(environment.extensions)
        escaping = None if context is None else context.escape_backslashes
        return (str(source), type(environment), marks, extensions, escaping, rest)

    def _keep(self, key: Hashable | None, code: Any) -> None:
        if key is None:
            return
        if len(self._codes) >= CODES_LIMIT:
            self._codes.clear()
        self._codes[key] = code


def template_or_text(original: Callable[..., Any], engine: Any, variable: Any, **words: Any) -> Any:
    """Text in which no template begins is what it is, and needs none of the contexts of one.

    *Source*: ansible-core 2.19 and 2.21 _internal/_templating/_engine.py, `template`, and
    _jinja_bits.py, `_finalize_template_result`.
    """
    kind = type(variable)
    is_text = kind is str or (kind is _TaggedText and not _ConstTemplate.is_tagged_on(variable))
    if is_text and "{" not in variable and not variable.startswith("#"):
        options = words.get("options")
        if options is None or options.overrides is _jinja_bits.TemplateOverrides.DEFAULT:
            return variable
    return original(engine, variable, **words)


_TaggedText = _jinja_bits._AnsibleTaggedStr
_ConstTemplate = _jinja_bits._JinjaConstTemplate


def compile_once() -> CompiledTemplates:
    """Let ansible-core's environments compile each source once; a second call changes nothing."""
    environment = _jinja_bits.AnsibleEnvironment
    kept: CompiledTemplates | None = getattr(environment, "herder_templates", None)
    if kept is None:
        kept = environment.herder_templates = CompiledTemplates()
        environment.compile = _standing_in(environment.compile, kept.compile)
        environment.compile_expression = _standing_in(
            environment.compile_expression, kept.compile_expression
        )
    return kept


def _standing_in(original: Callable[..., Any], instead: Callable[..., Any]) -> Callable[..., Any]:
    @internalcode  # type: ignore[untyped-decorator]  # jinja2 is not followed
    @functools.wraps(original)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return instead(original, self, *args, **kwargs)

    return method
