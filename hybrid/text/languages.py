"""The language of a question, its words that carry nothing, and the words that belong together: of one root, of like
meaning, or one letter apart. Texts are compared folded, without accents (`hybrid.text.words.fold`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

from hybrid.text.words import HANGUL, HIRAGANA, STOP, THAI, UNSPACED, WORD, stem

# Words that carry nothing, by language, without accents; a question is in the language with the most of its words.
_STOP_BY_LANGUAGE = {
    "en": " ".join((*STOP, "per")),
    "de": """ab aber alle als am an auch auf aus bei bin bis das dass dem den denn der des die dies diese dieser dieses
        doch du durch ein eine einem einen einer eines er es fur gibt hat hatte haben ich ihr ihre im in ist kann konnen
        darf durfen man mein mit muss mussen nach nicht noch nur ob oder seit sich sie sind so soll sollen uber um und
        uns unter vom von vor war waren was welche welchem welchen welcher welches wann warum wem wen wer werden wird
        wie wieso wir wird wo wohin wurde wurden zu zum zur hoch lang lange gross viel viele wieviel heisst""",
    "fr": """a au aux avec c ce ces cette combien comment d dans de des doit du elle elles en est et etait ete etre fait
        faut il ils j je l la le les leur lui m mais n ne nous on ont ou par pas peut pour pourquoi qu quand que quel
        quelle quelles quels qui quoi s sa se sera ses son sont sur t un une vous y""",
    "es": """a al como con cual cuales cuando cuanta cuantas cuanto cuantos de debe del desde donde e el ella ellos en
        es esta estan este fue ha han hay la las le les lo los no o para pero por porque puede que quien quienes se ser
        si sin sobre son su sus tiene un una unas uno unos y ya""",
    "it": """a ad ai al alla alle che chi ci come con cosa cui da dal dalla dei del della delle dello di dove e ed era
        fa gli ha hanno i il in la le lo ma nei nel nella non o per perche puo quale quali quando quanta quante quanti
        quanto questo si sono su sua suo un una uno""",
    "pt": """a ao aos as como com da das de deve do dos e em esta foi ha na nas no nos o onde os ou para pela pelo pode
        por porque qual quais quando quanta quantas quanto quantos que quem se sao ser seu sua tem um uma""",
    "nl": """aan als bij dat de deze die dit door een en er heeft hebben het hij hoe hoeveel ik in is kan mag met moet
        naar niet of om op over te tot uit van voor waar waarom wanneer was wat welk welke werd wie wordt zal zijn""",
    "ru": """а бы был была были было быть в во где для до его ее если есть за и из или их к как какая какие каким каких
        какова каков какое какои какого какому каком когда кто куда ли между может можно на над не ни но о об он она они
        от по под почему при с сколько со так то у что чем чеи эта эти это этот я""",
    "ar": """ما ماذا من متى اين كم كيف لماذا هل في على الى عن هو هي هذا هذه التي الذي ان او و مع هناك كان كانت يكون
        تكون ذلك تم اي""",
}
STOP_WORDS = {name: frozenset(words.split()) for name, words in _STOP_BY_LANGUAGE.items()}
LANGUAGES = {  # names of the stemmers
    "de": "german", "fr": "french", "es": "spanish", "it": "italian", "pt": "portuguese", "nl": "dutch",
    "ru": "russian", "ar": "arabic",
}  # fmt: skip

# Words that only ask, in scripts without blanks; the longest come first.
_ASKING = re.compile(
    "请问|什么时候|为什么|是多少|有多少|是什么|有什么|是谁|在哪里|在哪儿|哪里|哪儿|哪个|哪些|哪天|哪位|怎么样|怎么|如何|"
    "多少|什么|是否|可以|能否|何时|为何|何处|吗|呢|的|了|谁|"
    "請問|什麼時候|為什麼|是什麼|什麼|哪裡|嗎|誰|"
    "でしょうか|ましたか|ますか|ですか|できますか|ありますか|何ですか|いくらですか|について|どのくらい|どれくらい|"
    "どのような|どのように|なぜ|どうして|どこ|いつ|だれ|どなた|何時|何人|何日|何年|何月|何曜日|何|いくら|いくつ|どの|どれ|"
    "입니까|습니까|합니까|됩니까|인가요|나요|까요|은가요|무엇|언제|어디서|어디에|어디|누구|누가|얼마나|얼마|어떻게|어떤|"
    "왜|몇|อะไร|เมื่อไหร่|เมื่อไร|ที่ไหน|ใคร|ทำไม|เท่าไหร่|เท่าไร|กี่|อย่างไร|ไหม"
)
# Particles at the end of a Korean word, and Japanese ones, which stand alone between other scripts
_PARTICLE = re.compile(
    rf"(?<=[{HANGUL}]{{2}})(?:에서는|에게서|으로는|에서|에게|까지|부터|으로|이나|과의|와의|은|는|이|가|을|를|의|에|로|와|과|도|만)(?![{HANGUL}])"
    rf"|(?<![{HIRAGANA}])(?:[はがをにでとものへや]|から|まで|より|には|では|とは|での|への|する|した|して|される|された|され|さ|し)(?![{HIRAGANA}])"
)
_CJK = re.compile(f"[{UNSPACED}]")


def without_asking(text: str) -> str:
    """A question without the words that only ask or bind, in scripts without blanks; in all others as it is."""
    return _PARTICLE.sub(" ", _ASKING.sub(" ", text)) if _CJK.search(text) else text


@lru_cache(maxsize=1000)
def language_of(question: str) -> str:
    """A key of STOP_WORDS, "en" where no other fits better; "zh" stands for all scripts without blanks."""
    if _CJK.search(question):
        return "zh"
    words = [word.lower() for word in WORD.findall(question)]
    counts = {name: sum(word in stop for word in words) for name, stop in STOP_WORDS.items()}
    return max(counts, key=lambda name: (counts[name], name == "en"))


_SCRIPT = re.compile(rf"[{UNSPACED}{THAI}\u0370-\u1cff]")


def weakly_embedded(question: str) -> bool:
    """Whether the question is mostly in a script for which a small English model's cosines tell little."""
    letters = sum(char.isalpha() for char in question)
    return letters > 0 and 2 * len(_SCRIPT.findall(question)) > letters


