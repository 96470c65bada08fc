"""Kept in one piece, as it ran once for the adapter. Makes the training and evaluation sets: prompts of hybrid.chat.prompts through the model's chat template, as token ids."""
import ast, collections, glob, gzip, hashlib, json, os, random, re, sys
os.environ["TOKENIZERS_PARALLELISM"] = "false"
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import numpy as np
from tokenizers import Tokenizer
from transformers import AutoTokenizer
from hybrid.chat.prompts import Prompt
from hybrid.chat.refusals import ABSTAIN
from hybrid.types import Piece
import synth
from rules import cloze, questions, sentences, SPANS, STOPW

HERE, DATA = "./", os.environ["DATA"] + "/"  # the folder of the data's README
SCALE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
random.seed(20)
R, RI, U = random.choice, random.randint, random.random
def lines(f): return [json.loads(x) for x in gzip.open(DATA + f, "rt", encoding="utf-8")]
def norm(t): return re.sub(r"[^a-z0-9 ]", " ", t.lower()).split()
def odd(name): return int(hashlib.sha256(name.encode()).hexdigest(), 16) % 2 == 1

# ---- what is kept out
xq = json.load(gzip.open(DATA + "squad/xquad.en.json.gz", "rt"))["data"]
nqd = lines("leval/natural_question.dev.jsonl.gz")
legal = lines("leval/legal_contract_qa.dev.jsonl.gz")
held = set()
for t in [p["context"] for a in xq for p in a["paragraphs"]] + [d["input"] for d in nqd] + [d["input"] for d in legal]:
    w = norm(t)
    held.update(hash(tuple(w[i:i + 10])) for i in range(len(w) - 9))
heldq = {" ".join(norm(q["question"])) for a in xq for p in a["paragraphs"] for q in p["qas"]} | {" ".join(norm(q)) for d in nqd + legal for q in d["instructions"]}
def leaks(t):
    w = norm(t)
    return any(hash(tuple(w[i:i + 10])) in held for i in range(len(w) - 9))

# ---- text
def chunk(text, size):
    """Paragraphs gathered to about `size` characters; a long one is cut between sentences."""
    out, cur = [], ""
    for par in re.split(r"\n\s*\n", text):
        par = re.sub(r"[ \t]{3,}", "  ", par.strip())
        if not par: continue
        bits = [par] if len(par) < 1.6 * size else re.split(r"(?<=[.!?])\s+", par)
        for i, b in enumerate(bits):
            sep = "\n\n" if i == 0 else " "
            if cur and len(cur) + len(b) > size: out.append(cur); cur = b
            else: cur = cur + sep + b if cur else b
            while len(cur) > 2.5 * size: out.append(cur[:size]); cur = cur[size:]
    if cur: out.append(cur)
    return out

def turn(t): return t["speaker"] + ": " + re.sub(r" ([.,?!])", r"\1", t["content"])

docs = []  # name, kind, text
for f in ("lara/docs_32k.dev.jsonl.gz", "lara/docs_128k.dev.jsonl.gz"):
    for d in lines(f):
        if odd(d["file"]): continue
        docs.append((d["file"], d["type"], d["text"]))
laranames = {n for n, _, _ in docs}
print("lara docs for training", len(docs), sorted(laranames))
for d in lines("squality/squality_v1-3.dev.jsonl.gz"):
    docs.append((d["document"].strip().split("\n")[0].strip().lower().replace(" ", "_")[:40] + ".txt", "book", re.sub(r"\n +", "\n", d["document"])))
meetings = lines("qmsum/qmsum_val.jsonl.gz")
for i, d in enumerate(meetings):
    docs.append((f"meeting_{i:02d}.txt", "meeting", "\n\n".join(turn(t) for t in d["meeting_transcripts"])))
corp = {d["corpus_id"]: d["text"] for d in lines("chunking/corpora.dev.jsonl.gz")}
for k, t in corp.items(): docs.append((k + ".md", "wiki" if "wiki" in k else "meeting", t))
seen = set()
for f in sorted(glob.glob("/usr/share/doc/*/README*") + glob.glob("/usr/share/doc/*/*.txt") + glob.glob("/usr/share/doc/*/*.md") + glob.glob("/usr/share/doc/*/NEWS*") + glob.glob("/usr/share/doc/*/copyright")):
    try: t = (gzip.open(f, "rt") if f.endswith(".gz") else open(f)).read()
    except Exception: continue
    h = hash(t[:400])
    if len(t) < 1500 or h in seen or "\0" in t or (f.endswith("copyright") and U() > .15): continue
    seen.add(h); docs.append((f.split("/")[-2] + "_" + os.path.basename(f).removesuffix(".gz"), "manual", t[:60000]))
