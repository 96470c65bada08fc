"""Whether a model's reply says that the documents do not answer.

A refusal speaks of the documents, or of what somebody can find in them: "The text does not mention it", "I cannot find
it". A correct negative speaks of the subject and is an answer: "Water is not available after 22:00". So is what a
contract does not grant or contain: "The contract does not include parking". A contract is silent only where it does not
say something, and whoever names a clause has read it. The sentence that the prompt asks for comes first; the rest is for
models that use words of their own, in their language. A reply that may be either is an answer: readers can judge a text
that they see.
"""

# ruff: noqa: E501 - a pattern is one line for each way of saying it

from __future__ import annotations

import re

from hybrid.chat.silence import ANY_DOCUMENT, SILENCE

ABSTAIN = "NOT IN THE DOCUMENTS"
LONGEST = 600  # characters of a refusal in a model's own words

_CITES = re.compile(r"[\[\u3010\u3014\uff3b]\s*(?:\^|text|source|passage|doc\w*)?\s*\d+", re.IGNORECASE)
_FRAME = re.compile(r"[*_`#>\"'“”„«»\u2018\u2019\s]+")  # Markdown and quotation marks around a reply
# Replies that only say that nothing is known, maybe after "Answer:"; a text in marks of code is a value
_LONE = re.compile(
    r"(?:(?:the )?answer(?: is)?|antwort|réponse|respuesta|risposta|resposta|antwoord|odpowiedź|ответ|答案|回答|cevap)?[\s:：]*"
    r"(?:[-\u2013\u2014]{1,3}|\?{1,3}|…|\.{3}|n/a|n\.\s?a|n/d|n\.\s?d|k\.\s?a|b\.\s?d|unknown|unclear|unspecified|undetermined|not known|"
    r"not (?:found|provided|given|listed|disclosed|available)|no (?:answer|data|idea)|unbekannt|unklar|nicht bekannt|inconnue?|"
    r"se desconoce|desconocid[oa]|sin (?:información|datos)|no disponible|sconosciut[oa]|non disponibile|desconhecid[oa]|"
    r"sem (?:informaç(?:ão|ões)|dados)|onbekend|nieznan[yae]|brak danych|неизвестно|нет данных|невідомо|bilinmiyor|未知|不详|"
    r"不明(?:です)?|미상|불명|غير (?:معروف|مذكور|محدد|متوفر)|अज्ञात)[.!。\s]*",
    re.IGNORECASE,
)
# A reply goes on and tells something: "does not mention a penalty, but clause 4 sets a deposit"
_YET = re.compile(
    r"[,;:]?\s*\b(?:but(?! not\b)|however|though|although|in fact|instead|aber|jedoch|mais|cependant|pero|sin embargo|però|tuttavia|mas|porém|"
    r"maar|echter|ale|jednak|но|однако|ancak|fakat|लेकिन),?\s+\S+\s+\S+\s+\S+"
    # or what follows from the silence: ", so it runs from month to month"
    r"|[,;:.\u2013\u2014]\s*(?:and |und |et |y |e |en )?(?:so|therefore|thus|hence|which means|meaning|also|daher|deshalb|"
    r"somit|folglich|donc|par conséquent|por lo que|por lo tanto|así que|por tanto|quindi|perciò|pertanto|dunque|portanto|"
    r"por isso|de modo que|logo|dus|daarom|więc|dlatego|поэтому|следовательно|bu nedenle|dolayısıyla|इसलिए)\b\s+\S+\s+\S+"
    r"|:\s*(?:it|they|he|she|we|you|the|this|es|er|sie|der|die|das|il|ils|elles?|le|la|les|el|los|las|lo|o|a|os|as|"
    r"het|de|hij|zij|ze)\s+\S+\s+\S+"
    # the same where no blanks part words, or where the word stands at the end of the first half
    r"|[，,。]\s*(?:因此|所以|故|但是?|不过|然而|ただし|しかし).{4}|(?:ため|ので|が|から)、.{4}|(?:므로|때문에|지만),?\s.{4}"
    r"|(?:\bلذلك|\bلذا|\bوبالتالي|\bو?لكن)\s+\S+\s+\S+",
    re.IGNORECASE,
)
_CORRECTS = re.compile(r"[.;]\s+(?:in fact|instead|rather), (?!no )", re.IGNORECASE)
# It is no answer that the documents speak of something near: "However, it does mention a deposit"
_NEAR = re.compile(
    r"however,? (?:\w+ ){0,3}(?:it|they|documents?|texts?|passages?|chunks?|excerpts?|paper|report) "
    r"(?:(?:do|does|also|only) )?(?:mention|state|discuss|describe|focus|cover|note|talk|refer|say|emphasize|highlight|provide|give)e?s?\b",
    re.IGNORECASE,
)
_FRONTED = re.compile(  # a reason that stands first: "As the lease names no end, it runs on"
    r"(?:because|since|as|given that|weil|da|comme|puisque|como|dado que|puesto que|poiché|siccome|uma vez que|aangezien|omdat|"
    r"ponieważ|skoro|поскольку|так как|由于|因为)\b",
    re.IGNORECASE,
)
_NO_MORE = re.compile(  # the silence again, as in ", so the answer is unknown", or advice where to look
    r"\b(?:unknown|unclear|no answer|no conclusion|not? (?:possible|known)|can(?:not|['\u2019]t)|impossible|unbekannt|"
    r"unklar|unmöglich|inconnu|desconocid[oa]|sconosciut[oa]|desconhecid[oa]|onbekend|onduidelijk|неизвестн\w*|bilinmiyor|"
    r"you (?:can|may|might|could|should|would) (?:want|need|wish|like|try|check|find|look|contact|consult|refer|ask|provide|share)|"
    r"i(?: can| could|['\u2019]d| would)? (?:help|assist|look|try|be|need|recommend|suggest)|please|feel free|"
    r"(?:do|does|did)(?:n['\u2019]t| not)|no (?:\w+ )?(?:mention|information|details?|indication)|"
    r"only (?:\w+ )?(?:cover|discuss|describe|mention|deal|talk|contain|provide|refer|relate|say|speak)\w*|"
    r"bitte|wenden sie|empfehle|veuillez|n['\u2019]hésitez|recommande|consulte[rz]?|contacte[rz]?|contactar|recomiendo|"
    r"sugiero|consiglio|contattare|recomendo|entre em contato|neem contact|proszę|skontakt\w*|рекомендую|обратитесь)\b|"
    r"不明|未知|建议|お問い合わせ|문의",
    re.IGNORECASE,
)
_SORRY = re.compile(  # a first sentence without a statement
    r"(?:(?:i(?:['\u2019]m| am) )?(?:very |so )?sorry|(?:my )?apologies|unfortunately|(?:es )?tut mir leid|entschuldigung|"
    r"(?:je suis )?désolée?|lo siento|mi dispiace|desculpe|sinto muito|het spijt me|przepraszam|przykro mi|извините|простите|"
    r"üzgünüm|عذرًا|क्षमा करें|(?:很)?抱歉|对不起|申し訳(?:ありません|ございません)|すみません|죄송합니다)\s*[.!。！।]\s*",
    re.IGNORECASE,
)
_SAYS_WHICH = re.compile(  # answers a question of yes or no
    r"(?:no|nein|non|não|nee|nie|нет|hayır|yes|ja|oui|sí|sì|sim|tak|да|evet)\s*[,;:\u2013\u2014-]|(?:不|不是|是的?|いいえ|はい|아니요|네|لا|"
    r"نعم|नहीं|हाँ)\s*[,，、،]",
    re.IGNORECASE,
)
# Whoever names a part of a document has read it, and tells what it leaves out
_PART = re.compile(
    r"(?:§+|\b(?:clauses?|sections?|articles?|paragraphs?|annex(?:es)?|schedules?|appendix|exhibits?|chapters?|recitals?|ziffer|"
    r"artikel|absatz|abschnitt|anhang|anlage|klausel|kapitel|annexe|cláusula|artículo|sección|anexo|clausola|articolo|"
    r"sezione|allegato|artigo|seção|bijlage|artykuł|załącznik|punkt|пункт|стать|раздел|приложени|madde|المادة|البند|धारा)\w*\.?)"
    r"\s*(?:no\.?\s*|nr\.?\s*)?(?:[\d٠-٩०-९]|(?-i:[IVX]+|[A-Z])\b)"
    r"|\b(?:final|last|first|second|third|opening|closing|preceding|letzten?|ersten?|dernier\w*|premi\w+|últim[oa]|primer[oa]?|"
    r"ultim[oa]|prim[oa]|laatste|eerste) (?:clause|section|article|paragraph|sentence|annex|chapter|recital|absatz|abschnitt|"
    r"klausel|satz|phrase|frase|cláusula|clausola|párrafo|paragrafo|parágrafo|alinea|alinéa)\w*"
    r"|第[\d一二三四五六七八九十]+[条章节節款項项]|제\s?\d+\s?[조항장]",
    re.IGNORECASE,
)
# Somebody else says so, or it is the reason or the case for a statement before it
_REPORTED = re.compile(
    r"(?<!\bi )(?<!\bwe )\b(?:(?:states?|says?|said|notes|reports|finds|found|concludes|(?:stat|not|report|conclud|explain|admitt|"
    r"claim|testifi|warn)ed|explains|claims|warns) that|(?:sagt|sagte|erklärt|erklärte|berichtet|angab|fest), dass|"
    r"(?:indique|dit|déclare|affirme|constate|conclut) qu|(?:indica|dice|dijo|afirma|señala|concluye|declaró) que|"
    r"(?:afferma|dichiara|conclude) che|(?:afirma|declara|conclui|diz) que|(?:zegt|zei|meldt|stelt|verklaart) dat|"
    r"(?:stwierdza|mówi|podaje), że|(?:указано|говорится|сообщает|утверждает), что)",
    re.IGNORECASE,
)
_REASON = re.compile(
    r"^(?!(?:i|we|ich|je|sorry|unfortunately|lo siento|mi dispiace|desculpe|niestety|к сожалению)\b)[^,]*\S\s+\S+, (?:but|although|though|aber|"
    r"mais|pero|ma|mas|maar|ale|но)\b|\S\s+\S+,?\s+(?:because|since|as (?:it|they|the|no)|weil|da|car|parce que|puisque|porque|ya que|puesto que|perché|poiché|pois|omdat|"
    r"want|ponieważ|bo|потому что|так как|поскольку|çünkü)\b|.{3}因为",
    re.IGNORECASE,
)
_CASE = re.compile(
    r"\S\s+\S+\s+(?:(?:if|unless|whenever|wenn|falls|sofern|jeśli|если)\b|when (?:\w+ ){1,2}(?:is|are|was|were|can)$)",
    re.IGNORECASE,
)
_RULE = re.compile(  # somebody must not tell it
    r"\b(?:(?:must|may|shall|should) (?:not|never) be|darf|dürfen|durften?|soll(?:en|te)?|doi(?:t|vent)|deben?|dev(?:e|ono|em)|mag|"
    r"mogen|nie (?:wolno|może|mogą|powinn\w+)|не должн\w*)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"“„«][^\"“”„«»]*$")  # somebody's own words
