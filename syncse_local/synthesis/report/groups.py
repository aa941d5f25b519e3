"""What a report looks at one by one: the texts of a run, its prompts, exemplar draws, genres and topics.

Knows triplet rows and where they come from; knows no database and no measure of diversity.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from syncse_local.store.request_stats import PromptInfo, RequestGroup, RequestTotals
from syncse_local.synthesis.report.sample import Sample
from syncse_local.synthesis.report.tally import Measured, Tally

FIELDS = ("sentence", "positive", "negative")
KINDS = ("field", "prompt", "draw", "genre", "topic")
MOST = 200
"""Groups of a kind that are followed: those with the most accepted answers. Bounds memory and the report's length."""


class Name(NamedTuple):
    """A group: its kind, which of a triplet's texts it is about, and what it is called."""

    kind: str
    role: str
    name: str


@dataclass(slots=True)
class Group:
    """A group's requests, triplets and sampled texts."""

    sample: Sample
    spent: RequestTotals = field(default_factory=RequestTotals)
    tally: Tally = field(default_factory=Tally)


def asked(rows: Iterable[RequestGroup]) -> tuple[RequestTotals, dict[Name, RequestTotals]]:
    """What the requests came to: all together, and by group."""
    total, found = RequestTotals(), dict[Name, RequestTotals]()
    for row in rows:
        total.add(row)
        for name in _groups(row.role, PromptInfo(row.prompt, row.context, row.genre, row.topics)):
            found.setdefault(name, RequestTotals()).add(row)
    return total, found


def followed(found: Mapping[Name, RequestTotals], size: int) -> dict[Name, Group]:
    """The fields, and of each other kind the MOST groups with the most accepted answers, each with an empty sample."""
    chosen = [Name("field", role, role) for role in FIELDS]
    for kind in KINDS[1:]:
        ranked = sorted((name for name in found if name.kind == kind), key=lambda name: (-found[name].accepted, name))
        chosen += ranked[:MOST]
    return {name: Group(Sample(size), found.get(name, RequestTotals())) for name in chosen}


def _groups(role: str, prompt_info: PromptInfo) -> Iterator[Name]:
    yield Name("prompt", role, prompt_info.prompt)
    yield Name("draw", role, prompt_info.context)
    if prompt_info.genre:
        yield Name("genre", role, prompt_info.genre)
    for topic in prompt_info.topics:
        yield Name("topic", role, topic)


def places(row: Mapping[str, Any], prompt_info: PromptInfo | None, exchanged: bool) -> Iterator[tuple[Name, str]]:
    """The groups that a triplet belongs to, each with the text it has there.

    `prompt_info` is the sentence's, where the run wrote it; `exchanged` says that a filter swapped positive and negative, so
    that each was asked for by the other's prompt.
    """
    for role in FIELDS:
        yield Name("field", role, role), row[role]
    if prompt_info:
        for name in _groups("sentence", prompt_info):
            yield name, row["sentence"]
    for role, written in (("positive", "negative"), ("negative", "positive")):
        text = row[written if exchanged else role]
        for name in _groups(role, PromptInfo(row[f"{role}_prompt"], row[f"{role}_context"], "", ())):
            yield name, text


def count(groups: Mapping[Name, Group], at: Iterable[tuple[Name, str]], place: int, measured: Measured) -> None:
    """Count a triplet in the groups it belongs to, as far as they are followed."""
    for name, text in at:
        if group := groups.get(name):
            group.tally.add(measured)
            group.sample.add(place, text)
