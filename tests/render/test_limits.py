"""Hostile templates are stopped within a second, with words that say why."""

from __future__ import annotations

import pytest

from prepdata.render.errors import TemplateLimit, TemplateRefusal
from prepdata.render.template import Template

ROWS = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]
GROWING = "{% set ns = namespace(x='aaaaaaaaaa') %}{% for i in range(60) %}{% set ns.x = GROW %}{% endfor %}{{ ns.x }}"
STOPPED = {
    "two loops": "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "a loop of a loop": "{% for i in range(99999) recursive %}{{ loop(range(99999)) }}{% endfor %}",
    "a macro that calls itself": "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
    "a macro that calls itself twice": "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(90) }}",
    "a caller within a caller": "{% macro f(n) %}{{ caller(n) }}{% endmacro %}{% macro g(n) %}{% if n %}{% call(x) f(n) %}"
    "{{ g(n - 1) }}{{ g(n - 1) }}{% endcall %}{% endif %}{% endmacro %}{{ g(90) }}",
    "class": "{{ ''.__class__.__mro__ }}",
    "subclasses": "{{ messages.__class__.__base__.__subclasses__() }}",
    "globals": "{{ cycler.__init__.__globals__ }}",
    "format and class": "{{ '{0.__class__.__mro__}'.format(1) }}",
    "a namespace's inside": "{% set ns = namespace() %}{% set ns._x = 1 %}",
    "changing the messages": "{{ messages.append(1) }}",
    "times": "{{ 'a' * 1000000000 }}",
    "a list times": "{{ [1] * 1000000000 }}",
    "power": "{{ 2 ** (10 ** 9) }}",
    "squares": "{% set ns = namespace(x=2) %}{% for i in range(100) %}{% set ns.x = ns.x * ns.x %}{% endfor %}{{ ns.x }}",
    "doubling by ~": GROWING.replace("GROW", "ns.x ~ ns.x"),
    "doubling by +": GROWING.replace("GROW", "ns.x + ns.x"),
    "doubling by join": GROWING.replace("GROW", "[ns.x, ns.x] | join"),
    "doubling by format": GROWING.replace("GROW", "'%s%s' | format(ns.x, ns.x)"),
    "doubling by %": GROWING.replace("GROW", "'%s%s' % (ns.x, ns.x)"),
    "doubling by a method format": GROWING.replace("GROW", "'{0}{0}'.format(ns.x)"),
    "doubling by replace": GROWING.replace("GROW", "ns.x | replace('a', 'aa')"),
    "doubling lists": "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "much output": "{% set x = 'a' * 1000000 %}{% for i in range(1100) %}{{ x }}{% endfor %}",
    "center": "{{ 'a' | center(1000000000) }}",
    "a method center": "{{ 'a'.center(1000000000) }}",
    "zfill": "{{ 'a'.zfill(1000000000) }}",
    "expandtabs": "{{ '\t\t'.expandtabs(1000000000) }}",
    "indent": "{{ 'a\nb' | indent(1000000000) }}",
    "replace": "{% set x = 'a' * 100000 %}{{ x | replace('a', x) }}",
    "a method replace": "{% set x = 'a' * 100000 %}{{ x.replace('a', x) }}",
    "replace nothing": "{% set x = 'a' * 100000 %}{{ x.replace('', x) }}",
    "join": "{% set x = 'a' * 10000000 %}{{ x.join('b' * 1000) }}{{ [1, 2, 3, 4] | join(x) }}",
    "format": "{{ '%1000000000d' | format(1) }}",
    "percent": "{{ '%1000000000d' % 1 }}",
    "a method format": "{{ '{:1000000000}'.format(1) }}",
    "tojson": "{{ messages | tojson(indent=100000000) }}",
    "slices": "{{ [1] | slice(1000000000) | list | length }}",
    "batches": "{{ [1] | batch(1000000000, 'x') | list | length }}",
    "a sum of lists": "{{ ([range(100000) | list] * 2000) | sum(start=[]) | length }}",
    "a sum of few long lists": "{{ ([range(100000) | list] * 20) | sum(start=[]) | length }}",
    "lists of lists as text": "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}"
    "{{ ns.l | string | length }}",
    "lists of lists written": "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = ['', ns.l, ns.l] %}"
    "{% endfor %}{{ ns.l }}",
    "lists of lists as JSON": "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}"
    "{% endfor %}{{ ns.l | tojson }}",
    "lists of lists compared": "{% set ns = namespace(l=[1], m=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}"
    "{% set ns.m = [ns.m, ns.m] %}{% endfor %}{{ ns.l == ns.m }}",
    "wordwrap": "{{ ('a ' * 5000000) | wordwrap(2) }}",
    "a text that nobody wrote": "{{ lipsum(n=1000000) }}",
    "another file": "{% include '/etc/passwd' %}",
    "a file to import": "{% import 'os' as os %}",
    "a file to extend": "{% extends 'base.html' %}",
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("source", STOPPED.values(), ids=STOPPED)
def test_what_would_run_too_long_is_stopped(source: str) -> None:
    template = Template(source)
    with pytest.raises(TemplateRefusal) as raised:
        template.render(ROWS)
    assert isinstance(raised.value, TemplateLimit), raised.value
    assert "template" in str(raised.value)


def test_the_next_row_has_a_budget_of_its_own() -> None:
    template = Template(
        "{% for i in range(messages | length * 20000) %}{% for j in range(2) %}{% endfor %}{% endfor %}ok"
    )
    with pytest.raises(TemplateLimit):
        template.render(ROWS * 2)
    assert template.render(ROWS[:1]).text == "ok"


def test_nesting_too_deep_to_compile() -> None:
    with pytest.raises(TemplateRefusal):
        Template("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}")
    with pytest.raises(TemplateRefusal):
        Template("{% if 1 %}" * 3000 + "{% endif %}" * 3000).render(ROWS)


@pytest.mark.parametrize(
    ("source", "said", "line", "meant"),
    [
        ("\n\n{{ raise_exception('no system prompt, please') }}", "no system prompt, please", 3, True),
        ("a\n{{ messages[0].content.parts[0] }}", "has no attribute 'parts'", 2, False),
        ("{{ messages[0].content + 1 }}", "TypeError", 1, False),
        ("{{ messages | tojson(indent='x', ensure_ascii=[]) | no }}", "No filter named 'no'", 1, False),
        ("{{ 1 // 0 }}", "ZeroDivisionError", 1, False),
    ],
)
def test_refusals_say_what_and_where(source: str, said: str, line: int, meant: bool) -> None:
    with pytest.raises(TemplateRefusal) as raised:
        Template(source).render(ROWS)
    assert said in str(raised.value)
    assert (raised.value.line, raised.value.meant) == (line, meant)
    assert not isinstance(raised.value, TemplateLimit)


def test_what_real_templates_do_is_not_stopped() -> None:
    long = [{"role": "user" if n % 2 else "assistant", "content": "word " * 500} for n in range(2000)]
    source = "{% for m in messages %}{% for k, v in m.items() %}{{ k ~ ': ' ~ v + ' ' }}{% endfor %}{{ '-' * 80 }}\n{% endfor %}"
    assert len(Template(source).render(long).text) > 5_000_000
