"""The language of a question, and its words that carry nothing. Texts are compared folded, without accents
(`hybrid.text.words.fold`)."""

from __future__ import annotations

import re
from functools import lru_cache

from hybrid.text.words import HANGUL, HIRAGANA, STOP, THAI, UNSPACED, WORD

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