code = []
for f in sorted(glob.glob(os.path.dirname(os.__file__) + "/*.py") + glob.glob(os.path.dirname(os.__file__) + "/*/[a-z]*.py")):
    if "/test" in f or "site-packages" in f or "idlelib" in f or "lib2to3" in f: continue
    t = open(f, errors="replace").read()
    if 1500 < len(t) < 150000: code.append((os.path.basename(f), "code", t))
for d in json.load(gzip.open(DATA + "codeqa/codebase_chunks.json.gz", "rt")): code.append((d["doc_id"] + ".rs", "code", d["content"]))
docs = [(n, k, t) for n, k, t in docs if not leaks(t[:200000])] if False else docs
print("docs", len(docs), "code", len(code), "chars", sum(len(t) for _, _, t in docs), sum(len(t) for _, _, t in code))

nq = lines("litm/nq_open_oracle.dev.jsonl.gz")
n0 = len(nq)
nq = [d for d in nq if not leaks(d["ctxs"][0]["text"]) and " ".join(norm(d["question"])) not in heldq]
dis = {d["line"]: d["distractors"] for d in lines("litm/nq_open_distractors.dev.jsonl.gz")}
byline = {d["line"]: d for d in nq}
print("nq", n0, len(nq))

# ---- a sample: pieces, question, answer, task, evidence
out = []
def clean(t): return re.sub(r"\n{3,}", "\n\n", t).strip()
EXT = [".txt", ".md", ".pdf", ".html", ".docx", ""]
def title(t):
    r = U()
    if r < .4: return t
    return (re.sub(r"\W+", "_", t).strip("_").lower() if r < .8 else re.sub(r"\W+", "-", t)) + R(EXT)
def ask(q):
    q = q.strip()
    r = U()
    if r < .12: q = q.lower().rstrip("?")
    elif r < .18: q = q.rstrip("?")
    elif r < .24: q = R(["According to the text, ", "From the documents: ", "Please tell me: ", "Briefly: "]) + (q[0].lower() + q[1:] if q.split()[0] in ("What", "Who", "When", "Where", "How", "Which", "In", "Why", "On", "By") else q)
    elif not q.endswith(("?", '"', "”", ".")): q += "?"
    return q
def put(kind, pieces, question, answer, task="answer", evidence=()):
    out.append((kind, [Piece(*p) if isinstance(p, tuple) else p for p in pieces], question, answer, task, tuple(evidence)))
def mk(doc, text, heading=""): return Piece(doc, clean(text), 0, heading)
def place(gold, others):
    """The gold ones among the others, in any order; the numbers of the gold ones."""
    ps = [(g, i) for i, g in enumerate(gold)] + [(o, -1) for o in others]
    random.shuffle(ps)
    at = {i: n for n, (_, i) in enumerate(ps, 1) if i >= 0}
    return [p for p, _ in ps], [at[i] for i in range(len(gold))]
def count_k(lo=1, hi=9): return min(hi, max(lo, int(random.gauss(4.5, 2.3))))
def N(n): return int(n * SCALE)

# 1. Natural Questions
for d in nq:
    c = d["ctxs"][0]
    form = [a for a in d["answers"] if a.lower() in c["text"].lower()]
    if not form: continue
    ans = next((a for a in form if len(a.split()) <= 12), min(form, key=len))
    i = c["text"].lower().find(ans.lower()); ans = c["text"][i:i + len(ans)].strip()
    pool = [byline[x] for x in dis[d["line"]] if x in byline]
    for r in range(N(6) if SCALE >= 1 else (U() < SCALE * 6)):
        k = count_k(0, 8)
        other = random.sample(pool[: R([8, 20, 49])], min(k, 8)) if U() < .8 else random.sample(nq, k)
        other = [o for o in other if o is not d and ans.lower() not in o["ctxs"][0]["text"].lower()]
        absent = r % 6 == 5 or U() < .06
        ps, (n,) = place([mk(title(c["title"]), c["text"])], [mk(title(o["ctxs"][0]["title"]), o["ctxs"][0]["text"]) for o in other])
        q = d["question"] if U() < .5 else ask(cap(d["question"]) if False else d["question"][0].upper() + d["question"][1:])
        if absent:
            ps = [p for i, p in enumerate(ps, 1) if i != n]
            if ps: put("nq-absent", ps, q, ABSTAIN)
        else: put("nq", ps, q, f"{ans} [{n}]")
print(len(out))

