"""A study as one HTML file: no script, no outside asset, light and dark by CSS, and it prints. Every text is escaped."""

import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from syncse_local import __version__
from syncse_local.compare.report import remarks, scores
from syncse_local.results.tables import Table, render
from syncse_local.study import tables
from syncse_local.study.design import Study
from syncse_local.study.scatter import scatter
from syncse_local.text.clean import sentence_key
from syncse_local.text.display import safe

if TYPE_CHECKING:
    from syncse_local.api import Workspace

SAMPLED = 10
"""Triplets of each arm on the page: enough to see what a model does, few enough to read."""
STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #ffffff; --line: #b8b8b8; --mark: #2b6cb0 }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e8; --paper: #16181c; --line: #555; --mark: #7db4f0 } }
@media print { :root { --ink: #000; --paper: #fff; --line: #888; --mark: #000 } section { break-inside: avoid } }
body { font: 16px/1.5 sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem }
table { border-collapse: collapse; font-size: 0.85rem; display: block; overflow-x: auto }
td, th { text-align: left; border-bottom: 1px solid var(--line); padding: 0.2rem 0.6rem; vertical-align: top }
svg { max-width: 100%; height: auto } .answer { font-size: 1.3rem } code { overflow-wrap: anywhere }
"""
REFERENCES = (
    "Zhang, Lan, He: Contrastive Learning of Sentence Embeddings from Scratch. EMNLP 2023 (SynCSE).",
    "Gao, Yao, Chen: SimCSE: Simple Contrastive Learning of Sentence Embeddings. EMNLP 2021.",
    "Efron: Better Bootstrap Confidence Intervals. JASA 82, 1987.",
    "Holm: A Simple Sequentially Rejective Multiple Test Procedure. Scand. J. Statist. 6, 1979.",
)


def page(workspace: "Workspace", study: Study, found: Mapping[str, Any]) -> str:
    """The whole file."""
    title = f"Study {study.name}"
    parts = [
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{_text(title)}</title>',
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>',
        f"<h1>{_text(title)}</h1><p>Question: {_text(study.question)}</p>",
        f'<p class="answer">{_text(tables.answer(found))}</p>',
        *_section("Leaderboard", [_table(tables.leaderboard(found)), _said(LADDER)]),
        *_section("Cost beside quality", list(_scatters(workspace, found))),
        *_section("Every task", [_table(scores(found["compare"]))] if found["compare"] else []),
        *_section("Every pair", [_table(tables.differences(found))]),
        *_section("What each arm was trained on", list(_samples(workspace, found))),
        *_section("Failure types by generator", [_table(_failures(workspace, found))]),
        *_section("What this cannot show", [_said(line) for line in [*tables.limits(found), _held(study, found)]]),
        *_section("Methods", list(_methods(study, found))),
        *_section("Record", [_table(_record(workspace, study, found))]),
        "</body></html>\n",
    ]
    return "\n".join(parts)


LADDER = "Arms of one tier cannot be told apart, and their order says nothing. Scores are x 100."


def markdown(found: Mapping[str, Any], form: str = "markdown") -> str:
    """Answer and tables as Markdown, or as LaTeX."""
    lead = safe(tables.answer(found))
    said = f"% {lead}" if form == "latex" else lead
    made = [tables.leaderboard(found), tables.differences(found)]
    return "\n\n".join([said, *(render(form, table) for table in made if table[1])])


def _text(value: object) -> str:
    """A stranger's text as HTML that shows it."""
    return escape(safe(value), quote=True)


def _section(title: str, parts: Sequence[str]) -> Iterator[str]:
    yield f"<section><h2>{_text(title)}</h2>"
    yield from parts or [_said("Nothing yet.")]
    yield "</section>"


def _said(text: str) -> str:
    return f"<p>{_text(text)}</p>"


def _table(table: Table) -> str:
    header, rows = table
    head = "".join(f"<th>{_text(cell)}</th>" for cell in header)
    body = "".join(f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _scatters(workspace: "Workspace", found: Mapping[str, Any]) -> Iterator[str]:
    counted = {
        arm["generate"]: workspace.counts(arm["generate"])["triplets"] for arm in found["arms"] if arm["generate"]
    }
    arms = [{**arm, "triplets": counted.get(arm["generate"], 0)} for arm in found["arms"]]
    for by in ("seconds", "tokens"):
        points = tables.points({**found, "arms": arms}, by)
        if points:
            yield scatter(points, f"{by} of generation a triplet", "score x 100, items 95 %")


def _samples(workspace: "Workspace", found: Mapping[str, Any]) -> Iterator[str]:
    """Ten triplets of each generate run, by a hash of their sentences: no one picked them."""
    shown = dict[str, list[str]]()
    for arm in found["arms"]:
        if arm["generate"]:
            shown.setdefault(arm["generate"], []).append(arm["arm"])
    for run, names in shown.items():
        rows = sorted(
            workspace.triplets([run]), key=lambda row: (sentence_key(f"sample {row['sentence']}"), row["sample"])
        )
        cells = [[row[name] or "" for name in ("sentence", "positive", "negative")] for row in rows[:SAMPLED]]
        yield f"<h3>{_text(', '.join(names))}</h3>"
        yield _table((["sentence", "positive", "hard negative"], cells))


def _failures(workspace: "Workspace", found: Mapping[str, Any]) -> Table:
    rows, seen = [], set[str]()
    for arm in found["arms"]:
        if (run := arm["generate"]) and run not in seen:
            seen.add(run)
            planned = workspace.counts(run)["planned"]
            failed = workspace.failures(run)
            rows += [[arm["arm"], reason, str(n), f"{100 * n / planned:.1f} %"] for reason, n in failed.items()]
    return ["first arm of the run", "failure", "answers", "of all requests"], rows


def _held(study: Study, found: Mapping[str, Any]) -> str:
    parts = found["split"]
    return (
        f"{parts.get('held_out', 0)} of {parts.get('held_out', 0) + parts.get('train', 0)} sentences were kept apart by "
        f"a hash before anything was generated (share {study.held_out:g}), and no arm was trained on them. Their triplets "
        "were written by the study's own generators, as many by each: a generator is tested partly on its own style."
    )


def _methods(study: Study, found: Mapping[str, Any]) -> Iterator[str]:
    yield _said(
        f"Each arm is trained with InfoNCE on anchor, positive and hard negative, with {len(study.seeds)} seeds "
        f"({', '.join(map(str, study.seeds))}). Arms are matched on {study.matched_on}. "
        "Smaller sizes lie within larger ones, drawn by a hash of the sentence, the same for every generator."
    )
    for line in remarks(found["compare"]) if found["compare"] else []:
        yield _said(line)
    yield "<ol>" + "".join(f"<li>{_text(line)}</li>" for line in REFERENCES) + "</ol>"


def _record(workspace: "Workspace", study: Study, found: Mapping[str, Any]) -> Table:
    rows = [["study", study.hash], ["program", __version__], ["machine", f"{platform.machine()} {platform.system()}"]]
    rows += [["python", platform.python_version()], ["seeds", ", ".join(map(str, study.seeds))]]
    for arm in found["arms"]:
        kinds = [
            ("generate", {"": arm["generate"]} if arm["generate"] else {}),
            ("train", arm["train"]),
            ("evaluate", arm["evaluate"]),
        ]
        for kind, by_seed in kinds:
            for seed, run in by_seed.items():
                rows.append([f"{arm['arm']}: {kind} {seed}".rstrip(), f"{run} {_hashes(workspace, run)}"])
    return ["what", "which"], rows


def _hashes(workspace: "Workspace", run_id: str) -> str:
    """The hashes that a run keeps of what decided it."""
    run = workspace.run(run_id)
    kept = {**run.options, **run.result}
    return json.dumps(
        {name: kept[name][:16] for name in sorted(kept) if name.endswith(("_hash", "sha256")) and kept[name]}
    )
