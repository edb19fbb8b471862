"""Bounds for templates, which are programs from strangers: steps, time, sizes, memory.

Jinja's sandbox keeps templates from the inside of Python. It does not keep them from running for ever or from filling
the memory: that is done here. Steps of loops and calls of macros are counted, so the same template is stopped at the
same step on every machine; time and memory are bounded besides, for what happens within one step.
"""

from __future__ import annotations

import functools
import mmap
import signal
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any

import jinja2
import jinja2.nodes
from jinja2.filters import do_batch, do_center, do_format, do_indent, do_join, do_replace, do_slice, do_sum
from jinja2.sandbox import ImmutableSandboxedEnvironment

from prepdata.render.errors import TemplateLimit

STEPS = 200_000
"""Passes of loops and calls of macros in one conversation."""
SECONDS = 0.8
"""Processor time that one conversation may take, looked up at every step; a little more within one step."""
CHARACTERS = 20_000_000
"""Characters of the text of one conversation, and of any text that an operator or a method makes."""
LISTED = 1_000_000
"""Items of any list that an operator makes."""
AGAIN = 50
"""Conversations after which it is looked up again what the process has."""
SLOW = "wordwrap", "urlize", "striptags", "wordcount", "title", "pprint"
"""Filters that take long for a text, and so take none of more than ..."""
COMPARING = "sort", "unique", "min", "max", "groupby"
"""Filters that hold values against one another, and so take none that hold much."""
SHORT = 200_000
"""... characters."""
DIGITS = 4_000
"""Bits of a number that a template works out."""
MEMORY = 1 << 30
"""Bytes that one conversation may take beyond what the process has, where the system can bound that."""

_REPEATING = frozenset(("center", "ljust", "rjust", "zfill", "expandtabs"))


class Budget:
    """What is left to one conversation."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Begin a conversation."""
        self._steps = STEPS
        self._end = time.process_time() + SECONDS

    def step(self) -> None:
        """Count one step.

        Raises:
            TemplateLimit: there are none left, or no time.
        """
        self._steps -= 1
        if self._steps < 0:
            raise TemplateLimit(f"the chat template was stopped after {STEPS:,} steps of its loops")
        if time.process_time() > self._end:
            raise TemplateLimit(f"the chat template was stopped: it takes more than {SECONDS} seconds for one row")


