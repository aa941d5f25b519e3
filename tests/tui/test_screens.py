"""Each screen's main path over a real workspace, with the real command behind it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from syncse_local.api import Workspace
from syncse_local.config import Settings, user_file
from syncse_local.errors import SyncseError
from tests.conftest import REPO
from tui import keys
from tui.app import SyncseApp
from tui.modes import MODES
from tui.screens.editor import EditorScreen
from tui.screens.error import ErrorScreen
from tui.screens.home import HomeScreen
from tui.widgets.command_line import CommandLine
from tui.widgets.form import Form

if TYPE_CHECKING:
    from tests.tui.conftest import Look, Rows

    Looker = Callable[[Pilot[int]], Look]
    Beginner = Callable[[str], SyncseApp]

SMALL, MIDDLE = (80, 24), (120, 40)
pytestmark = pytest.mark.usefixtures("rows")


def said(app: SyncseApp) -> str:
    """The command line on the screen."""
    return app.screen.query_one(CommandLine).command


@pytest.mark.parametrize("size", [SMALL, MIDDLE, (200, 60)])
async def test_every_screen_opens_by_its_key_and_keeps_its_lines(
    begin: Beginner, rows: Rows, look: Looker, size: tuple[int, int]
) -> None:
    rows.fill()
    app = begin("home")
    async with app.run_test(size=size) as pilot:
        seen = look(pilot)
        for mode in [*MODES[1:], MODES[0]]:
            await pilot.press(mode.key)
            await seen.ready()
            assert app.current_mode == mode.name
            assert {len(line) for line in seen.lines} == {size[0]}
            assert said(app).startswith("syncse ")


async def test_the_starter_run_goes_through_all_screens(begin: Beginner, look: Looker) -> None:
    app = begin("home")
    async with app.run_test(size=MIDDLE) as pilot:
        seen = look(pilot)
        await seen.see(
            "0 runs",
            "Try the bundled models",
            "about 4 min",
            "○ 1  Measure the starter encoder",
            "$ syncse run --detach",
        )
        home = app.screen
        assert isinstance(home, HomeScreen)
        home.starter = ("run", "--limit", "30", "--samples", "1", "--epochs", "1")
        await pilot.press("s")
        await seen.see("● 1  Measure the starter encoder")
        await seen.until(lambda: home.check_action("starter", ()) is False)
        await pilot.press("7")
        await seen.see("running", "starter-encoder")
        await pilot.press("1")
        await seen.see("✓ 1  Measure the starter encoder", "Spearman x 100")
        await seen.see("✓ 2  Write triplets with the starter LLM", "triplets")
        await seen.see("✓ 3  Train the encoder on them", "best dev")
        await seen.see("✓ 4  Measure it again", "✓ 5  Your own encoder", "models/from-g")
        await pilot.press("4")
        await seen.see("First triplet", "negative", "starter-llm x starter, seed 1")
        await pilot.press("6")
        await seen.see("loss", "dev", "done", "starter-encoder + starter-llm x starter, seed 1")


async def test_generate_starts_what_its_form_says(begin: Beginner, look: Looker, sentences: Path) -> None:
    app = begin("generate")
    async with app.run_test(size=SMALL) as pilot:
        seen = look(pilot)
        await seen.see("No synthesis yet", "$ syncse generate --detach")
        await pilot.press("e")
        for key in ("down", "down", "up", "up", "1", "2", "4", "escape"):  # in one burst, as after a pause
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        await pilot.pause()
        # digits are text while one types, and open screens otherwise
        assert app.screen.query_one("#field-input", Input).value == "124"
        assert app.screen.focused is None
        form = app.screen.query_one(Form)
        form.fill("input", str(sentences))
        form.fill("limit", "12")
        await seen.until(lambda: said(app).endswith("sentences.txt --limit 12 --detach"))
        await pilot.press("s")
        await seen.see("generate g", "accepted", "✓ done", "First triplet", "--follow")
        assert not app.screen.query_one(Form).display
        await pilot.press("s")
        await seen.until(lambda: said(app).endswith("sentences.txt --limit 12 --detach"))


async def test_a_form_that_is_wrong_is_answered_by_a_dialog(begin: Beginner, rows: Rows, look: Looker) -> None:
    app = begin("train")
    async with app.run_test(size=SMALL) as pilot:
        seen = look(pilot)
        await seen.see("No training yet")
        await pilot.press("s")
        await seen.see("What to train on?", "Exactly one of --from, --data and --unsupervised", "→ Add --from RUN")
        assert isinstance(app.screen, ErrorScreen)
        await pilot.press("y")
        assert app.clipboard.startswith("What to train on?\nExactly one")
        copied = rows.directory / "copied.txt"
        await seen.until(lambda: copied.exists() and copied.read_text(encoding="utf-8") == f"{app.clipboard}\n")
        await pilot.press("escape")
        await seen.see("No training yet")


async def test_evaluate_fills_its_table_as_scores_come(begin: Beginner, rows: Rows, look: Looker) -> None:
    rows.add("e0101-eeeeee", "eval")
    rows.connection.execute("""UPDATE run SET options = '{"tasks": ["STS12", "AskUbuntu"]}'""")
    app = begin("evaluate")
    async with app.run_test(size=SMALL) as pilot:
        seen = look(pilot)
        await seen.see("STS12", "AskUbuntu", "…")
        rows.event("e0101-eeeeee", "scored", task="AskUbuntu", items=375, metrics={"map": 0.5123, "mrr@10": 0.6})
        await seen.see("375", "51.23", "map")
        assert "STS12" in seen.text


async def test_models_are_listed_with_their_fit_and_used(begin: Beginner, look: Looker) -> None:
    app = begin("models")
    async with app.run_test(size=MIDDLE) as pilot:
        seen = look(pilot)
        await seen.see("starter-encoder", "starter-llm", "Models are looked for in", "a adds a folder")
        await pilot.press("j")
        await seen.see(
            "chat template", "$ syncse models show bundled:starter-llm", "llamacpp fits", "free in main memory"
        )
        await pilot.press("enter")
        await seen.until(lambda: app.current_mode == "generate")
        await seen.see("$ syncse generate --model bundled:starter-llm --detach")
        await pilot.press("2", "k", "enter")
        await seen.see("Use bundled:starter-encoder", "Train it", "Evaluate it")
        await pilot.press("j", "enter")
        await seen.until(lambda: app.current_mode == "evaluate")
        await seen.see("$ syncse eval bundled:starter-encoder --detach")


async def test_a_folder_with_models_is_added_live(
    begin: Beginner, look: Looker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "mine.gguf").write_bytes(b"no model")
    app = begin("models")
    async with app.run_test(size=MIDDLE) as pilot:
        seen = look(pilot)
        await seen.see("starter-llm", "huggingface")
        await pilot.press("a", *f"{tmp_path}/min", "tab", "enter")
        await seen.see("model_dirs")
        await seen.until(lambda: any(line.startswith("│ mine ") for line in seen.lines))
    assert "model_dirs" in user_file().read_text(encoding="utf-8")


async def test_a_recipe_is_previewed_copied_and_edited(begin: Beginner, rows: Rows, look: Looker) -> None:
    app = begin("recipes")
    async with app.run_test(size=MIDDLE) as pilot:
        seen = look(pilot)
        await seen.see("syncse-partial", "starter-scratch")
        await pilot.press("j", "j")
        await seen.see("$ syncse recipes show starter", "[sampling.positive]")
        await pilot.press("e")
        await seen.see("A shipped recipe is not edited")
        await pilot.press("escape", "v")
        await seen.see("positive of row 1", "negative of row 1", "system")
        await pilot.press("n")
        await seen.see("positive of row 2", "--row 2")
        await pilot.press("d")
        await seen.see("A name for the copy of starter")
        await pilot.press(*"mine", "enter")
        await seen.see("mine", "own", "recipes/mine.toml")
        mine = rows.directory / "recipes" / "mine.toml"
        before = mine.read_text(encoding="utf-8")
        await pilot.press("e")
        await seen.until(lambda: isinstance(app.screen, EditorScreen))
        app.screen.query_one(TextArea).text = before.replace("samples", "sampels")
        await pilot.press("escape", "s")
        await seen.see("Unknown key", "sampels", '"samples"')
        assert mine.read_text(encoding="utf-8") == before
        await pilot.press("escape")
        app.screen.query_one(TextArea).text = before + "\n# mine\n"
        await pilot.press("s")
        await seen.see("Saved.")
        assert mine.read_text(encoding="utf-8").endswith("# mine\n")
        assert sorted(path.name for path in mine.parent.iterdir()) == ["mine.toml"]
        await pilot.press("escape")
        await seen.until(lambda: app.screen.name != "editor" and not isinstance(app.screen, EditorScreen))


async def test_settings_are_shown_and_only_sound_ones_are_saved(begin: Beginner, look: Looker) -> None:
    app = begin("settings")
    async with app.run_test(size=MIDDLE) as pilot:
        seen = look(pilot)
        await seen.see("backend", "llamacpp", "syncse.toml", "(not there", "$ syncse doctor")
        await pilot.press("E")
        await seen.until(lambda: isinstance(app.screen, EditorScreen))
        await seen.see("# backend = ", "# the engine that writes triplets")
        app.screen.query_one(TextArea).text = '[keys]\n"run.cancle" = "C"\n'
        await pilot.press("escape", "s")
        await seen.see("Unknown key", "run.cancel")
        assert not Path("syncse.toml").exists()
        await pilot.press("escape")
        app.screen.query_one(TextArea).text = 'theme = "light"\n[keys]\n"run.cancel" = "C"\n'
        await pilot.press("s")
        await seen.see("Saved.")
        assert Path("syncse.toml").read_text(encoding="utf-8").startswith("theme")
        assert app.current_theme.dark
        await pilot.press("escape")
        await seen.until(lambda: not app.current_theme.dark)  # it counts at once
        await pilot.press("slash", *"theme", "enter")
        await seen.see("light", "syncse.toml", "Dark, light, high-contrast or colour-blind.")


async def test_a_setting_is_edited_where_it_stands(
    begin: Beginner, look: Looker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    app = begin("settings")
    async with app.run_test(size=MIDDLE) as pilot:
        seen = look(pilot)
        await seen.see("author")
        await pilot.press("slash", *"author", "enter", "enter")
        await seen.until(lambda: isinstance(app.screen, EditorScreen))
        area = app.screen.query_one(TextArea)
        assert area.document.get_line(area.cursor_location[0]).startswith("# author = ")


async def test_keys_and_theme_of_the_settings_hold(rows: Rows, look: Looker) -> None:
    rows.generate()
    settings = Settings(theme="light", keys={"run.cancel": "C", "mode.runs": "R"})
    with Workspace(rows.directory, settings) as workspace:
        app = SyncseApp(workspace, first="home")
        async with app.run_test(size=SMALL) as pilot:
            seen = look(pilot)
            assert not app.current_theme.dark
            await pilot.press("R")
            await seen.see("g0101-aaaaaa", "C Cancel", "RRuns")
            await pilot.press("c")
            assert rows.state("g0101-aaaaaa").cancel == 0
            await pilot.press("C", "enter")
            await seen.see("▶ asked to stop")


@pytest.mark.parametrize("settings", [Settings(theme="drak"), Settings(keys={"app.quti": "x"})], ids=["theme", "keys"])
def test_unknown_names_in_the_settings_are_refused(rows: Rows, settings: Settings) -> None:
    with Workspace(rows.directory, settings) as workspace, pytest.raises(SyncseError, match="Unknown key"):
        SyncseApp(workspace)


async def test_the_palette_has_every_screen_and_every_action(begin: Beginner, look: Looker) -> None:
    app = begin("recipes")
    async with app.run_test(size=SMALL) as pilot:
        await look(pilot).see("starter")
        offered = {command.title for command in app.get_system_commands(app.screen)}
        assert {mode.title for mode in MODES} <= offered
        assert {binding.description for binding in keys.declared(type(app.screen))} - offered == {
            "Next row",
            "Row before",
        }


async def test_y_copies_to_the_terminal_and_to_a_file(begin: Beginner, rows: Rows, look: Looker) -> None:
    app = begin("home")
    async with app.run_test(size=SMALL) as pilot:
        seen = look(pilot)
        await seen.ready()
        await pilot.press("y")
        assert app.clipboard == "syncse run --detach"
        copied = rows.directory / "copied.txt"
        await seen.until(lambda: copied.exists() and copied.read_text(encoding="utf-8") == "syncse run --detach\n")


def test_a_crash_says_where_its_log_is(rows: Rows, capfd: pytest.CaptureFixture[str]) -> None:
    class Broken(SyncseApp):
        CSS_PATH = str(REPO / "tui" / "app.tcss")

        def on_mount(self) -> None:
            raise RuntimeError("broken \x1b[31m")

    with Workspace(rows.directory) as workspace:
        assert Broken(workspace).run(headless=True) == 1
    told = "".join(capfd.readouterr())
    assert "The terminal UI crashed: RuntimeError: broken \\x1b[31m" in told
    assert "tui-crash.log" in told.replace("\n", "")
    assert "Traceback" in (rows.directory / "tui-crash.log").read_text(encoding="utf-8")


async def test_hostile_recipes_are_shown_escaped_and_not_edited(begin: Beginner, rows: Rows, look: Looker) -> None:
    shipped = REPO / "syncse_local" / "synthesis" / "recipes" / "starter.toml"
    own = rows.directory / "recipes" / "x.toml"
    own.parent.mkdir(parents=True)
    own.write_text("# [red]\u202e \x1b[31m\n" + shipped.read_text(encoding="utf-8"), encoding="utf-8")
    app = begin("recipes")
    async with app.run_test(size=MIDDLE) as pilot:
        seen = look(pilot)
        await seen.see("own", "# [red]\\u202e \\u001b[31m")
        await pilot.press("e")
        await seen.see("Not edited here", "U+202E")
