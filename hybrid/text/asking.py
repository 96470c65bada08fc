"""What a question asks for: the kind and the unit of the answer in the languages people use, and what such an answer
looks like; of an English one also what of a thing it asks for, and which texts have the opposite of that, or nobody who
did it. Texts are compared folded, without accents (`hybrid.text.words.fold`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from hybrid.text.words import HAN, HANGUL, KATAKANA, MONTHS, stem

_MONTHS_ELSEWHERE = (
    "januar|februar|marz|mai|juni|juli|oktober|dezember|janvier|fevrier|mars|avril|juin|juillet|aout|septembre|octobre|"
    "novembre|decembre|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre|gennaio|"
    "febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre|января|февраля|марта|апреля|мая|июня|июля|августа|"
    "сентября|октября|ноября|декабря|يناير|فبراير|مارس|ابريل|مايو|يونيو|يوليو|اغسطس|سبتمبر|اكتوبر|نوفمبر|ديسمبر"
)
NUMBER = (
    r"(?:\d[\d.,]*|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|twenty|thirty|forty|fifty|"
    r"sixty|seventy|eighty|ninety|hundred|thousand|million|billion|half|third|quarter|once|twice)\b)"
)
_NUMBER_ELSEWHERE = (
    r"|\b(?:zwei|drei|vier|funf|sechs|sieben|acht|neun|zehn|zwolf|deux|trois|quatre|cinq|sept|huit|neuf|dix|dos|tres|"
    r"cuatro|cinco|seis|siete|ocho|nueve|diez|due|tre|quattro|cinque|otto|dieci|twee|drie|vijf|два|две|три|четыре|пять|"
    r"шесть|семь|восемь|десять)\b|[一二三四五六七八九十百千两兩]+[个個名人年月日天円元回次本台冊件层階章周]"
)
_HOW_OFTEN = re.compile(r"\bhow (?:often|frequently|regularly)\b|\bwie oft\b|多久一次|何回", re.IGNORECASE)
_FREQUENCY = re.compile(
    rf"{NUMBER}|\b(?:hourly|daily|weekly|fortnightly|monthly|quarterly|yearly|annually|always|never|rarely|sometimes)\b|"
    r"\b(?:each|every|per) \w+|\b(?:taglich|wochentlich|monatlich|jahrlich)\b|每|毎",
    re.IGNORECASE,
)
_HOW_MANY = re.compile(
    r"\bhow (?:many|much) (?!(?:does|did|are|was|were|will|would|can|could|has|have|had|should|must|may|the)\b)"
    r"(\w{3,})",
    re.IGNORECASE,
)


def _kind(asked: str, elsewhere: str, answer: str, flags: int = re.IGNORECASE) -> tuple[re.Pattern[str], ...]:
    return re.compile(rf"\b(?:{asked})\b|{elsewhere}", re.IGNORECASE), re.compile(answer, flags)


# The kinds of answers: how a question asks for one, and what it looks like. The first that matches holds.
KINDS: dict[str, tuple[re.Pattern[str], ...]] = {
    "when": _kind(
        "when|(?:what|which) (?:year|date|day|month|century|decade|time)"
        "|wann|(?:welche[mnrs]?|an welchem|in welchem) (?:jahr|datum|tag|monat)|quand|quelle (?:date|annee|heure)|"
        "cuando|"
        "que (?:fecha|ano|dia|hora)|quando|(?:che|quale|qual) (?:data|giorno|ora|ano)|wanneer|когда|какого числа|"
        "в каком (?:году|месяце)|متى",
        "什[么麼]时候|什麼時候|何时|何時|哪一?[年天月日]|几[号点月]|日期|いつ|何[日年月曜]|언제|며칠|"
        "몇 ?[시년월일]|เมื่อไ",
        rf"\b(?:1\d|20)\d\d\b|\b(?:{MONTHS}|{_MONTHS_ELSEWHERE})\b|\b\d+(?:st|nd|rd|th)\b|\bcentur(?:y|ies)\b|"
        r"\d\d?:\d\d|\d ?[ap]\.m\.|"
        r"\d ?[年月日号時时点년월일시]|[月火水木金土日]曜|[周星期]+[一二三四五六日天]|[월화수목금토일]요일|"
        r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\b(?:20|1\d)\d\d-",
    ),
    "number": _kind(
        "how (?:many|much|long|far|old|tall|often|big|large|high|deep|fast|few|heavy|wide|thick|hot|cold|strong|soon)|"
        "percentage|number|amount|population|size|price|cost|age|rate|total"
        "|was kosten|was kostet|que cuestan?|quanto costa(?:no)?|quanto custam?|wat kosten?|сколько стоит"
        "|wie ?(?:viele?[nmrs]?|lang|lange|hoch|teuer|oft|weit|alt|gross|schwer|tief|breit|schnell)|combien|"
        "cuant[oa]s?|quant[oiae]s?|hoeveel|hoe (?:lang|hoog|oud|vaak|groot|zwaar)|сколько|"
        "как(?:ова|ов|ово)|кака[яи] (?:цена|сумма|стоимость)|كم",
        "多少|几[个個名天年人次]|多[长長大高重久远遠]|いくら|いくつ|何[人個円名件台冊本回階歳]|どのくらい|どれくらい|얼마|"
        "몇|เท่าไ|กี่",
        NUMBER + _NUMBER_ELSEWHERE,
    ),
    "why": _kind(
        "why|reason|cause|purpose|warum|weshalb|wieso|pourquoi|por que|perche|waarom|почему|зачем|لماذا",
        "为什么|為什麼|为何|なぜ|どうして|왜|ทำไม",
        r"\b(?:because|due to|so that|in order to|as a result|since|therefore|caus\w+|reason|result\w*|weil|wegen|"
        r"damit|parce que|car|afin|porque|debido|poiche|omdat|потому|так как|из-за|لان|بسبب)\b|因[为為]|由于|ため|ので|"
        r"때문|위해",
    ),
    "where": _kind(
        "where|(?:what|which) (?:city|country|state|place|town|county|continent|location|area)"
        "|wo|wohin|woher|in welche[mnr] (?:stadt|land|ort)|dans quelle? (?:ville|pays)|donde|en que (?:ciudad|pais)|"
        "dove|"
        "in quale (?:citta|paese)|onde|waar|где|куда|откуда|в каком (?:городе|месте)|اين",
        r"\bou (?=est|se|sont|peut|travaille|habite)|^ou\b|哪[里裡儿個个]|在哪|何处|どこ|어디|ที่ไหน",
        r"\b(?:[Ii]n|[Aa]t|[Nn]ear|[Ff]rom|[Tt]o|[Oo]f|[Oo]n|across|along|between|outside|im|am|bei|aus|nach|à|a|en|de|"
        r"dans|da|te|naar|в|на|из)"
        r" (?:(?:the|der|den|dem|la|le|el|il|los) )?[A-ZА-Я]|[在于於位]|で|に|에서|에 |"
        r"\b[Cc](?:ity|ountry): \S|\b[Tt]own: \S|\b[Pp]lace: \S|\b[Aa]ddress: \S|\bفي |\b\d{5}\b",
        0,
    ),
    "who": _kind(
        "who|whom|whose|(?:what|which) (?:person|man|woman|king|queen|president|actor|actress|singer)"
        "|wer|wem|wen|wessen|quien|quienes|chi|quem|кто|кому|кем|чеи",
        r"^(?:a |de |par |avec )?qui\b|^wie is\b|^من\b|谁|誰|哪位|だれ|どなた|누구|누가|ใคร",
        r"\b[A-ZА-Я][\w.'\u2019-]+(?: (?:[a-z]{1,3} )?[A-ZА-Я][\w.'\u2019-]+)+"
        r"|[^\W_](?:さん|氏|様|先生|女士|经理|씨|님)"
        rf"|[:：] ?[{HAN}{HANGUL}{KATAKANA}]{{2,5}}(?![{HAN}{HANGUL}])|[是为] ?[{HAN}]{{2,4}}|"
        "(?:السيد|الدكتور|المهندس)",
        0,
    ),
}


_MONEY = (
    r"[$€£¥₹]|(?<![a-z])(?:euros?|eur|dollars?|usd|pounds?|gbp|cents?|pence|yen|francs?|chf|rubles?|crowns?)(?![a-z])|"
    r"[元円원]"
)
# How a question asks for a unit, the units or signs of its answer, and words in the name of a column that gives it.
_UNITS = [
    [re.compile(pattern, re.IGNORECASE) for pattern in patterns]
    for patterns in (
        (r"\be-?mail\b", r"@", r"mail"),
        (r"\b(?:tele)?phone\b|\bhotline\b|\bfax\b", r"\d[\d /()-]{3,}\d", r"phone|tel|mobile|fax|hotline|extension"),
        (
            r"\bhow heavy\b|\bweigh|\bweight\b",
            r"\d ?(?:kg|g|kilos?|kilograms?|grams?|t|tons?|lbs?|pounds?|oz)\b",
            r"weight|mass|gewicht|\b(?:kg|g|t|tons?|tonnes?|lbs?|pounds?)\b",
        ),
        (
            r"\bhow (?:tall|high|deep|wide|far|thick|large|big) (?:is|are|was)\b|\b(?:height|depth|width)\b",
            r"\d ?(?:[cmk]?m2?|km2?|feet|foot|ft|inch(?:es)?|in|miles?|met(?:er|re)s?|kilomet\w+|centimet\w+|hectares?|"
            r"acres?)\b|[$€£%]",
            r"height|depth|width|length|size|area|distance|altitude|elevation|\b(?:[cmk]?m2?|feet|ft|miles?)\b",
        ),
        (r"\bhow hot\b|\btemperature\b", r"\d ?(?:°|degrees?|c\b|f\b|k\b)", r"temp|heat|°|\b[cf]\b"),
        (r"\b(?:percentage|per ?cent)\b", r"%|\bper ?cent", r"%|per ?cent|share|rate"),
        (
            r"\bcosts?\b|\bprice\b|\bearns?\b|\bsalary\b|\bhow much (?:is|are|was|were) (?:the|a|an) |"
            r"\bkosten?t?\b|\bcuestan?\b|\bcostano?\b|\bcoutent?\b|\bpreis\b|\bpa(?:y|id|ys)\b|\b(?:fee|rent|deposit|fine|balance|budget)\b",
            _MONEY,
            r"",  # prices stand in columns of any name
        ),
        (
            r"\bhow (?:long|soon)\b",
            rf"(?<!every )(?<!each )(?:{NUMBER})[ -]?(?:[a-z]+ )?(?:seconds?|minutes?|min|hours?|h|days?|weeks?|"
            r"months?|years?|s|[cmk]?m|feet|ft|inch(?:es)?|miles?|met(?:er|re)s?|pages?|words?|lines?)\b|\buntil\b",
            r"time|duration|dauer|length|long|term|period|until|\b(?:min(?:ute)?s?|h(?:ou)?rs?|h|days?|weeks?|months?|"
            r"years?|s|[cmk]?m|feet|ft|miles?|pages?|words?|lines?)\b|warranty|guarantee|notice",
        ),
    )
]


def how_many(question: str) -> bool:
    """Whether a folded question asks for the number of some things."""
    return re.match(r"\W*how many\b", question, re.IGNORECASE) is not None


def unit_of(question: str) -> re.Pattern[str] | None:
    """What the answer to a folded question should have beside a number; None where anything will do."""
    found = _of_unit(question)
    return found[1] if found else None


def column_of(question: str) -> re.Pattern[str] | None:
    """What the name of a column has whose numbers have that unit; None where anything will do."""
    found = _of_unit(question)
    return found[2] if found else None


def _of_unit(question: str) -> list[re.Pattern[str]]:
    if _HOW_OFTEN.search(question) or how_many(question):
        return []
    return next((unit for unit in _UNITS if unit[0].search(question)), [])


_ASKS_A_THING = re.compile(r"\W*(?:what|which|how)\b", re.IGNORECASE)
_EARLY = 8  # characters before a word that asks on its own


def kind_of(question: str) -> str | None:
    """The kind of answer that a folded question asks for, of KINDS; none where it asks whether something is so."""
    if whether(question) and not _ASKS_MORE.search(question):
        return None
    places = {name: match.start() for name, (asked, *_) in KINDS.items() if (match := asked.search(question))}
    if _ASKS_A_THING.match(question):  # "what happens when": a clause of time
        places = {name: at for name, at in places.items() if name == "number" or at < _EARLY}
    found = min(places, key=lambda name: places[name], default=None)
    return "number" if found is None and unit_of(question) is not None else found


_WHETHER = re.compile(
    r"\W*(?:is|are|was|were|can|may|must|do|does|did|has|have|should|will|would|could|ist|sind|war|waren|darf|durfen|kann|"
    r"konnen|muss|mussen|gibt es|hat|haben|est-ce|peut-on|y a-t-il|es|son|hay|puede|e|sono|c'e)\b",
    re.IGNORECASE,
)
_ASKS_MORE = re.compile(
    r"\b(?:who|whom|whose|when|where|why|how|what|which|wer|wann|wo|warum|wie|was|qui|quand|ou|quel\w*|combien)\b",
    re.IGNORECASE,
)


def whether(question: str) -> bool:
    """Whether a folded question begins with a verb that asks whether something is so."""
    return _WHETHER.match(question) is not None


def answer_of(kind: str, question: str) -> re.Pattern[str]:
    """The pattern of an answer to a question of that kind."""
    return _FREQUENCY if _HOW_OFTEN.search(question) else KINDS[kind][1]


def counted_in(question: str) -> str | None:
    """What is counted: "episodes" in "how many episodes"."""
    found = _HOW_MANY.search(question)
    return found.group(1) if found else None


# A question names these without saying anything of the thing: the number of a telephone is a telephone.
GENERAL = frozenset(
    """number numbers name names amount date time total value level kind type sort many much way thing things size
    length people person place day days long exact current maximum minimum open closed cost costs
    price pay paid given""".split()
)
ONLY_ASKING = frozenset("mean means meant called happens happen stand stands".split())
# People ask with these, and documents need not say them: the excess is 250 pounds, however "how high" it is.
LIGHT = frozenset(
    """one ones take takes place find belong get happen happens need high big large long much old good come exist
    located situated called named look want know give mean stand use used bring bought go goes held served mr mrs ms
    total exactly actually currently normally usually normal usual altogether overall single""".split()
)
VAGUE = frozenset(  # those of GENERAL that say little even beside others
    "number numbers name names amount total value level kind type sort way thing things current exact given".split()
)
_ASKED_OF = re.compile(
    r"\W*(?:what|which)\s+(?:(?:is|are|was|were)\s+(?:the\s+|an?\s+|its\s+|their\s+)?)?"
    r"(?!(?:do|does|did|has|have|will|would|can|could|must|should|may|happens)\b)(?P<thing>(?:[\w'\u2019-]+\s+){0,2}?[\w-]+)"
    r"(?=\s+(?:of|for|in|at|on|to|by|does|do|did|is|are|was|were|has|have|will|must|should|can|may|holds?|gives?|apply|"
    r"applies)\b|\W*$)",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\b\d{1,2} ?[-\u2013:] ?\d{1,2}\b|\d ?(?:am|pm|h|uhr|o'clock)\b|\d ?[ap]\.m\.|"
    r"\b(?:day|week|month|year|hour|morning|noon|night|evening|after|before|until|within|when|once|soon|immediately|"
    r"spring|summer|autumn|winter|tag|woche|monat|jahr|jour|mois|dia|mes)",
    re.IGNORECASE,
)
_VERBS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?:do|does|did|will|would|can|could|may|must|should)\b.*?\b([\w-]+)\W*$",
        r"\b(?:is|are|was|were|been|be)\b.*?\b([\w-]+(?:ed|en|t))\W*$",
        r"\b(?:which|what|who)\s+(?:[\w-]+\s+)?([\w-]+s)\b",
    )
)
_PASSIVE = re.compile(r"\b(?:is|are|was|were|been|be)\s+(?:(?:not|been|also|last|first|\w+ly)\s+)*(\w+(?:ed|en|t|n))\b")
_DATED = frozenset(f"{MONTHS}|monday|tuesday|wednesday|thursday|friday|saturday|sunday".split("|"))
_DONE = re.compile(r"\b(?:was|were)\b.*?\b([\w-]+(?:ed|en|t|n))\W*$", re.IGNORECASE)


def asked_of(question: str) -> str:
    """The attribute that a question asks for: "address" in "What is the address of the sauna?"; else empty."""
    found = _ASKED_OF.match(question)
    word, *before = found["thing"].lower().split()[::-1] if found else [""]
    if word in GENERAL and before and not before[0].endswith(("'s", "s'", "\u2019s")):
        return before[0] if before[0] not in GENERAL else ""
    more = re.match(r"\s+of\s+([\w-]+)\W*$", question[found.end() :]) if found and word in GENERAL else None
    return more[1].lower() if more else "" if word in GENERAL else word


def verbs_of(question: str) -> set[str]:
    """The words of a question, in lower case, that are likely its verbs."""
    return {match[1].lower() for pattern in _VERBS if (match := pattern.search(question)) is not None}


def tells_time(text: str) -> bool:
    """Whether a text says any time at all."""
    return _TIME.search(text) is not None


def done_in(question: str) -> str:
    """What was done, by a question: "founded" in "When was the club founded?"; else empty."""
    found = _DONE.search(question)
    return found[1].lower() if found else ""


def undone_by(text: str, terms: Collection[str]) -> bool:
    """Whether a text tells what was done and names nobody who did it: "The lift was inspected in May."

    Args:
        terms: stems of the question's words; one of them is what was done.
    """
    done = [m for m in _PASSIVE.finditer(text) if stem(m[1].lower()) in terms]
    if not done or re.search(r"\bby\b", text):
        return False
    named = re.findall(r"(?<![.!?:\n] )(?<!^)\b[A-Z]\w+", text)
    return all(word.lower() in _DATED or stem(word.lower()) in terms for word in named)


_OPPOSITES = [
    [re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for words in pair]
    for pair in (
        (
            "end(?:s|ed|ing)?|finish(?:es|ed)?|expires?|stop(?:s|ped)?|until|till",
            "start(?:s|ed|ing|_\\w+)?|begin(?:s|ning)?|began",
        ),
        ("clos(?:e|es|ed|ing)", "open(?:s|ed|ing)?"),
        ("arriv(?:e|es|ed|al)", "depart(?:s|ed|ure)?|leav(?:e|es)|left"),
        ("child(?:ren)?(?:'s)?|kids?", "adults?"),
        ("max(?:imum)?|at most", "min(?:imum)?|at least"),
        ("buy|purchase[sd]?|buying", "sell(?:s|ing)?|sold"),
        ("employees?", "employers?"),
    )
]
_CONTRASTS = [*_OPPOSITES, *(pair[::-1] for pair in _OPPOSITES)]


def contrasts(question: str, text: str) -> bool:
    """Whether a text has the opposite of what is asked, and not that: a start where the end is asked."""
    return any(
        asked.search(question) and not other.search(question) and other.search(text) and not asked.search(text)
        for asked, other in _CONTRASTS
    )


_WITH = re.compile(
    r"\b(?P<thing>(?i:agreement|contract|lease|licence|license|loan))\s+(?:with|between)\s+(?:the\s+)?"
    r"(?P<names>[A-Z][\w&.'-]*(?:(?:,\s+|\s+(?:and\s+)?)[A-Z][\w&.'-]*)*)"
)


def without_parties(question: str, texts: Sequence[str]) -> str:
    """A question on "the agreement with Latch Tools" without the names of its parties, where the texts have them."""
    found = _WITH.search(question)
    names = re.findall(r"[A-Z][\w&'-]*\w", found["names"]) if found is not None else []
    if found is None or not all(any(name in text for text in texts) for name in names):
        return question
    return question[: found.end("thing")] + question[found.end() :]


_WHICH_NAMED = re.compile(
    r"\W*(?:which|what)\s+(?:[\w-]+\s+){0,2}(?:compan(?:y|ies)|firms?|banks?|carriers?|insurers?|hotels?|airlines?|"
    r"vessels?|ships?|suppliers?|manufacturers?|brands?|makers?|schools?|universit(?:y|ies)|hospitals?|contractors?|"
    r"agenc(?:y|ies)|brokers?|software|programs?|shops?)\b",
    re.IGNORECASE,
)
_NAME_IN_TEXT = re.compile(r"(?<![.!?:\n] )(?<!^)(?<![\n|])\b[A-Z]\w+|\b[A-Z]\w+ [A-Z]\w+")


_ROLE = re.compile(  # of a contract
    r"The|Suppliers?|Buyers?|Sellers?|Employe[er]s?|Landlords?|Tenants?|Less(?:or|ee)|Licens(?:or|ee)|Contractor|Clients?|"
    r"Customers?|Purchasers?|Borrowers?|Lenders?|Providers?|Consultants?|Part(?:y|ies)|Company|Agreement|Contract"
)


def names_none(question: str, text: str, terms: Collection[str]) -> bool:
    """Whether a question asks which company, ship or the like, and a text has no name but those that the question has.

    Args:
        terms: stems of the question's words.
    """
    if not _WHICH_NAMED.match(question):
        return False
    words = [word for name in _NAME_IN_TEXT.findall(text) for word in name.split()]
    return all(
        word.lower() in _DATED or word.isupper() or _ROLE.fullmatch(word) or stem(word.lower()) in terms
        for word in words
    )


_SOMEBODY = re.compile(
    r"\b(?:we|i|you|our|your|they|he|she|us|me|everyone|everybody|nobody|anyone|landlord|tenant|owner|"
    r"manager|director|chair\w*|board|committee|council|staff|caretaker|treasurer|secretary|teachers?|part(?:y|ies)|"
    r"compan(?:y|ies)|firm|suppliers?|buyers?|sellers?|employe[er]s?|customers?|clients?|contractors?|users?|guests?|"
    r"members?|residents?|parents?|children|players?|adults?|people|persons?|men|women|pupils?|students?|patients?|"
    r"visitors?|passengers?|drivers?|operators?|technicians?|engineers?|admin\w*|inspectors?|doctors?|nurses?|lawyers?|"
    r"insurers?|lenders?|borrowers?|lessees?|lessors?|office|department|team|service|society|club|association|caller|"
    r"dealers?|agents?|representatives?|trustees?|shareholders?|authorit(?:y|ies)|police|court|president|minister|mayor)\b",
    re.IGNORECASE,
)


def names_nobody(text: str, terms: Collection[str]) -> bool:
    """Whether a text has neither a name nor somebody but those that the question has.

    Args:
        terms: stems of the question's words.
    """
    named = [*_NAME_IN_TEXT.findall(text), *(match.group() for match in _SOMEBODY.finditer(text))]
    words = [word.lower() for name in named for word in name.split()]
    return all(word in _DATED or stem(word) in terms for word in words)
