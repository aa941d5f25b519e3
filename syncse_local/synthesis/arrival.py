"""Signs, in a run's first answers, that the engine does not see the whole message. Knows texts only; rejects nothing.

A chat template or a server that drops the system turn, the exemplars or the sentence still gives fluent answers. Three signs:
the positive equals the hard negative (the two requests differ in their instructions alone); unlike sentences get one answer;
answers share no more words with their own sentence than with the others.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from syncse_local.store.ledger import Answered, Planned
from syncse_local.text.clean import squash
from syncse_local.text.words import overlap

FIRST = 50
"""Answers of each role that are looked at: enough to tell, and a minute's work at most for a slow model."""
LEAST = 5
"""Fewer triplets or answers can be alike by chance."""
LEAST_RANKED = 8
"""Answers whose words are compared. At random the mean rank of 8 is below 0.7 in 19 of 20 draws."""
HALF = 0.5
"""A share of triplets or answers that are alike; those of a working model are alike in a few of a hundred."""
OWN_RANK = 0.7
"""Mean rank of the own sentence by shared words: 0.5 at random, 0.86 or more in 200 draws of 8 of the starter model's answers."""
ADVICE = (
    "Look at what was asked and said: `syncse triplets RUN N`. A chat template or a server may drop the system turn: "
    "try --backend-option system_turn=user with a server, chat_profile=plain with the other engines."
)


class Arrival:
    """The first answers of each role; each sign is looked for once, when FIRST answers are there or the run ends."""

    def __init__(self) -> None:
        self._answers: dict[str, list[tuple[str, str]]] = {"positive": [], "negative": []}
        self._looked: set[str] = set()

    def add(self, row: Planned, answered: Answered) -> None:
        """Take an answer that the parser accepted."""
        kept = self._answers.get(row.role)
        if kept is not None and len(kept) < FIRST and answered.outcomes and not answered.outcomes[0].failure:
            kept.append((row.turn, answered.outcomes[0].text))

    def due(self, ended: bool = False) -> list[str]:
        """The roles that can be looked at now and were not yet."""
        full = [role for role, kept in self._answers.items() if ended or len(kept) == FIRST]
        found = [role for role in full if role not in self._looked]
        self._looked.update(found)
        return found

    def warnings(self, role: str) -> Iterator[str]:
        """What the answers of a role tell of themselves."""
        for said in (one_answer(role, self._answers[role]), strangers(role, self._answers[role])):
            if said:
                yield f"{said}: the sentence seems not to reach the model. {ADVICE}"
                return


def coinciding(triplets: Sequence[Mapping[str, str]]) -> str:
    """A warning where the positive is the hard negative in half of the triplets or more; empty otherwise."""
    same = sum(squash(row["positive"]) == squash(row["negative"]) for row in triplets)
    if len(triplets) < LEAST or same < HALF * len(triplets):
        return ""
    said = f"The positive equals the hard negative in {same} of {len(triplets)} triplets"
    return f"{said}: the instruction seems not to reach the model. {ADVICE}"


def one_answer(role: str, answers: Sequence[tuple[str, str]]) -> str:
    """What is wrong where half of the (sentence, answer) pairs, or more, have the answer of another sentence."""
    unlike = {(squash(sentence), squash(answer)) for sentence, answer in answers}
    times = Counter(answer for _, answer in unlike)
    shared = sum(times[answer] > 1 for _, answer in unlike)
    if len(unlike) < LEAST or shared < HALF * len(unlike):
        return ""
    return f"{shared} of {len(unlike)} sentences have a {role} that another sentence has too"


def strangers(role: str, answers: Sequence[tuple[str, str]]) -> str:
    """What is wrong where answers share no more words with their own sentence than with those of the other answers."""
    if len({sentence for sentence, _ in answers}) < LEAST_RANKED:
        return ""
    rank = sum(_rank(place, answers) for place in range(len(answers))) / len(answers)
    if rank >= OWN_RANK:
        return ""
    return f"{len(answers)} {role}s share hardly more words with their own sentences than with the other ones"


def _rank(place: int, answers: Sequence[tuple[str, str]]) -> float:
    """The share of other sentences with which an answer has fewer words in common than with its own; ties are halves."""
    own, answer = answers[place]
    others = [sentence for sentence, _ in answers if sentence != own]
    shared = overlap(own, answer)
    found = [overlap(sentence, answer) for sentence in others]
    return sum((shared > other) + 0.5 * (shared == other) for other in found) / len(found)
