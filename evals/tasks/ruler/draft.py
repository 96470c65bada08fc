"""A sample of RULER before its length is known to fit, and the words of its keys: a list of our own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from random import Random

from hybrid.evals.sample import Value

NOISE = "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again."


@dataclass(frozen=True, slots=True)
class Draft:
    """How a sample would be at one size."""

    prompt: str
    prefix: str
    question: str
    documents: dict[str, str]
    golds: tuple[str, ...]
    ranges: tuple[tuple[str, int, int], ...] = ()
    group: str = ""
    about: dict[str, Value] = field(default_factory=dict)


Make = Callable[[Random, int], Draft]  # the draw of one sample, and the size of its haystack


ADJECTIVES = (
    "able amber ancient autumn bitter blue bold brave brief bright broad bronze busy calm careful central civil "
    "clean clever cold common cool coral crimson curious daily damp dark deep distant double dry eager early "
    "eastern easy empty equal even faint fair famous fast final fine firm flat fond foreign free fresh full gentle "
    "giant glad golden grand grateful gray great green happy hasty heavy hidden high hollow honest humble idle "
    "inner jolly keen kind large late lean light little local lonely loud loyal lucky merry mild modern narrow neat "
    "noble northern odd open orange outer pale patient plain polite proud pure purple quick quiet rapid rare ready "
    "rich rough round royal rustic safe sharp shy silent silver simple sleepy slow small smooth soft solid southern "
    "steady still stout strong sudden sunny sweet swift tall tame tender thick tidy tiny upper urban vast violet "
    "warm wary western wild wise wooden young"
).split()

NOUNS = (
    "acorn anchor apple apron arch arrow attic badge bakery bamboo banjo barn barrel basin basket beacon bell bench "
    "berry bicycle blanket boat bottle bowl branch bread brick bridge broom brush bucket button cabin cactus camel "
    "candle canoe canyon carpet castle cedar cellar chain chair cherry chimney church circle cliff clock cloud coat "
    "coin comet compass copper cottage cradle crane cricket crown curtain daisy dance desert diary door dragon drum "
    "eagle echo elbow engine fabric falcon farm feather fence ferry fiddle field flag flute forest fossil fountain "
    "fox garden gate ghost glacier glove goose grape guitar hammer harbour harp hat hawk hill honey horn horse "
    "island ivory jacket jar jewel kettle key kitchen kite ladder lake lamp lantern leaf lemon letter library lily "
    "lion locket magnet map maple marble market meadow melon mill mirror monkey moon mountain museum napkin needle "
    "nest oak oar ocean olive orchard otter oven owl paddle palace paper parrot path pebble pencil pepper piano "
    "pillow pine planet pocket pond pony poplar portrait potter prairie quilt rabbit raft railway rain raven ribbon "
    "river robin rocket rope saddle sail salmon sandal scarf school shell shepherd ship shovel sketch sleigh snow "
    "spoon spring squirrel stable staircase star station statue stone stove stream summit swan table teapot temple "
    "thistle thread thunder tiger timber tower trail train trumpet tulip tunnel turtle valley velvet village violin "
    "wagon walnut water wave wheel whistle willow window winter wolf wool yard zebra"
).split()


@cache
def _compounds() -> tuple[str, ...]:
    """Pairs of our nouns written as one word, in a fixed mixed order."""
    pairs = sorted({a + b for a in NOUNS for b in NOUNS if a != b} - {*ADJECTIVES, *NOUNS})
    return tuple(Random(0).sample(pairs, len(pairs)))


def vocabulary(n: int) -> list[str]:
    """`n` different words, or all: our list, and what it lacks as compounds of its nouns."""
    words = sorted({*ADJECTIVES, *NOUNS})
    return [*words, *_compounds()[: max(0, n - len(words))]]