_ENDINGS = tuple("ization isation ation ition ment ness anc enc abl ibl ion iv at al i".split())
# Endings of English stems; not -er, -or and -ee: an employer is no employee
_LEFT = {"ment": 3, "abl": 3}  # letters that have to be left, 4 for all others
_SHORTEST, _LONG = 5, 9  # letters of a word that may be misspelt, in one place, and in two

# Verbs that change within, each with its forms.
_VERBS = """
begin began begun; build built; buy bought; choose chose chosen; come came; do did done; draw drew drawn; drive drove
driven; fall fell fallen; find found; fly flew flown; forbid forbade forbidden; get got; give gave given; go went gone;
hold held; keep kept; know knew known; lead led; leave left; lose lost; make made; mean meant; meet met; pay paid; read;
rise rose risen; run ran; say said; sell sold; send sent; sing sang sung; speak spoke spoken; spend spent; stand stood;
steal stole stolen; take took taken; teach taught; tell told; think thought; throw threw thrown; wear wore worn;
win won; write wrote written; child children; man men; woman women; person people; mouse mice; foot feet; life lives;
lend lent; repay repaid; bring brought; hang hung; feed fed; break broke broken; eat ate eaten; drink drank drunk;
swim swam swum; shelf shelves; knife knives; half halves; tooth teeth
"""
# A word that people ask with, and what documents say instead.
_LIKE = """
heavy weight weigh; weigh weight heavy; weight weigh heavy; tall high height; deep depth; wide width; long length
duration; old age; big size large; hot temperature; cost price fee charge euros dollars pounds; earn salary wage pay;
phone telephone tel; buy purchase; end expire finish; begin start commence; allowed permitted may forbidden prohibited
welcome; forbidden prohibited allowed; permitted allowed welcome; absent apologies excused; boss manager head; manager
reports; open since founded established; founded since opened established; job role position; doctor physician; car
vehicle; shop store; repair fix; holiday vacation leave; live reside; email mail; birthday born; hold capacity
contain; rent lease; apply govern; lawyer attorney counsel; company firm ltd gmbh inc; bill invoice; fast speed;
broken defective; often frequency every; pay accept take; leave depart departure; arrive arrival;
"""
# Words that may stand for each other.
_SAME = """
cap limit limited maximum ceiling; cancel terminate; penalty fine; warranty guarantee guaranteed; wifi wireless
internet; late overdue; kid child; chair chairman chairwoman chairperson preside; ceo executive; password passcode;
refund reimburse repay; deliver ship; supplier vendor seller; customer client buyer; luggage baggage; employee staff
worker; elevator lift; flat apartment; kilometre kilometer km mileage; kilogram kilo kg; litre liter; gram g; metre
meter m; complain complaint; garbage rubbish waste; lorry truck; movie film;
"""


