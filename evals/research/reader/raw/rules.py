"""Questions made from sentences by rules: (question, answer) with the answer standing in the sentence."""
import random, re

MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
DATE = rf"(?:(?:{MONTHS}) \d{{1,2}}, \d{{4}}|\d{{1,2}} (?:{MONTHS}),? \d{{4}}|(?:{MONTHS}) \d{{4}}|1[0-9]{{3}}|20[0-2][0-9])"
MONEY = r"(?:US)?[$£€] ?\d[\d,]*(?:\.\d+)?(?: (?:million|billion|thousand|trillion))?"
NUM = r"(?:\d[\d,]*(?:\.\d+)?|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|hundred)"
NAME = r"[A-Z][\w’'\-]+(?: (?:(?:of|de|von|van|the|du|la) )?[A-Z][\w’'\-.]*\w)*"
STOPW = set("The This That These Those It He She They We You I In On At But And Or So If When While For From With As After Before There Here His Her Its Their Our My Your What Who Where Why How Which To By Of Not No Yes A An All Some One Each Such Other Most Many Both Since Because Although Though However Then Now Thus Table Figure Chapter Section Let Oh Well Even Only Also During Under Upon Into Once Until Perhaps Never Nor Yet Still Just Our Any Every Another Few Several More Much Very Ah Mr Mrs Dr Miss Sir Okay Yeah Um Uh".split())
IRR = dict(x.split(":") for x in "began:begin became:become bought:buy built:build brought:bring broke:break came:come caught:catch chose:choose drew:draw drove:drive fell:fall felt:feel fought:fight found:find flew:fly forgot:forget gave:give went:go grew:grow had:have heard:hear held:hold kept:keep knew:know laid:lay led:lead left:leave lent:lend lost:lose made:make meant:mean met:meet paid:pay ran:run rose:rise said:say saw:see sold:sell sent:send shook:shake sang:sing sat:sit slept:sleep spoke:speak spent:spend stood:stand stole:steal swam:swim took:take taught:teach told:tell thought:think threw:throw understood:understand wore:wear won:win wrote:write got:get hid:hide rode:ride woke:wake struck:strike sought:seek".split())
PART = r"\w+(?:ed|wn|en|ung)|built|held|made|found|won|led|set|sold|born|bought|paid|sent|met|put|cut|lost|left|kept|told|taught|brought|caught"


def base(v):
    if v in IRR: return IRR[v]
    if not v.endswith("ed") or len(v) < 5 or v in ("indeed", "hundred", "need", "speed", "exceed", "proceed"): return None
    s = v[:-2]
    if s.endswith("i"): return s[:-1] + "y"
    if len(s) > 2 and s[-1] == s[-2] and s[-1] in "bdgmnprt": return s[:-1]
    if s.endswith(("at", "iz", "is", "us", "v", "c", "u", "rg", "ng", "dg", "bl", "pl", "tl", "gl", "dl", "fl", "ir", "ur", "or", "as", "os", "s")) and not s.endswith(("ss", "eat", "oat", "avoid", "ring", "ong", "ing", "air", "oir", "our", "oor", "ess")): return s + "e"
    if re.search(r"[^aeiou][aiou][kmnptd]$", s) and len(s) <= 5: return s + "e"
    return s


def low(s):
    w = s.split(" ", 1)
    return w[0].lower() + (" " + w[1] if len(w) > 1 else "") if w[0] in ("The", "A", "An", "His", "Her", "Their", "Its", "This", "These", "Our", "My", "Your", "Some", "Most", "Many", "All", "Both", "Two", "Three") else s