class LimitedEnvironment(ImmutableSandboxedEnvironment):
    """A sandbox in which operators and methods make nothing too large."""

    intercepted_binops = frozenset(("+", "*", "**", "%"))

    def __init__(self, budget: Budget, **options: Any) -> None:
        super().__init__(optimized=False, **options)  # constants are worked out within the bounds too
        self._own: set[Any] = set()
        self.own(step=budget.step, concat_texts=_concat, measured=_measured)
        self.filters.update(replace=_replace, join=_join, center=_center, indent=_indent, format=_format)
        self.filters.update(slice=_slice, batch=_batch, sum=_sum)
        self.filters.update({name: _for_short(self.filters[name]) for name in SLOW})
        self.filters.update({name: _for_small(self.filters[name]) for name in COMPARING})
        self.globals["lipsum"] = _no_lipsum

    def own(self, **functions: Callable[..., Any]) -> None:
        """Add functions that compiled templates call by `EnvironmentAttribute`, and that need no sandbox."""
        self.extend(**functions)
        self._own.update(functions.values())

    def get_template(self, *_: Any, **__: Any) -> Any:
        """Refuse to read another file, whatever it is."""
        raise TemplateLimit("the chat template was stopped: it wants to read another file")

    select_template = get_or_select_template = get_template

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Return what an operator gives, within the bounds."""
        if operator == "*":
            _check_product(left, right)
        elif operator == "**" and isinstance(left, int) and isinstance(right, int):
            if right * left.bit_length() > DIGITS:
                raise TemplateLimit("the chat template was stopped: it works out a huge number")
        elif operator == "%" and isinstance(left, str):
            _check_pattern(left, right if isinstance(right, tuple) else (right,))
        elif operator == "+":
            _check_sum(left, right)
        return super().call_binop(context, operator, left, right)

    def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        """Return what a call gives, within the bounds."""
        if type(__obj) in _FUNCTIONS and __obj in __self._own:
            kwargs.pop("_loop_vars", None)  # Jinja's own, for functions that ask for the context
            kwargs.pop("_block_vars", None)
            return __obj(*args, **kwargs)
        holder = getattr(__obj, "__self__", None)
        if isinstance(holder, str):
            _check_method(holder, __obj.__name__, args)
        return super().call(__context, __obj, *args, **kwargs)


def _concat(*pieces: Any) -> str:
    """Return what the operator `~` gives, within the bounds."""
    texts = list(map(str, pieces))
    _check_size(sum(map(len, texts)))
    return "".join(texts)


_FUNCTIONS = frozenset((MethodType, FunctionType))


def count_steps(tree: jinja2.nodes.Template) -> None:
    """Have every pass of a loop and every call of a macro counted, and texts put together within the bounds."""
    for kind in (jinja2.nodes.For, jinja2.nodes.Macro, jinja2.nodes.CallBlock):
        for node in tree.find_all(kind):
            step = jinja2.nodes.ExprStmt(_call("step", [], node.lineno))
            step.set_lineno(node.lineno)
            body: list[jinja2.nodes.Node] = getattr(node, "body")  # noqa: B009 (all three have one)
            body.insert(0, step)
    for compare in tree.find_all(jinja2.nodes.Compare):
        sides: list[Any] = [compare, *compare.ops]
        if all(not isinstance(side.expr, jinja2.nodes.Const) for side in sides):
            for side in sides:
                side.expr = _call("measured", [side.expr], compare.lineno)
    _replace_concat(tree)


def _replace_concat(node: jinja2.nodes.Node) -> None:
    for name, value in node.iter_fields():
        if isinstance(value, jinja2.nodes.Concat):
            setattr(node, name, _call("concat_texts", value.nodes, value.lineno))
        elif isinstance(value, list):
            value[:] = [
                _call("concat_texts", item.nodes, item.lineno) if isinstance(item, jinja2.nodes.Concat) else item
                for item in value
            ]
    for child in node.iter_child_nodes():
        _replace_concat(child)


def _call(name: str, arguments: list[jinja2.nodes.Expr], line: int) -> jinja2.nodes.Call:
    function = jinja2.nodes.EnvironmentAttribute(name)
    call = jinja2.nodes.Call(function, arguments, [], None, None)
    function.set_lineno(line)
    call.set_lineno(line)
    return call


def _check_size(size: int) -> None:
    if size > CHARACTERS:
        raise TemplateLimit(f"the chat template was stopped: it makes a text of more than {CHARACTERS:,} characters")


def _check_items(size: int) -> None:
    if size > LISTED:
        raise TemplateLimit(f"the chat template was stopped: it makes a list of more than {LISTED:,} items")


def _check_sum(left: Any, right: Any) -> None:
    if isinstance(left, str) and isinstance(right, str):
        _check_size(len(left) + len(right))
    elif isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        _check_items(len(left) + len(right))


def _check_product(left: Any, right: Any) -> None:
    for held, times in ((left, right), (right, left)):
        if isinstance(held, (str, list, tuple)) and isinstance(times, int):
            (_check_size if isinstance(held, str) else _check_items)(len(held) * times)
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() + right.bit_length() > DIGITS:
        raise TemplateLimit("the chat template was stopped: it works out a huge number")


def _check_pattern(pattern: str, given: Iterable[Any]) -> None:
    """Refuse a pattern that makes much: with a huge width or precision ("%1000000000d"), or of long texts."""
    longest = max((len(value) for value in given if isinstance(value, str)), default=0)
    _check_size(len(pattern) + (pattern.count("%") + pattern.count("{")) * longest)
    digits = 0
    for char in pattern:
        digits = digits + 1 if char.isdecimal() else 0
        if digits > 6:
            raise TemplateLimit("the chat template was stopped: it formats with a huge width")


def _check_method(text: str, name: str, args: tuple[Any, ...]) -> None:
    if name == "replace" and len(args) >= 2 and isinstance(args[0], str) and isinstance(args[1], str):
        _check_size(len(text) + (text.count(args[0]) if args[0] else len(text) + 1) * len(args[1]))
    elif name in _REPEATING and args and isinstance(args[0], int):
        _check_size(len(text) * args[0] if name == "expandtabs" else args[0])
    elif name == "join" and args and isinstance(args[0], (list, tuple, dict)):
        _check_size(len(text) * len(args[0]))
    elif name in ("format", "format_map"):
        _check_pattern(text, args)


@jinja2.pass_eval_context
def _replace(context: jinja2.nodes.EvalContext, text: Any, old: Any, new: Any, count: int | None = None) -> str:
    _check_method(str(text), "replace", (str(old), str(new)))
    return do_replace(context, text, old, new, count)


@jinja2.pass_eval_context
def _join(context: jinja2.nodes.EvalContext, items: Any, between: Any = "", attribute: Any = None) -> Any:
    items = list(items)
    _check_size(len(items) * len(str(between)))
    return do_join(context, items, between, attribute)


def _center(text: Any, width: int = 80) -> str:
    _check_size(width)
    return do_center(text, width)


def _indent(text: Any, width: Any = 4, first: bool = False, blank: bool = False) -> str:
    _check_size((width if isinstance(width, int) else len(width)) * (str(text).count("\n") + 1))
    return do_indent(text, width, first, blank)


def _slice(items: Any, slices: int, fill: Any = None) -> Any:
    _check_items(slices)
    return do_slice(items, slices, fill)


def _batch(items: Any, count: int, fill: Any = None) -> Any:
    _check_items(count)
    return do_batch(items, count, fill)


@jinja2.pass_environment
def _sum(environment: jinja2.Environment, items: Any, attribute: Any = None, start: Any = 0) -> Any:
    items = list(items)
    listed = [item for item in items if isinstance(item, (list, tuple, str))]
    _check_items(sum(map(len, listed)))
    _check_items(100 * len(listed))  # each is put at the end of a copy of those before it
    return do_sum(environment, items, attribute, start)


def _format(text: Any, *args: Any, **kwargs: Any) -> str:
    _check_pattern(str(text), (*args, *kwargs.values()))
    return do_format(text, *args, **kwargs)


def _for_short(function: Any) -> Any:
    """Return a filter that refuses long texts."""

    @functools.wraps(function)
    def bounded(*args: Any, **kwargs: Any) -> Any:
        for given in args[:2]:  # the text comes first, or after what Jinja puts before it
            if len(given if isinstance(given, (str, list, tuple, dict)) else "") > SHORT:
                raise TemplateLimit(f"the chat template was stopped: it works on more than {SHORT:,} characters slowly")
        return function(*args, **kwargs)

    return bounded


def _for_small(function: Any) -> Any:
    """Return a filter that refuses values that hold much."""

    @functools.wraps(function)
    def bounded(*args: Any, **kwargs: Any) -> Any:
        for given in args[:2]:
            _measured(given)
        return function(*args, **kwargs)

    return bounded


def _measured(value: Any) -> Any:
    """Return a value, having looked how much it holds: lists that hold one list twice, again and again, are small and
    still take for ever to compare."""
    if isinstance(value, (list, tuple, dict)):
        left, held = [value], 0
        while left:
            inner = left.pop()
            held += len(inner)
            _check_items(held)
            left += [item for item in (inner.values() if isinstance(inner, dict) else inner)
                     if isinstance(item, (list, tuple, dict))]  # fmt: skip
    return value


def _no_lipsum(*_: Any, **__: Any) -> str:
    raise TemplateLimit("the chat template was stopped: it makes up a random text")


class Alarm:
    """Stops what takes too long within one step, where the system has timers and this is the main thread.

    Use as a context manager. A timer or handler that somebody else has set is left alone.
    """

    def __init__(self) -> None:
        self._set = False

    def __enter__(self) -> None:
        if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(signal.SIGVTALRM) is signal.SIG_DFL:
            signal.signal(signal.SIGVTALRM, _too_long)
            signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS * 1.25)
            self._set = True

    def __exit__(self, *_: object) -> None:
        if self._set:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.signal(signal.SIGVTALRM, signal.SIG_DFL)
            self._set = False


def _too_long(*_: object) -> None:
    raise TemplateLimit(f"the chat template was stopped: it takes more than {SECONDS} seconds for one row")


class BoundedMemory:
    """Lets an allocation fail that would take this process far beyond what it has, where the system can do that.

    Use as a context manager. What the process has is looked up now and then only.
    """

    def __init__(self) -> None:
        try:
            import resource
        except ImportError:  # Windows
            resource = None  # type: ignore[assignment]
        self._resource: Any = resource
        self._calls = 0
        self._bound: int | None = None
        self._before: tuple[int, int] | None = None

    def __enter__(self) -> None:
        if self._resource is None:
            return
        if self._calls % AGAIN == 0:
            used = _used()
            self._bound = None if used is None else used + MEMORY
        self._calls += 1
        soft, hard = self._resource.getrlimit(self._resource.RLIMIT_AS)
        infinite = self._resource.RLIM_INFINITY
        if self._bound is not None and (soft == infinite or soft > self._bound):
            self._resource.setrlimit(self._resource.RLIMIT_AS, (self._bound, hard))
            self._before = soft, hard

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            self._resource.setrlimit(self._resource.RLIMIT_AS, self._before)
            self._before = None


def _used() -> int | None:
    """Return the bytes of address space that this process has, None if the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[0]) * mmap.PAGESIZE
    except (OSError, ValueError, IndexError):
        return None
