"""Facts of a little world in a book: what is asked is true by the facts alone, done again here from their words."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

import pytest
from hybrid.evals.metrics.registry import METRICS
from hybrid.evals.tasks.babilong.babilong import KINDS, golds
from hybrid.evals.tasks.babilong.world import GIVERS, PEOPLE, PLACES, SIDES, TELLS, THINGS, Story, story

from hybrid.errors import InputError
from tests.evals.made import record
from tests.evals.samples import characters, draw

MANY = 150
FACT = re.compile(
    r"(?P<who>\w+) (?:"
    r"(?:walked to|went to|moved on to|hurried to|is in) the (?P<room>\w+)"
    r"|is no longer in the (?P<left>\w+)"
    r"|is either in the (?P<one>\w+) or in the (?P<other>\w+)"
    r"|(?:picked up|took|grabbed) the (?P<taken>\w+) there"
    r"|(?:put down|dropped|left) the (?P<dropped>\w+) there"
    r"|(?:handed|gave|passed) the (?P<given>\w+) to (?P<to>\w+))\."
)


class Again:
    """Follows facts from their words; shares no code with what wrote them."""

    def __init__(self, facts: tuple[str, ...]) -> None:
        self.maybe: dict[str, set[str]] = {}  # rooms that somebody may be in
        self.never: dict[str, str] = {}
        self.owner: dict[str, str] = {}
        self.rooms: dict[str, list[str]] = {thing: [] for thing in THINGS}
        self.gifts: list[tuple[str, str, str]] = []
        for fact in facts:
            found = FACT.fullmatch(fact)
            assert found, fact
            self.follow(found["who"], found)

    def follow(self, who: str, fact: re.Match[str]) -> None:
        if fact["room"]:
            self.maybe[who] = {fact["room"]}
            self.never.pop(who, None)
        elif fact["left"]:
            assert self.maybe[who] == {fact["left"]}, "somebody leaves a room that they are in"
            self.maybe[who], self.never[who] = set(), fact["left"]
        elif fact["one"]:
            self.maybe[who] = {fact["one"], fact["other"]}
        elif fact["taken"]:
            assert fact["taken"] not in self.owner, "what is taken was free"
            known = self.rooms[fact["taken"]]
            assert not known or known[-1] in self.maybe[who], "it lay where it is taken"
            self.owner[fact["taken"]] = who
        elif fact["dropped"]:
            assert self.owner.pop(fact["dropped"]) == who
        else:
            assert self.owner[fact["given"]] == who
            assert self.maybe[who] == self.maybe[fact["to"]], "both are in one room"
            self.owner[fact["given"]] = fact["to"]
            self.gifts.append((who, fact["given"], fact["to"]))
        for thing, owner in self.owner.items():
            (room,) = self.maybe[owner]
            if self.rooms[thing][-1:] != [room]:
                self.rooms[thing].append(room)

    def answer(self, question: str) -> str:
        """The answer to a question, from its words."""
        words = question.rstrip("?").split()
        if found := re.fullmatch(r"Where is (\w+)\?", question):
            (room,) = self.maybe[found[1]]
            return room
        if found := re.fullmatch(r"Where is the (\w+)\?", question):
            return self.rooms[found[1]][-1]
        if found := re.fullmatch(r"Where was the (\w+) before the (\w+)\?", question):
            rooms = self.rooms[found[1]]
            assert rooms.count(found[2]) == 1
            return rooms[rooms.index(found[2]) - 1]
        if found := re.fullmatch(r"Is (\w+) in the (\w+)\?", question):
            rooms = self.maybe[found[1]]
            return ("yes" if len(rooms) == 1 else "maybe") if found[2] in rooms else "no"
        own = sorted(thing for thing, owner in self.owner.items() if owner in words)
        if question.startswith("How many"):
            return ("none", "one", "two", "three")[len(own)]
        if question.endswith("carrying?"):
            return ",".join(own) or "nothing"
        return self.gift(words)

    def gift(self, words: list[str]) -> str:
        """Who gave, what, or who received, in the only gift that fits."""
        giver = words[2] if words[1] == "did" else ""
        thing = next((word for word in words if word in THINGS), "")
        receiver = words[-1] if words[-2] == "to" else ""
        said = zip((giver, thing, receiver), (0, 1, 2), strict=True)
        asked = 1 if words[0] == "What" else 0 if words[1] == "gave" else 2
        known = [(word, place) for word, place in said if word]
        (gift,) = [gift for gift in self.gifts if all(gift[place] == word for word, place in known)]
        return gift[asked]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "qa4"])
def test_answers_are_what_the_facts_say_and_support_is_enough(kind: str) -> None:
    for number in range(MANY):
        told = story(kind, Random(f"{kind} {number}"))
        assert Again(told.facts).answer(told.question) == told.answer
        assert told.support == tuple(sorted(told.support))
        assert len(told.support) == {"qa2": 2, "qa3": 3}.get(kind, len(told.support)) >= 1
        if kind in ("qa2", "qa3"):  # somebody who reads the facts that decide and nothing else is right
            assert _by_support(told) == told.answer


def _by_support(told: Story) -> str:
    """The room in the last of the facts that decide, or for a room before another the first of them."""
    rooms = [room for place in told.support for room in PLACES if room in told.facts[place]]
    before = re.search(r"before the (\w+)", told.question)
    return rooms[rooms.index(before[1]) - 1] if before else rooms[-1]


def test_rooms_lie_beside_each_other_in_one_way_only() -> None:
    for number in range(MANY):
        told = story("qa4", Random(f"qa4 {number}"))
        beside: dict[tuple[str, str], str] = {}  # side of a room -> the room there
        for fact in told.facts:
            found = re.fullmatch(r"The (\w+) is (\w+) of the (\w+)\.", fact)
            assert found
            beside[found[3], found[2]] = found[1]
            beside[found[1], SIDES[found[2]]] = found[3]
        if found := re.fullmatch(r"What is (\w+) of the (\w+)\?", told.question):
            assert beside[found[2], found[1]] == told.answer
        else:
            found = re.fullmatch(r"What is the (\w+) (\w+) of\?", told.question)
            assert found
            assert beside[found[1], SIDES[found[2]]] == told.answer


def test_answers_are_spread_and_are_no_words_of_the_question() -> None:
    for kind in TELLS:
        told = [story(kind, Random(f"{kind} {number}")) for number in range(MANY)]
        most = Counter(one.answer for one in told).most_common(1)[0][1]
        assert most < 0.7 * MANY, kind
        for one in told:
            assert set(one.answer.split(",")) <= set(one.labels)
            right, *wrong = golds(one)
            assert not set(right.split(",")) & {*wrong, *re.findall(r"\w+", one.question.lower())}


@pytest.mark.parametrize("kind", KINDS)
def test_facts_stand_in_their_order_among_sentences_that_name_nobody_of_them(kind: str) -> None:
    for sample in draw(f"babilong/{kind}", 3, length=1024):
        text = sample.documents["book"]
        assert sample.about["tokens"] == characters([sample.prompt + sample.prefix])[0] + sample.max_tokens <= 1024
        said = [text[start:end] for _, start, end in sample.ranges]
        assert said
        named = {*PEOPLE, *GIVERS} if kind != "qa4" else set()
        rest = text
        for place, fact in enumerate(said):
            assert text.count(fact) >= 1
            assert place == 0 or text.index(said[place - 1]) <= sample.ranges[place][1]
        told = story(kind, Random(f"babilong/{kind}|0|{sample.id.split('-')[-1]}"))
        position = 0
        for fact in told.facts:
            position = text.index(fact, position) + len(fact)
            rest = rest.replace(fact, "", 1)
        assert not named & set(re.findall(r"\w+", rest))
        assert sample.golds == golds(told)
        assert sample.question.startswith(told.question)
        assert METRICS["babilong"](told.answer, sample.golds) == 1


def test_reports_and_judges_are_told_the_right_answer_alone() -> None:
    told = record("rag", "babilong/qa1", 1024, 0, 0.0).model_copy(update={"golds": ("office", "garden", "kitchen")})
    assert told.model_copy(update={"metric": "babilong"}).right == ("office",)
    assert told.model_copy(update={"metric": "classification"}).right == ("office",)
    assert told.right == told.golds


def test_a_length_that_is_too_small_is_refused() -> None:
    with pytest.raises(InputError, match=r"babilong/qa3 cannot be made in 200 tokens: its shortest sample takes \d+"):
        draw("babilong/qa3", length=200)
    with pytest.raises(InputError, match="babilong/qa1 makes samples of a given length"):
        draw("babilong/qa1")


@pytest.mark.parametrize(
    ("reply", "right", "score"),
    [
        ("The office.", ("office", "garden", "kitchen"), 1),
        ("Mary is in the OFFICE. Before, she was in the garden.", ("office", "garden"), 1),
        ("She went from the garden to the office", ("office", "garden"), 0),
        ("", ("office", "garden"), 0),
        ("office", (), 0),
        ("apple and milk", ("apple,milk", "football", "nothing"), 1),
        ("apple", ("apple,milk", "football", "nothing"), 0),
        ("apple, milk, football", ("apple,milk", "football", "nothing"), 0),
        ("none", ("none", "one", "two", "three"), 1),  # "one" stands in it, so answers are searched as words
        ("one", ("none", "one", "two", "three"), 0),
        ("no", ("no", "yes"), 1),
        ("Yes, as far as I know", ("yes", "no"), 0),  # as the reference has it: characters, and "no" is in "know"
        ("In the office <example> garden", ("office", "garden"), 1),
        ("I do not know", ("office", "garden"), 0),
    ],
)
def test_scores_are_babilongs(reply: str, right: tuple[str, ...], score: float) -> None:
    assert METRICS["babilong"](reply, right) == score