PRON = re.compile(r"^(?:it|he|she|they|this|that|these|those|which|who|we|i|you|there|what|such|and|but|or|as|if|when|while|because|not|then|in|on|at|although|though|since|after|before|for|with|by|from|to|of|however|how|why|thus|one|also|where|here|during|under|upon|whether|until|so|nor|yet|both|each|either|an? (?:few|lot)|some|many|now|once|even|only)\b", re.I)
def ok(s): return 3 <= len(s) <= 90 and s[0].isupper() and not re.search(r"\b(?:the|an?|of|in|to|and|this|that|it|he|she|they|we|there|i|not|for|is|was|are|were|be|my|his|her|their|our)$", s, re.I) and not re.search(r"\b(?:it|he|she|they|we|I|is|was|were|are|has|had|have|can|will|do|did)\b", s) and not PRON.match(s) and not re.search(r"\b(?:which|that|who|and|but|when|if)$|[;:(\"“]", s)


def questions(s, names=frozenset(), who=True):
    """Of one sentence."""
    out = []
    C = random.choice
    body = s.rstrip(".!?”\" ")
    m = re.match(rf"^(?:In {DATE}, )?(?P<s>[^,;()]{{3,80}}?) (?P<w>was|were) (?P<a>\w+ly )?(?P<v>{PART}) (?P<r>[^,;]{{0,80}}?)\b(?:in|on) (?P<d>{DATE})\b", body)
    if m and ok(m["s"]):
        S, r = low(m["s"]), (" " + m["r"].strip()).rstrip()
        out.append((C([f"When {m['w']} {S} {m['v']}{r}?", f"In what year {m['w']} {S} {m['v']}{r}?" if m["d"].isdigit() else f"On what date {m['w']} {S} {m['v']}{r}?"]), m["d"]))
        out.append((f"What {'was' if m['w'] == 'was' else 'were'} {m['v']}{r} in {m['d']}?" if not who else f"Who or what {m['w']} {m['v']}{r} in {m['d']}?", m["s"]))
    m = re.match(rf"^(?P<s>[^,;()]{{3,60}}?) (?P<v>\w+) (?P<r>[^,;]{{3,80}}?)\b(?:in|on) (?P<d>{DATE})\b", body)
    if m and ok(m["s"]) and base(m["v"]):
        out.append((f"When did {low(m['s'])} {base(m['v'])} {m['r'].strip()}?", m["d"]))
    m = re.match(rf"^In (?P<d>{DATE}), (?P<s>[^,;()]{{3,60}}?) (?P<v>\w+) (?P<r>[^,;]{{3,80}})", body)
    if m and ok(m["s"]):
        if base(m["v"]): out.append((C([f"When did {low(m['s'])} {base(m['v'])} {m['r'].strip()}?", f"What did {low(m['s'])} do in {m['d']}?|{m['v']} {m['r']}"]), m["d"]))
        elif m["v"] in ("was", "were"): out.append((f"When {m['v']} {low(m['s'])} {m['r'].strip()}?", m["d"]))
    m = re.match(rf"^(?P<s>{NAME}) (?P<v>\w+|was|is|has) (?P<r>[^,;:()\"“]{{8,90}})", body)
    if m and m["s"].split()[0] not in STOPW and ok(m["s"]) and (" " in m["s"] or m["s"] in names):
        if base(m["v"]) or m["v"] in ("was", "is", "has"):
            w = "Who" if who else C(["Who", "What", "Who or what"])
            out.append((f"{w} {m['v']} {m['r'].strip()}?", m["s"]))
        if base(m["v"]) and m["v"] != "had" and len(m["r"].split()) >= 3:
            out.append((f"What did {m['s']} {base(m['v'])}?", m["r"].strip()))
    m = re.match(r"^(?P<s>[^,;()]{3,60}?) (?P<w>is|was|are|were) (?P<o>(?:an?|the|one of the) [^,;:()\"“]{4,90})(?=[;:(]|$|, (?:which|who|where|an?|the|located|known|with|and|but|as|in|on|from|that)\b)", body)
    if m and ok(m["s"]):
        nm = re.fullmatch(NAME, m["s"]) and m["s"].split()[0] not in STOPW
        out.append((f"{'Who' if who and nm and m['w'] in ('is', 'was') else 'What'} {m['w']} {low(m['s'])}?", m["o"].strip()))
        out.append((C([f"What {m['w']} {m['o'].strip()}?", f"Who or what {m['w']} {m['o'].strip()}?"]), m["s"]))
    m = re.match(rf"^(?P<s>[^,;()]{{3,60}}?) (?P<v>has|had|have|contains?|includes?|employs?|receive[sd]?|reported|issued|owns?|owned|purchased|requires?|spent|lost|sold|paid) (?:about |approximately |over |at least |up to |around |a total of |more than |only )?(?P<n>{NUM}) (?P<o>[a-z][\w\-]+(?: [a-z][\w\-]+)?)", body)
    if m and ok(m["s"]):
        v = m["v"]
        aux, b = ("did", base(v) or v) if v in ("had", "received", "reported", "issued", "owned", "purchased", "spent", "lost", "sold", "paid") else ("do" if v == "have" else "does", {"has": "have"}.get(v, v.rstrip("s")))
        out.append((f"How many {m['o']} {aux} {low(m['s'])} {b}?", m["n"]))
    m = re.search(rf"^(?P<s>[^,;()]{{4,90}}?) (?P<w>was|were|is|are|of|totaled|totalled|amounted to|equals|reached) (?:approximately |about )?(?P<d>{MONEY}|\d[\d.,]*\s?%)", body)
    if m and ok(m["s"]) and not re.search(r"\b(?:was|were|is|are|be|been|paid|will|shall|that|has|have|had|to)\b", m["s"]):
        out.append((C([f"What {'were' if m['w'] in ('were', 'are') else 'was'} {low(m['s'])}?", f"How much {'were' if m['w'] in ('were', 'are') else 'was'} {low(m['s'])}?", f"What amount is given for {low(m['s'])}?"]), m["d"]))
    m = re.match(rf"^(?P<s>[^,;()]{{3,70}}?) (?P<w>was|were|is|are) (?P<v>located|situated|born|built|founded|held|established|published|signed|incorporated|based|headquartered|found|raised|buried|educated|filmed) (?:in|at) (?P<d>(?:the )?{NAME}(?:, {NAME})?)", body)
    if m and ok(m["s"]) and not re.match(MONTHS, m["d"]):
        out.append((C([f"Where {m['w']} {low(m['s'])} {m['v']}?", f"In which place {m['w']} {low(m['s'])} {m['v']}?"]), m["d"]))
    m = re.match(rf"^(?P<s>[^,;()]{{3,70}}?) (?P<w>was|were|is|are) (?P<v>{PART}) by (?P<d>[^,;:()\"“]{{3,60}})", body)
    if m and ok(m["s"]):
        d = re.match(rf"(?:the )?{NAME}", m["d"])
        d = d.group() if d else m["d"].strip()
        out.append((C([f"By whom {m['w']} {low(m['s'])} {m['v']}?", f"Who {m['v']} {low(m['s'])}?" if not m["v"].endswith(("wn", "en")) else f"Who or what {m['w']} {low(m['s'])} {m['v']} by?"]), d))
    m = re.match(r"^(?P<s>[^,;()]{3,60}?) (?P<v>\w+|was [\w ]{2,30}?) (?P<r>[^;]{0,90}?),? because (?P<d>(?!of\b)[^;]{8,120})", body)
    if m and ok(m["s"]):
        if base(m["v"]): out.append((f"Why did {low(m['s'])} {base(m['v'])} {m['r'].strip()}?".replace(" ?", "?"), "because " + m["d"]))
        elif m["v"].startswith("was "): out.append((f"Why was {low(m['s'])} {m['v'][4:]} {m['r'].strip()}?".replace(" ?", "?"), "because " + m["d"]))
    for m in re.finditer(r"(?P<l>(?:[A-Z][\w-]+ (?:of |and |for |the )?){1,5}[A-Z]?[\w-]+) \((?P<a>[A-Z]{2,6})s?\)", s):
        ini = "".join(w[0] for w in re.split(r"[ -]", m["l"]) if w[0].isupper())
        if ini.endswith(m["a"]):
            w = m["l"].split()
            while "".join(x[0] for x in re.split(r"[ -]", " ".join(w)) if x[0].isupper()) != m["a"] and len(w) > 1: w = w[1:]
            out.append((C([f"What does {m['a']} stand for?", f"What is {m['a']} short for?", f"What is the meaning of {m['a']}?"]), " ".join(w)))
            out.append((f"What is the abbreviation of {' '.join(w)}?", m["a"]))
    m = re.search(r"[“\"](?P<q>[^”\"]{15,120})[,.!?][”\"] (?:said|asked|replied|cried|answered|whispered|shouted|exclaimed) (?P<n>(?:the )?(?:Mrs?\. |Dr\. |Miss )?[A-Z]?[\w]+(?: [A-Z][\w’']+)*)", s)
    if m and m["n"].lower() not in ("he", "she", "i", "they", "it", "the", "the two", "mr", "mrs", "we", "you", "one", "his", "her", "with", "in", "as", "to", "another") and random.random() < .3:
        out.append((C([f"Who said “{m['q']}”?", f"Who says: \"{m['q']}\"?"]), m["n"]))
    m = re.match(r"^[“\"](?P<t>[A-Z][\w \-]{2,40})[”\"] (?:means|shall mean|refers to) (?P<d>[^;]{6,150})", body)
    if m: out += [(C([f"What does “{m['t']}” mean?", f"How is \"{m['t']}\" defined?", f"What is meant by {m['t']}?"]), m["d"])] * 2
    fixed = []
    for q, a in out:
        if "|" in q: q, a = q.split("|", 1)
        q, a = " ".join(q.split()), " ".join(a.split()).strip(" ,;")
        if 2 <= len(a) <= 160 and 12 <= len(q) <= 220 and a.split()[0] not in ("It", "He", "She", "They", "This", "That"): fixed.append((q, a))
    return fixed


