"""The little world of the bAbI questions: people walk between rooms, and take, drop and hand over things.

Forms of the questions and the words for answers are those of bAbI (arXiv 1502.05698); the sentences around them are our
own. What is true is found by doing what the facts say, and a story keeps which of its facts decide the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import NamedTuple

PLACES = ("bathroom", "bedroom", "garden", "hallway", "kitchen", "office")
THINGS = ("apple", "football", "milk")
PEOPLE = ("Daniel", "John", "Mary", "Sandra")
GIVERS = ("Bill", "Fred", "Jeff", "Mary")  # people of the questions on who gave what to whom
HALLS = ("bedroom", "cinema", "kitchen", "office", "park", "school")  # rooms of the questions on what is not certain
NUMBERS = ("none", "one", "two", "three")
SIDES = {"north": "south", "south": "north", "east": "west", "west": "east"}

_WALKS = ("walked to", "went to", "moved on to", "hurried to")
_TAKES = ("picked up", "took", "grabbed")
_DROPS = ("put down", "dropped", "left")
_GIVES = ("handed", "gave", "passed")
_TRIES = 10_000  # of a story until its question has one answer; some ten are needed


class Story(NamedTuple):
    """Facts in their order, a question on them, and its answer."""

    facts: tuple[str, ...]
    question: str
    answer: str  # one word, or the names of several things with commas between them
    support: tuple[int, ...]  # places of the facts that decide the answer
    labels: tuple[str, ...]  # words that an answer can be


@dataclass(slots=True)
class World:
    """Where everybody and everything is, and the fact by which it came there."""

    rng: Random
    people: tuple[str, ...] = PEOPLE
    facts: list[str] = field(default_factory=list)
    at: dict[str, tuple[str, int]] = field(default_factory=dict)  # person -> room, and the fact that says so
    holds: dict[str, tuple[str, int]] = field(default_factory=dict)  # thing -> person who carries it
    lies: dict[str, tuple[str, int, int]] = field(default_factory=dict)  # thing -> room; drop, and the way there
    trail: dict[str, list[tuple[str, int, int]]] = field(default_factory=dict)  # thing -> rooms; walk, taking
    hands: list[tuple[str, str, str, int]] = field(default_factory=list)  # giver, thing, receiver, fact

    def say(self, fact: str) -> int:
        """Add a fact; its place."""
        self.facts.append(fact)
        return len(self.facts) - 1

    def walk(self) -> None:
        """Somebody goes to another room, with what they carry."""
        person = self.rng.choice(self.people)
        here = self.at.get(person, ("", 0))[0]
        room = self.rng.choice([room for room in PLACES if room != here])
        fact = self.say(f"{person} {self.rng.choice(_WALKS)} the {room}.")
        self.at[person] = room, fact
        for thing, (holder, taken) in self.holds.items():
            if holder == person:
                self.trail[thing].append((room, fact, taken))

    def take(self) -> None:
        """Somebody takes a thing that lies in their room, or that nothing was said of yet."""
        free = [
            (person, thing)
            for person, (room, _) in self.at.items()
            for thing in THINGS
            if thing not in self.holds and self.lies.get(thing, (room, 0, 0))[0] == room
        ]
        if free:
            person, thing = self.rng.choice(free)
            fact = self.say(f"{person} {self.rng.choice(_TAKES)} the {thing} there.")
            self.lies.pop(thing, None)
            self.holds[thing] = person, fact
            trail = self.trail.setdefault(thing, [])
            room, walk = self.at[person]
            if not trail or trail[-1][0] != room:
                trail.append((room, walk, fact))

    def drop(self) -> None:
        """Somebody puts down a thing."""
        if self.holds:
            thing = self.rng.choice(sorted(self.holds))
            person, _ = self.holds.pop(thing)
            fact = self.say(f"{person} {self.rng.choice(_DROPS)} the {thing} there.")
            self.lies[thing] = self.at[person][0], fact, self.at[person][1]

    def give(self) -> None:
        """Somebody hands a thing to somebody in the same room."""
        if self.holds:
            thing = self.rng.choice(sorted(self.holds))
            giver, _ = self.holds[thing]
            near = [person for person in self.people if person != giver and self._room(person) == self._room(giver)]
            if near:
                receiver = self.rng.choice(near)
                fact = self.say(f"{giver} {self.rng.choice(_GIVES)} the {thing} to {receiver}.")
                self.holds[thing] = receiver, fact
                self.hands.append((giver, thing, receiver, fact))

    def live(self, steps: int, *acts: Callable[[World], None]) -> None:
        """So many acts, each as likely as it is often named; those that are not possible say nothing."""
        for _ in range(steps):
            self.rng.choice(acts)(self)

    def carried(self, person: str) -> list[str]:
        """The things somebody carries, in the order of the alphabet."""
        return sorted(thing for thing, (holder, _) in self.holds.items() if holder == person)

    def _room(self, person: str) -> str:
        return self.at.get(person, ("", 0))[0]


Tell = Callable[[Random], Story | None]  # None where what happened leaves nothing to ask


def _told(world: World, question: str, answer: str, support: tuple[int, ...], labels: tuple[str, ...]) -> Story:
    return Story(tuple(world.facts), question, answer, tuple(sorted(set(support))), labels)


def _where(rng: Random) -> Story | None:
    world = World(rng)
    world.live(rng.randint(2, 10), World.walk)
    person = rng.choice(sorted(world.at))
    room, fact = world.at[person]
    return _told(world, f"Where is {person}?", room, (fact,), PLACES)


def _lived(rng: Random, least: int, most: int) -> World:
    world = World(rng)
    world.live(2, World.walk)
    world.live(rng.randint(least, most), World.walk, World.walk, World.take, World.drop)
    return world


def _where_is_thing(rng: Random) -> Story | None:
    world = _lived(rng, 4, 24)
    thing = rng.choice(THINGS)
    if thing in world.holds:
        person, taken = world.holds[thing]
        room, walk = world.at[person]
        return _told(world, f"Where is the {thing}?", room, (taken, walk), PLACES)
    if thing in world.lies:
        room, dropped, walk = world.lies[thing]
        return _told(world, f"Where is the {thing}?", room, (dropped, walk), PLACES)
    return None


def _where_was_thing(rng: Random) -> Story | None:
    world = _lived(rng, 10, 60)
    thing = rng.choice(THINGS)
    trail = world.trail.get(thing, [])
    rooms = [room for room, _, _ in trail]
    known = [place for place in range(1, len(rooms)) if rooms.count(rooms[place]) == 1]
    if not known:
        return None
    (before, walk, _), (room, next_walk, taken) = trail[known[-1] - 1], trail[known[-1]]
    question = f"Where was the {thing} before the {room}?"
    return _told(world, question, before, (walk, next_walk, taken), PLACES)


def _beside(rng: Random) -> Story | None:
    middle, one, other = rng.sample(PLACES, 3)
    first, second = rng.sample(sorted(SIDES), 2)  # where the two rooms lie of the one in the middle
    facts = [
        f"The {room} is {side} of the {middle}."
        if rng.random() < 0.5
        else f"The {middle} is {SIDES[side]} of the {room}."
        for room, side in ((one, first), (other, second))
    ]
    asked = rng.randrange(2)
    room, side = ((one, first), (other, second))[asked]
    question = f"What is {side} of the {middle}?" if rng.random() < 0.5 else f"What is the {middle} {SIDES[side]} of?"
    return Story(tuple(facts), question, room, (asked,), PLACES)


def _given(rng: Random) -> Story | None:
    world = World(rng, GIVERS)
    world.live(4, World.walk)
    world.live(rng.randint(6, 24), World.walk, World.take, World.give, World.give)
    if not world.hands:
        return None
    giver, thing, receiver, fact = rng.choice(world.hands)
    asked: list[tuple[str, str, tuple[str | None, str | None, str | None]]] = [
        (f"Who gave the {thing} to {receiver}?", giver, (None, thing, receiver)),
        (f"Who did {giver} give the {thing} to?", receiver, (giver, thing, None)),
        (f"What did {giver} give to {receiver}?", thing, (giver, None, receiver)),
        (f"Who received the {thing}?", receiver, (None, thing, None)),
        (f"Who gave the {thing}?", giver, (None, thing, None)),
    ]
    question, answer, form = rng.choice(asked)
    alike = [hand for hand in world.hands if all(part in (None, own) for part, own in zip(form, hand, strict=False))]
    labels = tuple(sorted({*GIVERS, *THINGS}))
    return _told(world, question, answer, (fact,), labels) if len(alike) == 1 else None


def _whether(rng: Random) -> Story | None:
    world = World(rng)
    world.live(rng.randint(2, 10), World.walk)
    person = rng.choice(sorted(world.at))
    room, fact = world.at[person]
    asked = room if rng.random() < 0.5 else rng.choice([other for other in PLACES if other != room])
    return _told(world, f"Is {person} in the {asked}?", "yes" if asked == room else "no", (fact,), ("no", "yes"))


def _carrying(rng: Random, *, names: bool) -> Story | None:
    wanted = rng.randrange(3)  # things, chosen first: otherwise hardly anybody would carry two
    for _ in range(_TRIES):
        world = World(rng)
        world.live(3, World.walk)
        world.live(rng.randint(4, 24), World.walk, World.take, World.take, World.drop, World.give)
        person = rng.choice(PEOPLE)
        own = world.carried(person)
        last = {
            thing: place for place, fact in enumerate(world.facts) for thing in THINGS if _moves(fact, thing, person)
        }
        if last and len(own) == wanted:
            support = tuple(last.values())
            if names:
                labels = (*THINGS, "nothing")
                return _told(world, f"What is {person} carrying?", ",".join(own) or "nothing", support, labels)
            return _told(world, f"How many objects is {person} carrying?", NUMBERS[len(own)], support, NUMBERS)
    return None


def _moves(fact: str, thing: str, person: str) -> bool:
    return f"the {thing} " in fact and person in fact


def _not_any_more(rng: Random) -> Story | None:
    world = World(rng)
    left = dict[str, bool]()  # whether the last fact on somebody is where they are not
    for _ in range(rng.randint(2, 10)):
        person = rng.choice(PEOPLE)
        if person in world.at and not left[person] and rng.random() < 0.4:
            room = world.at[person][0]
            world.at[person] = room, world.say(f"{person} is no longer in the {room}.")
            left[person] = True
        else:
            room = rng.choice([room for room in PLACES if room != world.at.get(person, ("", 0))[0]])
            said = rng.choice((f"is in the {room}", f"{rng.choice(_WALKS)} the {room}"))
            world.at[person] = room, world.say(f"{person} {said}.")
            left[person] = False
    person = rng.choice(sorted(world.at))
    room, fact = world.at[person]
    elsewhere = not left[person] and rng.random() < 0.4
    asked = rng.choice([other for other in PLACES if other != room]) if elsewhere else room
    answer = "no" if left[person] or asked != room else "yes"
    return _told(world, f"Is {person} in the {asked}?", answer, (fact,), ("no", "yes"))


def _perhaps(rng: Random) -> Story | None:
    facts, known = list[str](), dict[str, tuple[tuple[str, ...], int]]()
    for place in range(rng.randint(2, 10)):
        person = rng.choice(PEOPLE)
        rooms = tuple(rng.sample(HALLS, rng.choice((1, 2))))
        where = f"in the {rooms[0]}" if len(rooms) == 1 else f"either in the {rooms[0]} or in the {rooms[1]}"
        facts.append(f"{person} is {where}.")
        known[person] = rooms, place
    person = rng.choice(sorted(known))
    rooms, place = known[person]
    asked = rng.choice(rooms) if rng.random() < 0.7 else rng.choice([hall for hall in HALLS if hall not in rooms])
    answer = "no" if asked not in rooms else "yes" if len(rooms) == 1 else "maybe"
    return Story(tuple(facts), f"Is {person} in the {asked}?", answer, (place,), ("maybe", "no", "yes"))


TELLS: Mapping[str, Tell] = {
    "qa1": _where,
    "qa2": _where_is_thing,
    "qa3": _where_was_thing,
    "qa4": _beside,
    "qa5": _given,
    "qa6": _whether,
    "qa7": partial(_carrying, names=False),
    "qa8": partial(_carrying, names=True),
    "qa9": _not_any_more,
    "qa10": _perhaps,
}


def story(kind: str, rng: Random) -> Story:
    """A story of a kind, drawn until its question has one answer."""
    for _ in range(_TRIES):
        found = TELLS[kind](rng)
        if found is not None:
            return found
    raise RuntimeError(f"no story of {kind} has a question with one answer")