_ALONE = re.compile(r"\W*(?:\w+ ){0,2}unilateral", re.IGNORECASE)  # one side may not determine it


def abstains(reply: str) -> bool:
    """Whether a model's reply says that the documents do not answer.

    It does with the agreed sentence at its beginning, or anywhere if it is short; as "N/A" or the like; or if it is
    short, cites nothing, and refuses in its first sentence without going on to tell something.
    """
    flat = " ".join(reply.split())
    plain = _FRAME.sub(" ", flat).strip().upper()
    if not plain:
        return True
    if plain.startswith(ABSTAIN) or (ABSTAIN in plain and len(flat) < 4 * len(ABSTAIN)):
        return True
    if _LONE.fullmatch(re.sub(r"\s*\[\d+\]|[*_]{2}", "", flat)):
        return True
    if len(flat) >= LONGEST or _CITES.search(flat):
        return False
    said = _SORRY.sub("", flat.lstrip("*_\"' "))
    if not said:
        return True
    first = _first_sentence(said)
    found = SILENCE.search(first)
    if found is None or _tells(first, found, flat[: flat.index(first)]):
        return False
    return not _goes_on(said[found.end() :], fronted=_FRONTED.match(first) is not None)


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.!?])\s|(?<=[。！？])", text, maxsplit=1)[0]