SPANS = [DATE, MONEY, r"\d[\d,.]*\s?(?:%|percent|per cent)", rf"(?<![\w.$,]){NUM}(?![\w,.]*\d)(?= [a-z])", rf"(?<=[a-z,] ){NAME}"]


def cloze(s):
    """A gap for a date, an amount, a number or a name."""
    kinds = SPANS[:]
    random.shuffle(kinds)
    for k in kinds:
        found = [m for m in re.finditer(k, s) if m.group().split()[0] not in STOPW and len(m.group()) < 50]
        if found:
            m = random.choice(found)
            left, right = s[: m.start()].split(" "), s[m.end():].split(" ")
            l = " ".join(left[-random.randint(4, 14):]); r = " ".join(right[: random.randint(3, 10)]).rstrip(" .")
            if len((l + r).split()) < 6: continue
            gap = random.choice(["____", "...", "[?]" if False else "___", "(blank)"])
            frag = f"{l}{gap}{r}"
            q = random.choice(['Fill in the gap: "{}"', 'What is missing in "{}"?', 'Complete from the text: "{}"', 'Which word or number stands at the gap in "{}"?', 'What belongs in the blank of "{}"?']).format(frag)
            return q, m.group()
    return None


SENT = re.compile(r"(?<=[.!?])[”\"’')]*\s+(?=[“\"‘'(]?[A-Z0-9])")
ABBR = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|St|Inc|Corp|Co|No|Ltd|vs|e\.g|i\.e|al|Fig|Eq|U\.S|Prof|Jr|[A-Z])\.$")
def sentences(t):
    out = []
    for s in SENT.split(t):
        if out and ABBR.search(out[-1]): out[-1] += " " + s
        else: out.append(s)
    return [" ".join(s.split()) for s in out]