def _groups(text: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for group in text.split(";"):
        words = tuple(group.split())
        for word in words:
            found[word] = tuple(other for other in words if other != word)
    return found


_FORMS = _groups(_VERBS)
_ASKED = {group.split()[0]: tuple(group.split()[1:]) for group in _LIKE.split(";") if group.split()}
_ALIKE = _groups(_SAME)
_SAID = {word: (*_ASKED.get(word, ()), *_ALIKE.get(word, ())) for word in (*_ASKED, *_ALIKE)}


def kin(word: str) -> list[tuple[str, float]]:
    """English words that may stand for a word in lower case, with what they count: its other forms 1, others less."""
    own = _FORMS.get(word) or _FORMS.get(stem(word), ())
    said = [other for each in dict.fromkeys((word, stem(word), *own)) for other in _SAID.get(each, ())]
    return [*((other, 1.0) for other in own), *((other, 0.6) for other in said)]


def agents(word: str) -> tuple[str, ...]:
    """Stems of the words for whoever does what an English verb says: "teacher" for "teaches"."""
    base = (_FORMS[word][0] if word in _FORMS else stem(word)).rstrip("ei")
    return tuple(stem(base + ending) for ending in ("er", "or", base[-1:] + "er", "ier"))


@lru_cache(maxsize=100_000)
def root(word: str, language: str = "en") -> str:
    """The part of a word in lower case that words made of it share: "deliver" for delivery and delivered, "termin" for
    terminate and termination."""
    if language in LANGUAGES:
        return str(_stemmer(LANGUAGES[language]).stemWord(word))
    if language != "en":
        return word
    base = stem(word)
    for ending in _ENDINGS:
        if base.endswith(ending) and len(base) - len(ending) >= _LEFT.get(ending, 4):
            return base.removesuffix(ending)
    return base


def expanded(question: str, texts: Sequence[str]) -> str:
    """A question with an abbreviation in the words of the texts, or words in their abbreviation: "value added tax" for
    "VAT"."""
    for short in dict.fromkeys(re.findall(r"\b[A-Z]{2,5}\b", question)):
        if not _stands(short, texts):
            long = r"[\s-]+(?:(?:of|and|the|for)\s+)?".join(rf"{letter}\w+" for letter in short)
            spelled = re.compile(rf"\b{long}\b", re.IGNORECASE if len(short) > 2 else 0)
            found = next((match.group() for text in texts if (match := spelled.search(text))), "")
            question = re.sub(rf"\b{short}\b", found or short, question)
    words = re.findall(r"\w+", question)
    for size in (5, 4, 3):
        for run in zip(*(words[at:] for at in range(size)), strict=False):
            short = "".join(word[0] for word in run).upper()
            if not STOP & {word.lower() for word in run} and _stands(short, texts):
                return re.sub(r"\W+".join(run), short, question)
    return question


def _stands(word: str, texts: Sequence[str]) -> bool:
    """Whether a word stands in a text. Looking for its letters first is a hundred times as fast where it does not."""
    return any(word in text and re.search(rf"\b{re.escape(word)}\b", text) for text in texts)


@lru_cache(maxsize=16)
def _stemmer(name: str) -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer(name)


def near(word: str, among: Collection[str], most: int = 5) -> list[str]:
    """Words that differ from `word` by a letter left out, put in, changed or swapped with the next; by two from nine
    letters on. The nearest first; none for a word of fewer than five letters."""
    if len(word) < _SHORTEST:
        return []
    reach = 2 if len(word) >= _LONG else 1
    found = [
        (distance, other)
        for other in among
        if abs(len(other) - len(word)) <= reach and (distance := _distance(word, other, reach)) <= reach
    ]
    return [other for _, other in sorted(found)[:most]]


def _distance(a: str, b: str, most: int) -> int:
    """Edits between two words (Damerau's, without edits inside a swapped pair); more than `most` is not counted on."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, before, row = before, row, [i] + [0] * len(b)
        for j, y in enumerate(b, 1):
            row[j] = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and y == a[i - 2]:
                row[j] = min(row[j], last[j - 2] + 1)
        if min(row) > most:
            return most + 1
    return row[-1]