# 2. multihop
for d in lines("multihop/multihop_demos.jsonl.gz"):
    a = d["answer"] if isinstance(d["answer"], str) else str(d["answer"])
    paras = [(p["title"], p["text"]) for p in d["paragraphs"] if not leaks(p["text"])]
    has = [p for p in paras if a.lower() in p[1].lower()]
    if not has or len(a) > 80: continue
    for r in range(N(6)):
        rest = random.sample([p for p in paras if p not in has[:1]], len(paras) - 1)[: RI(2, 9)] if r else [p for p in paras if p not in has[:1]]
        ps, (n,) = place([mk(title(has[0][0]), has[0][1])], [mk(title(t), x) for t, x in rest])
        put("multihop", ps, d["question"], f"{a} [{n}]")

# 3. records made up
def filler():
    n, k, t = R(docs)
    i = RI(0, max(0, len(t) - 900)); i = t.find("\n", i) + 1
    return mk(title(n.rsplit(".", 1)[0]), chunk(t[i:i + 1500], RI(250, 800))[0] if t[i:i + 1500].strip() else "Nothing.")
def shown(v, text):
    if v in text: return v
    return v[:1].upper() + v[1:] if v[:1].upper() + v[1:] in text else None
for _ in range(N(17000)):
    kind = R(list(synth.S)); r = U()
    n = R([1, 2, 2, 3, 3, 4, 5, 6, 8])
    recs, names = [], set()
    for _ in range(n):
        x = synth.Rec(kind, 4 if r < .17 else None)
        if x.name.lower() not in names: names.add(x.name.lower()); recs.append(x)
    t = R(recs); attrs = synth.S[kind][3]; label = {k: attrs[k][0] for k in attrs}
    docname = lambda: title(R([f"{t.noun} list", f"{t.noun} records {RI(1, 99)}", f"{R(synth.COA)} {t.noun}s", f"notes {RI(1, 300)}", f"report {RI(2001, 2025)}", t.name]))
    dn = docname()
    if r < .17 and len(recs) >= 2:  # one table
        shared = R(recs).have
        for x in recs: x.have = list(shared)
        big = synth.table(recs)
        key = R(shared)
        gold = mk(dn, big); others = [filler() for _ in range(RI(0, 3))]
        if U() < .2:
            ps, _ = place([gold], others)
            k2 = R(recs[0].lack) if U() < .5 else None
            put("table-absent", ps, ask(t.ask(k2) if k2 else synth.Rec(kind).ask(key)), ABSTAIN)
        elif U() < .3 and [x.val[key] for x in recs].count(t.val[key]) == 1:
            ps, (i,) = place([gold], others)
            put("table-rev", ps, ask(f"{synth.REVERSE[kind]} has the {label[key].lower()} {t.val[key]}?"), f"{shown(t.name, big)} [{i}]")
        else:
            ps, (i,) = place([gold], others)
            put("table", ps, ask(t.ask(key) if U() < .8 else f"{label[key]} of {t.name}?"), f"{t.val[key]} [{i}]")
        continue
    body = {}
    for x in recs:
        s = x.text()
        if U() < .25:
            f = filler().text; cut = sentences(f)[:RI(1, 3)]
            s = " ".join(cut) + ("\n" if U() < .5 else " ") + s if U() < .5 else s + " " + " ".join(cut)
        body[x.name] = s
    if U() < .3 and len(recs) > 1: groups = [recs[:len(recs) // 2], recs[len(recs) // 2:]]
    else: groups = [[x] for x in recs]
    sep = R(["\n\n", "\n", " "])
    same = U() < .6
    pieces = [(mk(dn if same else docname(), sep.join(body[x.name] for x in g)), g) for g in groups if g]
    more = [filler() for _ in range(R([0, 0, 1, 2, 4]))]
    order = [p for p, _ in pieces] + more; random.shuffle(order)
    where = {x.name: next(i for i, p in enumerate(order, 1) if p is q) for q, g in pieces for x in g}
    key = R(t.have); v = shown(t.val[key], body[t.name])
    if v is None: continue
    z = U(); w = where[t.name]
    if z < .13: put("syn-absent", order, ask(t.ask(R(t.lack))), ABSTAIN)
    elif z < .2:
        ghost = synth.Rec(kind)
        if ghost.name.lower() not in names: put("syn-absent", order, ask(ghost.ask(key)), ABSTAIN)
    elif z < .27 and len(t.have) > 1:
        k2 = R([k for k in t.have if k != key]); v2 = shown(t.val[k2], body[t.name])
        if v2: put("syn-two", order, ask(t.ask(key).rstrip("?") + " and " + (lambda q: q[0].lower() + q[1:])(t.ask(k2))), f"{v} and {v2} [{w}]")
    elif z < .34 and len(recs) > 1:
        o = R([x for x in recs if x is not t])
        keys = [k for k in synth.NUMERIC.get(kind, []) if k in t.have and k in o.have]
        if not keys: continue
        k = R(keys); num = lambda x: float(re.sub(r"[^\d.]", "", x.val[k]))
        if num(t) == num(o): continue
        tmpl, sign = R(synth.COMPARE[k]).split("|")
        a, b = (t, o) if U() < .5 else (o, t)
        win = (max if sign == "+" else min)((t, o), key=num)
        marks = f"[{w}]" if where[o.name] == w else f"[{where[win.name]}][{where[(o if win is t else t).name]}]"
        put("syn-compare", order, ask(tmpl.format(a=a.name, b=b.name)), f"{win.name} {marks}")
    elif z < .42 and sum(x.val[key] == t.val[key] and key in x.have for x in recs) == 1 and key not in ("children", "job", "color"):
        name = shown(t.name, body[t.name])
        if name: put("syn-rev", order, ask(f"{synth.REVERSE[kind]} has the {label[key].lower()} {t.val[key]}?" if U() < .7 else f"{synth.REVERSE[kind]}: {label[key].lower()} {t.val[key]}?"), f"{name} [{w}]")
    elif z < .5:
        q = t.ask(key); other = attrs[key][1]()
        if other == t.val[key]: continue
        two = [t.val[key], other]; random.shuffle(two)
        put("syn-choice", order, q.rstrip("?") + f", {two[0]} or {two[1]}?", f"{v} [{w}]")
    else: put("syn", order, ask(t.ask(key)), f"{v} [{w}]")
# which entity stands behind another: who founded the company of which ... is chief?
for _ in range(N(900)):
    c = synth.Rec("company"); p = synth.Rec("person"); kc = R(["founder", "ceo"])
    if kc not in c.have: c.have[0] = kc
    c.val[kc] = p.name
    kp = R(p.have); pt, ct = p.text(), c.text(); v = shown(p.val[kp], pt)
    if not v: continue
    role = {"founder": "founder", "ceo": "chief executive"}[kc]
    q = p.ask(kp).replace(p.name + "'s", f"the {role} of {c.name}'s" if False else f"{c.name}'s {role}'s").replace(p.name, f"the {role} of {c.name}")
    ps, (a, b) = place([mk(title("people"), pt), mk(title("companies"), ct)], [mk(title("people"), synth.Rec("person").text()) for _ in range(RI(0, 3))] + [filler() for _ in range(RI(0, 2))])
    put("syn-hop", ps, ask(q), f"{v} [{b}][{a}]")
# key-value lists
import uuid
rnd = lambda: str(uuid.UUID(int=random.getrandbits(128)))
for _ in range(N(900)):
    n = RI(4, 40); mkk = R([rnd, synth.code, synth.email, lambda: synth.code() + "-" + synth.code()]); mkv = R([rnd, synth.code, synth.money, synth.person, synth.phone, synth.date])
    kv = {mkk(): mkv() for _ in range(n)}
    k = R(list(kv)); f = R(['"{}": "{}"', "{} = {}", "{}: {}", "{}\t{}", "- {}: {}"])
    gone = U() < .15
    txt = "\n".join(f.format(a, b) for a, b in kv.items() if not (gone and a == k))
    ps, (i,) = place([mk(R(["settings.json", "keys.txt", "list.csv", "codes"]), txt)], [filler() for _ in range(R([0, 0, 1, 2]))])
    put("kv-absent" if gone else "kv", ps, R(["What is the value of {}?", "Which value belongs to {}?", 'What is stored under "{}"?', "Look up {}."]).format(k), ABSTAIN if gone else f"{kv[k]} [{i}]")
print("after synth", len(out))

# 4. rules over text
def doc_qas(name, kind, passages):
    caps = collections.Counter(w for p in passages for w in re.findall(r"(?<=[a-z,] )[A-Z][a-z]{2,}", p))
    names = {w for w, c in caps.items() if c > 1}
    res = []
    for i, p in enumerate(passages):
        for s in sentences(p):
            if not 35 < len(s) < 380 or s.count("|") > 2 or s.count("$") > 5 or "\\" in s: continue
            qa = questions(s, names, who=kind in ("book", "wiki", "meeting"))
            for q, a in qa: res.append((i, q, a, "rule"))
            if U() < (.1 if qa else .05):
                c = cloze(s)
                if c: res.append((i, *c, "cloze"))
        if kind == "meeting":
            for t in re.finditer(r"^([A-Z][\w .]{2,30}): (.{60,400})", p, re.M):
                if U() < .12:
                    bits = t[2].split(" "); j = RI(0, max(0, len(bits) - 12))
                    res.append((i, R(["Who said: “{}”?", "Which speaker says \"{}\"?", "Who is speaking in “{}”?"]).format(" ".join(bits[j:j + RI(7, 14)]).strip(" .,")), t[1], "speaker"))
        if kind == "financial":
            for t in re.finditer(r"^ *([A-Z][A-Za-z ,’'\-]{5,60}?) {2,}\$? *\(?([\d,]{3,})\)? {1,}\$? *\(?([\d,]{3,})\)? *$", p, re.M):
                res.append((i, R(["What two figures are given for {}?", "Which amounts stand in the line {}?"]).format(t[1].strip()), f"{t[2]} and {t[3]}", "line"))
    return res

def distract(passages, i, k, near):
    idx = [j for j in range(len(passages)) if j != i]
    if near: idx = sorted(idx, key=lambda j: abs(j - i))[: max(k, 12)]
    return random.sample(idx, min(k, len(idx)))
# Wikipedia passages of litm and multihop as one big book of small documents
wiki = [(d["ctxs"][0]["title"], d["ctxs"][0]["text"]) for d in nq] + [(p["title"], p["text"]) for d in lines("multihop/multihop_demos.jsonl.gz") for p in d["paragraphs"] if not leaks(p["text"])]
wiki = list({t: (n, t) for n, t in wiki}.values())
wtexts = [t for _, t in wiki]
wq = doc_qas("wiki", "wiki", wtexts)
print("wiki passages", len(wiki), "questions", len(wq), collections.Counter(x[3] for x in wq))
inv = collections.defaultdict(set)
for i, t in enumerate(wtexts):
    for w in set(norm(t)): inv[w].add(i)
def similar(q, i, k):
    sc = collections.Counter()
    for w in set(norm(q)):
        if 0 < len(inv[w]) < 250:
            for j in inv[w]: sc[j] += 1 / len(inv[w]) ** .5
    return [j for j, _ in sc.most_common(k + 8) if j != i][: k]
random.shuffle(wq)
cl = [x for x in wq if x[3] == "cloze"]; rl = [x for x in wq if x[3] != "cloze"]
for i, q, a, kind in (rl + cl[: len(rl) // 5])[: N(7000)]:
    k = count_k(0, 8); js = similar(q, i, k) if U() < .7 else random.sample(range(len(wiki)), k)
    js = [j for j in js if a.lower() not in wtexts[j].lower() or len(a) < 4]
    ps, (n,) = place([mk(title(wiki[i][0]), wtexts[i])], [mk(title(wiki[j][0]), wtexts[j]) for j in js])
    if U() < .2 and len(ps) > 1: put("wiki-absent", [p for m, p in enumerate(ps, 1) if m != n], ask(q), ABSTAIN)
    else: put("wiki-" + kind, ps, ask(q), f"{a} [{n}]")

longs, lara_split = [], {}
for name, kind, text in docs:
    text = re.sub(r"\r", "", text)
    size = RI(350, 1000)
    passages = [p for p in chunk(text, size) if not leaks(p)]
    if len(passages) < 3: continue
    qa = doc_qas(name, kind, passages)
    random.shuffle(qa)
    lim = {"book": 75, "financial": 110, "paper": 75, "meeting": 60, "wiki": 200, "manual": 30}[kind]
    qa = [x for x in qa if x[3] in ("rule", "line")][: lim] + [x for x in qa if x[3] in ("cloze", "speaker")][: lim // 3]
    longs.append((name, kind, text, passages, qa))
    for i, q, a, kd in qa[: max(1, N(len(qa)))]:
        k = count_k(0, 8)
        js = distract(passages, i, k, U() < .6)
        js = [j for j in js if a.lower() not in passages[j].lower()]
        sub = lambda j: mk(name, passages[j])
        if U() < .5: js.sort();
        ps, (n,) = place([sub(i)], [sub(j) for j in js])
        z = U()
        if z < .2 and len(ps) > 1: put(kind + "-absent", [p for m, p in enumerate(ps, 1) if m != n], ask(q), ABSTAIN)
        elif z < .27:
            s = next((s for s in sentences(passages[i]) if a in s), None)
            if s: put("collect", ps, ask(q), s, "collect")
        elif z < .29 and len(ps) > 1: put("collect-absent", [p for m, p in enumerate(ps, 1) if m != n], ask(q), ABSTAIN, "collect")
        else: put(kind + "-" + kd, ps, ask(q), f"{a} [{n}]")
print("after text", len(out))

# 5. code
def code_qas(text):
    res = []
    for m in re.finditer(r"^( *)(?:async )?def (\w+)\(([^)]{0,160})\)[^:\n]*:\n\s+[rR]?\"\"\"([^\n\"]{12,140}(?:\.(?=\n)|(?=\"\"\")))", text, re.M):
        name, args, doc = m[2], " ".join(m[3].split()), m[4].strip()
        q = [(R(["What does {} do?", "What is the purpose of the function {}?", "What is {}() for?", "Describe the function {}."]).format(name), doc)]
        if doc.split()[0].endswith(("e", "t", "n", "d", "s")): q.append((f"Which function has the description “{doc.rstrip('.')}”?", name))
        if 2 < len(args) < 70: q.append((R(["Which parameters does {} take?", "What are the arguments of {}?"]).format(name), args))
        d = re.findall(r"(\w+)=([\w.'\"\-]+)", args)
        if d: k, v = R(d); q.append((R(["What is the default of {1} in {0}?", "What default value does the parameter {1} of {0} have?"]).format(name, k), v))
        res += [(m.start(), *x) for x in q]
    for m in re.finditer(r"^([A-Z][A-Z_0-9]{3,30}) *= *([^\n#({\[]{1,50})", text, re.M): res.append((m.start(), R(["What is the value of {}?", "What is {} set to?"]).format(m[1]), m[2].strip()))
    for m in re.finditer(r"^class (\w+)\(([\w., ]{3,50})\):", text, re.M): res.append((m.start(), R(["Which class does {} inherit from?", "What is the base class of {}?"]).format(m[1]), m[2]))
    for m in re.finditer(r"raise (\w+Error)\(\s*f?[\"']([^\"'\n{}%]{12,80})[\"']", text): res.append((m.start(), f"Which exception is raised with the message “{m[2]}”?", m[1]))
    for m in re.finditer(r"^\s*(?:///?|//!) ([A-Z][^\n]{20,120}\.)\n(?:\s*(?:///|#\[)[^\n]*\n){0,3}\s*pub(?:\([a-z]+\))? (fn|struct|enum|trait) (\w+)", text, re.M): res.append((m.start(), R(["What is {} for?", "What does {} do?", "Describe {}."]).format(m[3]), m[1]))
    for m in re.finditer(r"^\s*pub fn (\w+)[^{;\n]*-> ([\w<>:&', ()]{2,60}) \{", text, re.M): res.append((m.start(), R(["What type does {} return?", "What is the return type of {}?"]).format(m[1]), m[2].strip()))
    for m in re.finditer(r"^pub const (\w+): [^=\n]+= ([^;\n]{1,40});", text, re.M): res.append((m.start(), f"What is the value of {m[1]}?", m[2]))
    return res
for name, kind, text in code:
    qs = code_qas(text); random.shuffle(qs)
    for pos, q, a in qs[: N(16)] or []:
        start = text.rfind("\n", 0, max(0, pos - RI(0, 500))) + 1; size = RI(500, 1600)
        gold = text[start:max(pos + 300, start + size)]
        if a not in gold: continue
        others = []
        for _ in range(count_k(0, 7)):
            n2, _, t2 = (name, kind, text) if U() < .5 else R(code)
            s2 = t2.rfind("\n", 0, RI(0, max(1, len(t2) - 500))) + 1
            if n2 == name and abs(s2 - pos) < 2500: continue
            others.append(mk(n2, t2[s2:s2 + RI(400, 1200)]))
        ps, (n,) = place([mk(name, gold)], others)
        if U() < .2 and others: put("code-absent", others, ask(q), ABSTAIN)
        else: put("code", ps, q, f"{a} [{n}]")
print("after code", len(out))

# 6. LaRA questions on its even documents, chunking references, meetings
full = {n: t for n, _, t in docs}
def window(text, at, size):
    s = max(0, at - RI(int(size * .1), int(size * .9))); s = text.rfind("\n", 0, s) + 1
    return text[s:s + size]
for d in lines("lara/queries.dev.jsonl.gz"):
    if d["file"] not in laranames: continue
    t = full[d["file"]]
    for r in range(N(4)):
        a = d["answer"].strip().rstrip(".")
        if d["task"] == "location" and len(a) < 200:
            at = t.find(a)
            if at < 0 and " " in a: continue
            if at < 0 or t.count(a) > 4: continue
            w = window(t, at, RI(2500, 9000))
            if a not in w: continue
            if U() < .5: put("lara", [mk(d["file"], w)], d["question"], f"{a} [1]")
            else:
                ps = chunk(w, RI(600, 1400)); n = next((i for i, p in enumerate(ps, 1) if a in p), None)
                if n: put("lara", [mk(d["file"], p) for p in ps], d["question"], f"{a} [{n}]")
        elif d["task"] == "hallu":
            w = window(t, RI(0, len(t)), RI(1500, 9000))
            ps = [w] if U() < .4 else chunk(w, RI(500, 1200))
            if ps and w.strip(): put("lara-absent", [mk(d["file"], p) for p in ps[:9]], d["question"], ABSTAIN)
for d in lines("chunking/questions.dev.jsonl.gz"):
    t = corp[d["corpus_id"]]; refs = json.loads(d["references"]) if isinstance(d["references"], str) else d["references"]
    if len(refs) > 3 or max(x["start_index"] for x in refs) - min(x["start_index"] for x in refs) > 12000 or leaks(refs[0]["content"]): continue
    for r in range(N(3)):
        lo = max(0, min(x["start_index"] for x in refs) - RI(100, 2500)); hi = max(x["end_index"] for x in refs) + RI(100, 2500)
        lo = t.find(" ", lo) + 1
        ans = "\n".join(x["content"].strip() for x in refs)
        put("collect", [mk(d["corpus_id"] + R(EXT), t[lo:hi])], d["question"], ans, "collect")
    if U() < .4: put("collect-absent", [filler() for _ in range(RI(1, 3))], d["question"], ABSTAIN, "collect")
for i, d in enumerate(meetings):
    turns = [turn(t) for t in d["meeting_transcripts"]]
    for q in d["specific_query_list"]:
        a = re.sub(r" ([.,?!'])", r"\1", q["answer"]).strip()
        span = [int(x) for x in q["relevant_text_span"][0]] if q["relevant_text_span"] else None
        if not span or len(q["relevant_text_span"]) > 1 or len(a) > 330: continue
        text = "\n".join(turns[max(0, span[0] - RI(0, 4)): span[1] + RI(1, 5)])
        if len(text) < 22000:
            for _ in range(N(2)):
                put("qmsum", [mk(f"meeting_{i:02d}.txt", text)], q["query"], re.sub(r"([.!?])$", "", a) + " [1]")
print("after sets", len(out))

# 7. long ones: a stretch of a document, whole or in numbered parts
def long_sample(lo, hi, tag):
    name, kind, text, passages, qa = R(longs)
    if not qa: return
    n, budget = 0, RI(lo, hi)  # characters
    i, q, a, kd = R(qa)
    js, total = [i], len(passages[i])
    l = r = i; fwd = U()
    while total < budget and (l > 0 or r < len(passages) - 1):
        if (U() < fwd and r < len(passages) - 1) or l == 0: r += 1; total += len(passages[r])
        else: l -= 1; total += len(passages[l])
    if total < lo * .7: return
    if any(a.lower() in passages[j].lower() for j in range(l, r + 1) if j != i) and len(a) > 3: return
    absent = U() < .18
    js = [j for j in range(l, r + 1) if not (absent and j == i)]
    ev = []
    if U() < .55:
        ps, num = [mk(name, "\n\n".join(passages[j] for j in js))], 1
        if U() < .35: ev = [mk(name, passages[j]) for j in ([i] if not absent else []) + random.sample(js, min(2, len(js)))]
    else:
        step = R([1, 1, 3]); groups = [js[x:x + step] for x in range(0, len(js), step)]
        ps = [mk(name, "\n\n".join(passages[j] for j in g)) for g in groups]
        num = next((x for x, g in enumerate(groups, 1) if i in g), 0)
    random.shuffle(ev)
    put(tag + ("-absent" if absent else ""), ps, ask(q), ABSTAIN if absent else f"{a} [{num}]", evidence=ev)
n = len(out)
while len(out) < n + N(1500): long_sample(6000, 26000, "long")
n = len(out)
while len(out) < n + N(110): long_sample(30000, 50000, "yarn")

# ---- evaluation
ev = []
rng = random.Random(5)
allp = [(a["title"], p) for a in xq for p in a["paragraphs"]]
def pieces_of(ps): return [Piece(t.replace("_", " "), p["context"], 0) for t, p in ps]
flat = [(t, p, q) for t, p in allp for q in p["qas"]]
for t, p, q in rng.sample(flat, 300):
    o = rng.sample([x for x in allp if x[0] != t], 4); ps = [(t, p)] + o; rng.shuffle(ps)
    ev.append(("xquad", Prompt(q["question"], tuple(pieces_of(ps))), [a["text"] for a in q["answers"]], ps.index((t, p)) + 1))
for i, (t, p, q) in enumerate(rng.sample(flat, 100)):
    al = [a["text"].lower() for a in q["answers"]]
    src = [x for x in allp if (x[0] == t) == (i % 2 == 0) and x[1] is not p and not any(a in x[1]["context"].lower() for a in al)]
    ps = rng.sample(src, min(4, len(src)))
    if len(ps) < 4: ps += rng.sample([x for x in allp if x[0] != t and not any(a in x[1]["context"].lower() for a in al)], 4 - len(ps))
    ev.append(("absent-near" if i % 2 == 0 else "absent-far", Prompt(q["question"], tuple(pieces_of(ps))), [], 0))
for d in nqd:
    text = re.sub(r"\s*</?(?:P|Li|Ul|Ol|Dl|Dd|Dt)>\s*", "\n", d["input"]); text = re.sub(r"</?(?:Table|Tr|H\d)>", "\n", text); text = re.sub(r"</?T[dh][^>]*>", " | ", text); text = re.sub(r"[ |]*\|[ |]*", " | ", text); text = re.sub(r"\n[\s|]*\n", "\n\n", text)
    flatt = text.replace("``", '"').replace("''", '"')
    for q, a in zip(d["instructions"], d["outputs"]):
        a2 = a.replace("``", "").replace("''", "").strip()
        at = text.find(a2)
        if at < 0 or len(a2) < 2: continue
        s = max(0, at - rng.randint(300, 4000)); s = text.find(" ", s) + 1 if s else 0
        w = text[s:s + 5000]
        ev.append(("nq-window", Prompt(q, (Piece(text.split(" - wiki")[0].strip()[:60], w, s),)), [a2], 1))
print("eval", collections.Counter(e[0] for e in ev))

# ---- to tokens
hf = AutoTokenizer.from_pretrained(HERE + "tok")
tok = Tokenizer.from_file(HERE + "tok/tokenizer.json")
def render(p):
    m = p.messages()
    return "".join(f"<|im_start|>{x['role']}\n{x['content']}<|im_end|>\n" for x in m) + "<|im_start|>assistant\n"
probe = ev[0][1]
assert tok.encode(render(probe)).ids == hf.apply_chat_template(probe.messages(), add_generation_prompt=True, tokenize=True, return_dict=True)["input_ids"]
random.shuffle(out)
ids, plen, tlen, kinds = [], [], [], []
B = 512
drop = 0
for b in range(0, len(out), B):
    part = out[b:b + B]
    e1 = tok.encode_batch([render(Prompt(q, tuple(p), task, evd)) for _, p, q, a, task, evd in part])
    e2 = tok.encode_batch([a + "<|im_end|>" for _, p, q, a, *_ in part])
    for (k, *_), x, y in zip(part, e1, e2):
        n = len(x.ids) + len(y.ids)
        if (n > 8192 and not k.startswith("yarn")) or n > 16384 or len(y.ids) > 220: drop += 1; continue
        ids.append(np.array(x.ids + y.ids, dtype=np.uint16)); plen.append(len(x.ids)); tlen.append(n); kinds.append(k)
tl = np.array(tlen)
print("samples", len(ids), "dropped", drop, "tokens", tl.sum(), "median", np.median(tl), "p90", np.percentile(tl, 90), "max", tl.max(), "answer tokens", (tl - np.array(plen)).sum())
c = collections.Counter(kinds); ct = collections.Counter()
for k, t in zip(kinds, tlen): ct[k] += t
for k, v in c.most_common(): print(f"  {k:18s} {v:6d} {ct[k]:10d}")
print("absent share", sum(v for k, v in c.items() if "absent" in k) / len(kinds))
from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
cfg = LlamaConfig(hidden_size=576, num_attention_heads=9, head_dim=64, max_position_embeddings=32768, rope_parameters={"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 8192, "rope_theta": 1e5})
inv, scale = ROPE_INIT_FUNCTIONS["yarn"](cfg, "cpu")
np.savez(HERE + "data.npz", ids=np.concatenate(ids), plen=np.array(plen, np.uint16), tlen=tl.astype(np.uint16), yarn=np.array([k.startswith("yarn") for k in kinds]), yarn_inv=inv.numpy(), yarn_scale=np.float32(scale))
evd = [{"kind": k, "ids": tok.encode(render(p)).ids, "gold": g, "mark": n} for k, p, g, n in ev]
json.dump({"abstain": ABSTAIN, "eval": evd}, open(HERE + "eval.json", "w"))
print("eval tokens", sum(len(e["ids"]) for e in evd), "max", max(len(e["ids"]) for e in evd))
with open(HERE + "samples.txt", "w") as f:
    for i in random.Random(1).sample(range(len(out)), 60):
        k, p, q, a, task, evi = out[i]
        f.write(f"##### {k} pieces={len(p)} chars={[len(x.text) for x in p]}\nQ: {q}\nA: {a}\n")
    for i in range(4): f.write("=" * 80 + "\n" + render(Prompt(out[i][2], tuple(out[i][1]), out[i][4], out[i][5])) + out[i][3] + "\n")
