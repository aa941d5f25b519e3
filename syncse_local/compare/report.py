"""A study's tables as plain rows, for a terminal, CSV, Markdown and LaTeX. Light: knows the study's JSON and nothing else."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Table = tuple[list[str], list[list[str]]]
FORMATS = ("csv", "markdown", "latex")


def scores(study: Mapping[str, Any]) -> Table:
    """A row for each task and arm: its figure 0 to 1 and x 100, the interval, the spread over seeds, the tier."""
    header = ["task", "metric", "items", "tier", "arm", "0-1", "x100", "95 % (x100)", "seed sd", "seeds"]
    rows = []
    for row in study["rows"]:
        place = {name: str(at) for at, tier in enumerate(row["tiers"], start=1) for name in tier}
        for score in row["scores"]:
            figure = ["undefined", "undefined", "-"]
            if score["value"] is not None:
                figure = [f"{score['value']:.4f}", hundred(score["value"]), span(score["interval"])]
            about = [row["name"], row["metric"], str(row["items"]), place.get(score["arm"], "-"), score["arm"]]
            rows.append([*about, *figure, hundred(score["seed_sd"]), str(len(score["seeds"]))])
    return header, rows


def differences(study: Mapping[str, Any]) -> Table:
    """A row for each task and pair: difference x 100, intervals, p, floor, verdict."""
    header = [
        "task",
        "first",
        "second",
        "difference",
        "95 %",
        "Holm's interval",
        "p",
        "p Holm",
        "seeds' t 95 %",
        "floor",
        "verdict",
    ]
    rows = []
    for row in study["rows"]:
        for made in row["comparisons"]:
            names = [row["name"], made["first"], made["second"]]
            if made["difference"] is None:
                rows.append([*names, *["-"] * 7, made["verdict"]])
                continue
            by_seeds = span(made["seeds_t"]["interval"], signed=True) if made["seeds_t"] else "-"
            noise = hundred(made["floor"]["value"]) if made["floor"] else "not calibrated"
            said = made["verdict"] + ("*" if made["scope"] == "encoders" and made["verdict"] != "cannot tell" else "")
            spans = [span(made[name], signed=True) for name in ("interval", "corrected")]
            ps = [f"{made[name]:.4f}" for name in ("p", "p_holm")]
            rows.append([*names, f"{100 * made['difference']:+.2f}", *spans, *ps, by_seeds, noise, said])
    return header, rows


def remarks(study: Mapping[str, Any]) -> Iterator[str]:
    """What a reader must know beside the tables."""
    setting = {"draws": 10_000, "seed": 1, "method": "bca", **study.get("setting", {})}
    made = [(row, comparison) for row in study["rows"] for comparison in row["comparisons"]]
    methods = sorted(
        {comparison["method"] for _, comparison in made if comparison.get("method")} or {setting["method"]}
    )
    yield (
        f"Bootstrap over items, {setting['draws']} draws, seed {setting['seed']}; intervals: {' and '.join(map(_method, methods))}. "
        "An average resamples each task's own items."
    )
    if made:
        yield (
            f"Holm over {study['family']} comparisons (all pairs x all rows above) at {study['alpha']:g}; better or worse: Holm "
            "rejects, its interval leaves out 0, and the difference exceeds the floor. One tier: cannot be told apart."
        )
        yield f"Noise floor: {_floors(study, made)}"
    if any(comparison.get("scope") == "encoders" and comparison["verdict"] != "cannot tell" for _, comparison in made):
        yield "* of these encoders, not of what made them: one run an arm, and nothing says how training seeds scatter."
    notes = [
        f"{row['name']}: {c['first']} and {c['second']}: {note}"
        for row, c in made
        for note in c["notes"]
        if "training noise" not in note
    ]
    undefined = [
        f"{row['name']}: {s['arm']}: {why}"
        for row in study["rows"]
        for s in row["scores"]
        for why in s["why_undefined"]
    ]
    yield from dict.fromkeys([*undefined, *notes, *study["notes"]])


def _method(name: str) -> str:
    return {"bca": "BCa", "percentile": "percentile"}[name]


def _floors(study: Mapping[str, Any], made: Sequence[tuple[Any, Any]]) -> str:
    sources = sorted({c["floor"]["source"] for _, c in made if c.get("floor")})
    found = study.get("calibration")
    if not found:
        return f"this machine is not calibrated (`syncse calibrate`); used: {', '.join(sources) or 'none'}."
    used = ", ".join(sources) or "none for these tasks"
    return f"{used}; calibration {found['id']}: {found['encoder']} on {found['data']}, {found['machine']}."


def span(ends: Sequence[float] | None, signed: bool = False) -> str:
    """`71.20 to 73.40`, x 100."""
    if ends is None:
        return "-"
    return " to ".join(f"{100 * end:+.2f}" if signed else f"{100 * end:.2f}" for end in ends)


def hundred(value: float | None) -> str:
    """A figure x 100; `-` for none."""
    return "-" if value is None else f"{100 * value:.2f}"


def render(form: str, table: Table) -> str:
    """The table as CSV, Markdown or LaTeX (booktabs), names escaped for it."""
    return {"csv": _csv, "markdown": _markdown, "latex": _latex}[form](*table)


def _csv(header: list[str], rows: list[list[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([[_inert(cell) for cell in row] for row in rows])
    return out.getvalue().rstrip("\n")


def _inert(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; numbers and intervals keep their sign."""
    return f"'{cell}" if cell[:1] in ("=", "@", "+", "-", "\t") and not cell[1:2].isdigit() and cell != "-" else cell


def _markdown(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *([_marked(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _marked(cell: str) -> str:
    return "".join(f"\\{char}" if char in "\\`*_[]<>|#" else " " if char in "\r\n" else char for char in cell)


_TEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{c: f"\\{c}" for c in "&%$#_{}"},
}


def _latex(header: list[str], rows: list[list[str]]) -> str:
    lines = [" & ".join(map(_tex, row)) + r" \\" for row in (header, *rows)]
    top = f"\\begin{{tabular}}{{{'l' * len(header)}}}\n\\toprule\n{lines[0]}\n\\midrule\n"
    return top + "\n".join(lines[1:]) + "\n\\bottomrule\n\\end{tabular}"


def _tex(cell: str) -> str:
    return "".join(_TEX.get(char, " " if char in "\r\n" else char) for char in cell)