def _tells(sentence: str, found: re.Match[str], lead: str) -> bool:
    """Whether a sentence with words of a refusal, behind the text `lead`, still tells something of the subject."""
    before, clause = sentence[: found.start()], re.split("[,;，]", sentence[: found.end()])[-1]
    of_subject = _SAYS_WHICH.match(sentence) or _PART.search(sentence) or _QUOTED.search(lead + before)
    if of_subject and not ANY_DOCUMENT.search(_PART.sub("", sentence)):
        return True
    if (
        _REPORTED.search(before)
        or _RULE.search(clause)
        or _ALONE.match(sentence[found.end() :])
        or _CASE.search(re.split("[,;]", before)[-1].rstrip())
    ):
        return True
    return _REASON.search(before) is not None and not _NO_MORE.search(before)


def _goes_on(rest: str, *, fronted: bool) -> bool:
    """Whether the text after a refusal tells something; `fronted`: that is a reason, and the main clause follows."""
    if _CORRECTS.search(rest):
        return True
    yet = _YET.search(rest) or (re.search(r",\s+\S+\s+\S+\s+\S+|，.{4}", rest) if fronted else None)
    if yet is None:
        return False
    after = _first_sentence(rest[yet.start() :].lstrip(" ."))
    return not (SILENCE.search(after) or _NO_MORE.search(after) or _NEAR.search(after))
