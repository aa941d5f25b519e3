"""`syncse recipes list | show | new | check | preview`: the recipes there are, and making one of one's own."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from syncse_local.cli.common import parser, settings
from syncse_local.cli.flags import add_fields, spec_of
from syncse_local.cli.output import emit, table
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.prepare.preview import contexts_for, shown_prompts
from syncse_local.specs.generate import GenerateSpec
from syncse_local.specs.reading import Reading
from syncse_local.synthesis.newrecipe import copy_recipe
from syncse_local.synthesis.pools import ROLES
from syncse_local.synthesis.preview import Request, described, preview
from syncse_local.synthesis.recipe import RECIPES, Pools, Recipe, list_recipes, load_pools, load_recipe
from syncse_local.text.display import safe, safe_text
from syncse_local.text.toml import locate

if TYPE_CHECKING:
    from syncse_local.backends.prompt import SentPrompt

EXAMPLES = {
    "show": "syncse recipes show starter",
    "new": "syncse recipes new mine --from domain",
    "check": "syncse recipes check mine.toml",
    "preview": "syncse recipes preview starter --sentence 'A dog runs.' --model starter-llm",
}


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    made = parser(verbs, "recipes", "list, show, copy and check recipes", "syncse recipes new mine --from domain", run)
    made.add_argument("act", nargs="?", default="list", choices=("list", *EXAMPLES), help="default: list")
    made.add_argument("name", nargs="?", help="a recipe's name or file; for `new`, the name of the copy")
    made.add_argument(
        "--input", metavar="FILE", help="for `preview`: the file with the sentences (default: the bundled ones)"
    )
    made.add_argument("--row", type=int, default=1, metavar="N", help="for `preview`: which sentence of it, from 1")
    made.add_argument("--sentence", default="", metavar="TEXT", help="for `preview`: this sentence instead")
    made.add_argument("--from", dest="source", metavar="RECIPE", help="for `new`: the recipe to copy")
    made.add_argument(
        "--model", default="", metavar="NAME", help="for `preview`: the prompts as this model will get them"
    )
    for name in ("backend", "thinking", "contexts"):
        field = GenerateSpec.field(name)
        made.add_argument(*field.flags, metavar=field.metavar or None, help=f"for `preview`: {field.help}")
    add_fields(made, Reading)


def run(options: argparse.Namespace) -> ExitCode:
    """Do what was asked."""
    if (options.act != "list" and not options.name) or (options.act == "new" and not options.source):
        what = "--from RECIPE" if options.name else "a name"
        hint = f"Example: {EXAMPLES[options.act]}"
        raise SyncseError("Wrong usage", f"`syncse recipes {options.act}` needs {what}.", hint, ExitCode.USAGE)
    if options.act == "list":
        _list(options.json)
    elif options.act == "show":
        _show(options.name, options.json)
    elif options.act == "new":
        _new(options.source, options.name, options.json)
    elif options.act == "preview":
        _preview(options)
    else:
        _check(options.name, options.json)
    return ExitCode.OK


def _list(as_json: bool) -> None:
    recipes = [load_recipe(name) for name in list_recipes()]
    if as_json:
        for recipe in recipes:
            emit({"name": recipe.name, "mode": recipe.mode, "description": recipe.description, "hash": recipe.hash})
    else:
        print(table(["recipe", "mode", "for"], [[r.name, r.mode, r.description] for r in recipes]))


def _show(name: str, as_json: bool) -> None:
    """The file as it is, comments included: what a copy would begin as."""
    recipe = load_recipe(name)
    if as_json:
        emit({**recipe.to_dict(), "hash": recipe.hash})
    else:
        text = locate(name, RECIPES, "recipe").read_text(encoding="utf-8-sig")
        print(safe_text(text))


def _new(source: str, name: str, as_json: bool) -> None:
    made = [str(path) for path in copy_recipe(source, name)]
    if as_json:
        emit({"files": made})
    else:
        print("\n".join(f"wrote {safe(path)}" for path in made))
        print(f"Edit it, then: syncse recipes check {safe(made[0])}")


def _preview(options: argparse.Namespace) -> None:
    """What would be sent for one row, message by message."""
    read = spec_of(options, Reading).reading()
    input = options.input or ""
    contexts = contexts_for(options.name, input, read, options.contexts or "")
    requests = preview(options.name, options.row, input, options.sentence, read, contexts)
    show = (
        shown_prompts(options.model, options.backend or "", options.thinking or "", settings(options))
        if options.model
        else None
    )
    for request in requests:
        prompt = show(request.messages) if show else None
        if options.json:
            emit({**request.to_dict(), **({"prompt": asdict(prompt)} if prompt else {})})
        elif prompt:
            print(safe_text("\n".join(_as_sent(request, prompt))))
        else:
            print(safe_text("\n".join(described([request]))))


def _as_sent(request: Request, prompt: "SentPrompt") -> Iterator[str]:
    """A prompt as the engine sends it, with the place where the shared prefix ends; not yet safe for a terminal."""
    yield f"== {request.role}  {request.context}  seed {request.seed}"
    yield f"{prompt.text[: prompt.shared_chars]}[[the shared prefix ends here]]{prompt.text[prompt.shared_chars :]}"
    yield f"-- {prompt.tokens} tokens, of which rows of this context share {prompt.shared}"
    yield f"-- {prompt.how}; the answer is expected to begin {prompt.begins}"


def _check(name: str, as_json: bool) -> None:
    recipe = load_recipe(name)
    pools = load_pools(recipe)
    found = {"recipe": recipe.name, "mode": recipe.mode, "hash": recipe.hash, "filters_hash": recipe.filters.hash}
    sizes = _sizes(recipe, pools)
    if as_json:
        emit({**found, "pools_hash": pools.hash, **sizes})
    else:
        print("\n".join(f"{key:<13} {safe(value)}" for key, value in {**found, **sizes}.items()))
        print("ok")


def _sizes(recipe: Recipe, pools: Pools) -> dict[str, object]:
    used = [role for role in ROLES if role != "sentence" or recipe.writes]
    prompts = {f"{role} prompts": len(pools.of(role).prompts) for role in used}
    lists = {"genres": len(pools.genres), "topics": len(pools.topics)} if recipe.writes else {}
    generators = {"generators": len(recipe.generators)} if recipe.generators else {}
    return {**prompts, **lists, **generators}
