"""Prompt rendering: templates, the plain profile, shared prefixes, and templates that mean harm."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncse_local.backends.chat import (
    PlainProfile,
    choose_profile,
    common,
    shared_prefix,
)
from syncse_local.backends.messages import guard, merge_system, with_turn
from syncse_local.backends.template import ChatTemplate
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.modelfiles.entry import ModelInfo
from syncse_local.records import Message

CHATML = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
STRICT = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{{ bos_token }}"
    "{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Roles must alternate') }}{% endif %}"
    "{{ '<start_of_turn>' + message['role'] + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
NAMESPACE = (
    "{%- set ns = namespace(system='', first=true) -%}{%- for m in messages -%}{%- if m.role == 'system' -%}"
    "{%- set ns.system = m.content -%}{%- endif -%}{%- endfor -%}{{ bos_token }}{{ ns.system }}"
    "{%- for m in messages if m.role != 'system' -%}{%- set part = m.content.split('</think>')[-1].strip() -%}"
    "[{{ m.role | upper }}] {{ part }}{%- if not loop.last %} {% endif -%}{%- endfor -%}[A]"
)
SHOTS = [Message("user", "A dog ran."), Message("assistant", "A dog was running.")]
MESSAGES = [Message("system", "Rewrite it."), *SHOTS, Message("user", "She ate.")]


def info(template: str | None) -> ModelInfo:
    """A model with this template."""
    return ModelInfo(Path("m.gguf"), "m", "llama", 1, "F16", 512, template, "", 1)


def letters(text: str) -> list[int]:
    """A tokeniser of one token per letter."""
    return [ord(c) for c in text]


def test_a_common_template() -> None:
    text = ChatTemplate(CHATML).render(MESSAGES)
    assert text.startswith("<|im_start|>system\nRewrite it.<|im_end|>\n<|im_start|>user\nA dog ran.<|im_end|>\n")
    assert text.endswith("<|im_start|>user\nShe ate.<|im_end|>\n<|im_start|>assistant\n")


def test_a_template_without_a_system_role_gets_it_in_the_first_turn() -> None:
    template = ChatTemplate(STRICT, bos="<bos>")
    for _ in range(2):
        text = template.render(MESSAGES)
        assert text.startswith("<bos><start_of_turn>user\nRewrite it.\n\nA dog ran.<end_of_turn>\n")
        assert text.count("Rewrite it.") == 1


def test_a_template_with_a_namespace_filters_and_methods() -> None:
    text = ChatTemplate(NAMESPACE, bos="<s>").render(MESSAGES)
    assert text == "<s>Rewrite it.[USER] A dog ran. [ASSISTANT] A dog was running. [USER] She ate.[A]"


def test_merging_system_turns() -> None:
    assert merge_system([Message("system", "a")]) == [Message("user", "a")]
    assert merge_system([Message("system", "a"), Message("system", "b"), Message("user", "c")]) == [
        Message("user", "a\n\nb\n\nc")
    ]
    later = [*SHOTS, Message("system", "more")]
    assert merge_system(later) == [*SHOTS, Message("user", "more")]
    assert merge_system(SHOTS) == SHOTS


def test_the_plain_profile() -> None:
    plain = PlainProfile()
    assert plain.render(MESSAGES) == (
        "Rewrite it.\n\nSentence: A dog ran.\nAnswer: A dog was running.\n\nSentence: She ate.\nAnswer:"
    )
    assert plain.stops(MESSAGES) == ("\n",)
    assert plain.render([Message("user", "{} {0}")]) == "Sentence: {} {0}\nAnswer:"
    lists = [Message("user", "Two sentences."), Message("assistant", "One.\nTwo."), Message("user", "Again.")]
    assert "\n" not in plain.stops(lists)
    assert "\n" not in plain.stops([Message("system", "Write two sentences.")])


def test_which_profile_is_chosen() -> None:
    assert choose_profile(info(CHATML), "auto").kind == "chat"
    assert choose_profile(info(None), "auto").kind == "plain"
    assert choose_profile(info(CHATML), "plain").kind == "plain"
    with pytest.raises(SyncseError) as caught:
        choose_profile(info(None), "chat")
    assert caught.value.code == ExitCode.PREFLIGHT


@pytest.mark.parametrize("template", [CHATML, STRICT, NAMESPACE, None])
@settings(deadline=None, max_examples=40)
@given(turn=st.text(min_size=1, max_size=40))
def test_the_shared_prefix_begins_the_prompts_of_ordinary_rows(template: str | None, turn: str) -> None:
    profile = ChatTemplate(template, "<s>") if template else PlainProfile()
    prefix = MESSAGES[:-1]
    shared = shared_prefix(profile, letters, prefix)
    tokens = letters(profile.render(with_turn(prefix, turn)))
    assert len(shared) > 40
    matching = common(tokens, shared)
    assert tokens[:matching] == shared[:matching]
    # A template may strip a turn's first letters, never anything that stands before the turn.
    assert matching >= len(shared) - 1


@pytest.mark.parametrize(
    ("a", "b", "n"), [([], [1], 0), ([1, 2], [1, 2, 3], 2), ([1, 2, 3], [1, 9, 3], 1), ([4], [5], 0)]
)
def test_common(a: list[int], b: list[int], n: int) -> None:
    assert common(a, b) == common(b, a) == n


def test_special_tokens_in_data_are_broken_up() -> None:
    clean = guard(["<|im_end|>", "<s>", "</s>", ""])
    assert clean("no <|im_end|> and <s>") == "no < |im_end|> and < s>"
    assert clean("a < b and <b>") == "a < b and <b>"
    assert guard([])("<s>") == "<s>"


GROW = "{% set ns = namespace(s='aaaaaaaaaaaa') %}{% for i in range(90) %}"
HOSTILE = {
    "nested loops": "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "loop over messages": "{% for a in messages * 9 %}{% endfor %}",
    "huge range": "{{ range(1000000000) | list | length }}",
    "multiply": "{{ 'a' * 1000000000 }}",
    "multiply list": "{{ [1] * 1000000000 }}",
    "power": "{{ 9 ** 9999999 }}",
    "squares": "{% set ns = namespace(n=3) %}{% for i in range(9999) %}{% set ns.n = ns.n * ns.n %}{% endfor %}",
    "doubling": GROW + "{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
    "doubling by +": GROW + "{% set ns.s = ns.s + ns.s %}{% endfor %}",
    "doubling lists": GROW.replace("'aaaaaaaaaaaa'", "[1]") + "{% set ns.s = ns.s + ns.s %}{% endfor %}",
    "doubling blocks": GROW + "{% set ns.s %}{{ ns.s }}{{ ns.s }}{% endset %}{% endfor %}",
    "doubling macro": "{% macro f(s) %}{{ s }}{{ s }}{% endmacro %}" + GROW + "{% set ns.s = f(ns.s) %}{% endfor %}",
    "replace": GROW + "{% set ns.s = ns.s | replace('a', 'aaaaaaaaaaaaa') %}{% endfor %}",
    "replace method": GROW + "{% set ns.s = ns.s.replace('a', 'aaaaaaaaaaaaa') %}{% endfor %}",
    "join": GROW + "{% set ns.s = ns.s | list | join(ns.s) %}{% endfor %}",
    "join method": GROW + "{% set ns.s = ns.s.join(ns.s) %}{% endfor %}",
    "recursive macro": "{% macro f(n) %}{% if n > 0 %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(60) }}",
    "endless macro": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "padding": "{{ 'a' | center(1000000000) }}",
    "padding method": "{{ 'a'.center(1000000000) }}",
    "format": "{{ '%1000000000d' | format(1) }}",
    "format operator": "{{ '%1000000000d' % 1 }}",
    "format method": "{{ '{0:1000000000}'.format(1) }}",
    "format map": "{{ '{a:1000000000}'.format_map({'a': 1}) }}",
    "classes": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "globals": "{{ raise_exception.__globals__['json'] }}",
    "attribute filter": "{{ messages | map(attribute='__class__') | list | first | attr('mro') }}",
    "change the data": "{{ messages.append(1) }}{{ messages.clear() }}",
    "include": "{% include '/etc/passwd' %}",
    "import": "{% import 'os' as os %}",
    "no such thing": "{{ nothing.at.all }}",
    "division": "{{ 1 / 0 }}",
    "wrong type": "{{ messages + 1 }}",
    "syntax": "{% for x in",
    "rounding": "{{ 1 | round(999999999) }}" * 3 + "{{ nothing.at.all }}",
    "bytes of a number": "{{ (1).to_bytes(6000000000, 'big') }}",
    "many nested loops": "{% for a in [1, 2] %}" * 25 + "x" + "{% endfor %}" * 25,
    "format with a width from its arguments": "{{ '{0:{1}}'.format(1, 1000000000) }}",
    "too deep": "{{ " + "(" * 3000 + ")" * 3000 + " }}",
    "too long": "x" * 2_000_000,
}


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_templates_end_in_an_error_soon(source: str) -> None:
    began = time.process_time()
    with pytest.raises(SyncseError) as caught:
        ChatTemplate(source).render(MESSAGES)
    assert caught.value.code == ExitCode.PREFLIGHT
    assert len(caught.value.detail) < 500
    assert time.process_time() - began < 20


def test_a_prompt_does_not_depend_on_the_day() -> None:
    dated = ChatTemplate("{{ strftime_now('%Y-%m-%d') }}{% for m in messages %}{{ m.content }}{% endfor %}").render(
        MESSAGES
    )
    assert dated.startswith("2025-01-01Rewrite it.")
