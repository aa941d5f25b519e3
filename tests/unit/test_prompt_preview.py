"""What a preview says of a prompt: its tokens, what rows share, how reasoning was switched and how the answer begins."""

from pathlib import Path

import pytest

from syncse_local.backends.chat import PlainProfile
from syncse_local.backends.prompt import sent
from syncse_local.backends.template import ChatTemplate
from syncse_local.cli.main import main
from syncse_local.records import Message
from syncse_local.synthesis.preview import preview

CHAT = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}</{{ m.role }}>{% endfor %}<assistant>"
    "{% if enable_thinking is not defined or enable_thinking %}<think>{% endif %}"
)
MESSAGES = [Message("system", "Say it anew."), Message("user", "A dog runs.")]


def letters(text: str) -> list[int]:
    return [ord(letter) for letter in text]


def test_the_prefix_ends_where_the_rows_own_turn_begins() -> None:
    shown = sent(ChatTemplate(CHAT), MESSAGES, str, letters)
    assert shown.text == "<system>Say it anew.</system><user>A dog runs.</user><assistant>"
    assert shown.text[: shown.shared_chars] == "<system>Say it anew.</system><user>"
    assert (shown.tokens, shown.shared) == (len(shown.text), shown.shared_chars)


def test_it_says_how_reasoning_was_switched() -> None:
    off, on = (sent(ChatTemplate(CHAT, thinking=how), MESSAGES, str, letters) for how in ("off", "on"))
    assert "enable_thinking=False" in off.how
    assert off.begins.startswith("with the answer")
    assert on.text.endswith("<think>")
    assert on.begins == "with reasoning, whose mark <think> is open"


def test_plain_text_and_a_prompt_without_a_turn_of_its_own() -> None:
    shown = sent(PlainProfile(), [Message("system", "Write one sentence.")], str, letters)
    assert shown.how == "plain few-shot text"
    assert shown.shared == shown.tokens == len("Write one sentence.\n\nAnswer:")


def test_the_command_shows_the_prompt_of_the_bundled_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes", "preview", "starter", "--sentence", "A dog runs.", "--model", "starter-llm"]) == 0
    said = capsys.readouterr().out
    assert said.count("[[the shared prefix ends here]]") == 2
    assert "A dog runs." in said
    assert "tokens, of which rows of this context share" in said


def test_an_engine_whose_prompts_are_made_elsewhere_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes", "preview", "starter", "--backend", "openai_compat", "--model", "m"]) == 2
    assert "cannot be shown" in capsys.readouterr().err


def test_a_preview_draws_from_the_contexts_of_a_run_on_its_input(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("A dog runs.\nRain falls.\n", encoding="utf-8")
    whole, few = (preview("syncse-partial", 1, str(path), contexts=n) for n in (0, 8))
    assert all(int(request.context.rpartition("/")[2]) < 2 for request in few)
    assert [request.context for request in whole] != [request.context for request in few]
