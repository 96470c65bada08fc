"""LoRA adapters for SmolLM2-135M-Instruct as a reader: trains for a given wall-clock time, saves, evaluates.

Self-contained: torch, numpy, tokenizers, safetensors. The adapted weight W + s*B@A is formed once a step for all layers
(7 batched products), so the forward pass has the base model's own kernels and no extra ones; PEFT reads what is saved.
"""
import argparse, collections, json, math, os, re, string, struct, sys, time
T0 = time.time()
import numpy as np
import torch
import torch.nn.functional as F

ap = argparse.ArgumentParser()
ap.add_argument("--data", default=os.path.dirname(os.path.abspath(__file__)))
ap.add_argument("--out", default=os.environ.get("OUT", "out"))
ap.add_argument("--seconds", type=float, default=280, help="wall clock for everything, from the start of this process")
ap.add_argument("--lr", type=float, default=1.5e-3)
ap.add_argument("--rank", type=int, default=16)
ap.add_argument("--alpha", type=float, default=32)
ap.add_argument("--tokens", type=int, default=32768, help="a step, padding included")
ap.add_argument("--max-len", type=int, default=16384)
ap.add_argument("--no-yarn", action="store_true")
ap.add_argument("--compile", type=int, default=1)
ap.add_argument("--eval-n", type=int, default=10**6, help="of each kind")
ap.add_argument("--eval-reserve", type=float, default=30, help="seconds kept for the last evaluation")
ap.add_argument("--eval-batch", type=int, default=64)
ap.add_argument("--max-steps", type=int, default=10**9)
ap.add_argument("--save-every", type=float, default=60)
ap.add_argument("--layers", type=int, default=30, help="fewer: for a trial on a CPU only")
ap.add_argument("--init", default="", help="adapters to go on from, or to evaluate with --max-steps 0")
ap.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
a = ap.parse_args()
dev = torch.device(a.device)
dt = torch.bfloat16 if dev.type == "cuda" else torch.float32
os.makedirs(a.out + "/adapter", exist_ok=True)
LOG = open(a.out + "/train.log", "a")
def say(*x):
    line = f"[{time.time() - T0:6.1f}] " + " ".join(str(y) for y in x)
    print(line, flush=True); LOG.write(line + "\n"); LOG.flush()
torch.manual_seed(0); rng = np.random.default_rng(0)
L, H, KV, D, EPS, THETA = a.layers, 9, 3, 64, 1e-5, 1e5
KINDS = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"]


# ---- weights
def dequantise(buf, kind, shape):
    if kind == "F32": return np.frombuffer(buf, np.float32).reshape(shape)
    size = {"Q8_0": 34, "Q4_1": 20}[kind]
    b = np.frombuffer(buf, np.uint8).reshape(-1, size)
    d = b[:, :2].copy().view(np.float16).astype(np.float32)
    if kind == "Q8_0": return (d * b[:, 2:].view(np.int8)).reshape(shape)
    m = b[:, 2:4].copy().view(np.float16).astype(np.float32)
    q = np.concatenate([b[:, 4:] & 15, b[:, 4:] >> 4], axis=1)
    return (d * q + m).reshape(shape)

def load_base(path):
    raw = bytearray(open(path, "rb").read())
    n = struct.unpack("<I", raw[:4])[0]
    sd = {}
    for name, kind, shape, at, size in json.loads(bytes(raw[4:4 + n])):
        w = dequantise(raw[4 + n + at:4 + n + at + size], kind, shape)
        for p, heads in (("q_proj", H), ("k_proj", KV)):  # llama.cpp interleaves the halves that RoPE turns
            if p in name: w = w.reshape(heads, D // 2, 2, -1).swapaxes(1, 2).reshape(shape)
        sd[name] = torch.from_numpy(np.ascontiguousarray(w))
    return sd

sd = load_base(a.data + "/weights.bin")
E = sd["model.embed_tokens.weight"].to(dev, dt)
NF = sd["model.norm.weight"].to(dev, dt)
N1 = torch.stack([sd[f"model.layers.{i}.input_layernorm.weight"] for i in range(L)]).to(dev, dt)
N2 = torch.stack([sd[f"model.layers.{i}.post_attention_layernorm.weight"] for i in range(L)]).to(dev, dt)
W = {k: torch.stack([sd[f"model.layers.{i}.{k}.weight"] for i in range(L)]).to(dev) for k in KINDS}  # float32
lora = {}
for k in KINDS:
    o, i = W[k].shape[1:]
    lora[k] = (torch.nn.Parameter((torch.rand(L, a.rank, i, device=dev) * 2 - 1) / math.sqrt(i)), torch.nn.Parameter(torch.zeros(L, o, a.rank, device=dev)))
PARAMS = [p for pair in lora.values() for p in pair]
SCALE = a.alpha / a.rank
def merged():
    """The adapted weights of every layer, as the forward pass takes them."""
    with torch.autocast(dev.type, enabled=False):
        full = [(W[k] + SCALE * torch.bmm(lora[k][1], lora[k][0])).to(dt).unbind(0) for k in KINDS]
    return list(zip(*full))

def save(folder):
    from safetensors.torch import save_file
    os.makedirs(folder, exist_ok=True)
    t = {}
    for k in KINDS:
        for i in range(L):
            for name, p in zip("AB", lora[k]): t[f"base_model.model.model.layers.{i}.{k}.lora_{name}.weight"] = p.detach()[i].to(torch.float16).cpu().contiguous()
    save_file(t, folder + "/adapter_model.tmp", metadata={"format": "pt"})
    os.replace(folder + "/adapter_model.tmp", folder + "/adapter_model.safetensors")
    json.dump({"peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "HuggingFaceTB/SmolLM2-135M-Instruct", "r": a.rank, "lora_alpha": a.alpha, "lora_dropout": 0.0, "bias": "none", "fan_in_fan_out": False, "inference_mode": True, "init_lora_weights": True, "target_modules": [k.split(".")[1] for k in KINDS]}, open(folder + "/adapter_config.json", "w"), indent=1)

def load(folder):
    from safetensors.torch import load_file
    t = load_file(folder + "/adapter_model.safetensors")
    with torch.no_grad():
        for k in KINDS:
            for name, p in zip("AB", lora[k]): p.copy_(torch.stack([t[f"base_model.model.model.layers.{i}.{k}.lora_{name}.weight"] for i in range(L)]).float())


# ---- the model
INV = 1.0 / THETA ** (torch.arange(0, D, 2, dtype=torch.float64) / D)
def rope(positions, inv=None, scale=1.0):
    """cos and sin for positions (..., T), over the halves."""
    f = positions.to(torch.float32)[..., None] * (INV if inv is None else inv).to(positions.device, torch.float32)
    f = torch.cat([f, f], -1)
    return (f.cos() * scale).to(dt), (f.sin() * scale).to(dt)
def turn(x, cos, sin):
    h = x.shape[-1] // 2
    return x * cos + torch.cat([-x[..., h:], x[..., :h]], -1) * sin
def qkv(x, n1, wq, wk, wv, cos, sin):
    B, T, _ = x.shape
    h = F.rms_norm(x, (x.shape[-1],), n1, EPS)
    q = F.linear(h, wq).view(B, T, H, D).transpose(1, 2)
    k = F.linear(h, wk).view(B, T, KV, D).transpose(1, 2)
    v = F.linear(h, wv).view(B, T, KV, D).transpose(1, 2)
    return turn(q, cos, sin), turn(k, cos, sin), v
def wide(x):
    B, _, T, _ = x.shape
    return x[:, :, None].expand(B, KV, H // KV, T, D).reshape(B, H, T, D)
def rest(x, o, n2, wo, wg, wu, wd):
    B, T, C = x.shape
    x = x + F.linear(o.transpose(1, 2).reshape(B, T, C), wo)
    h = F.rms_norm(x, (C,), n2, EPS)
    return x + F.linear(F.silu(F.linear(h, wg)) * F.linear(h, wu), wd)
def block(x, n1, n2, wq, wk, wv, wo, wg, wu, wd, cos, sin):
    q, k, v = qkv(x, n1, wq, wk, wv, cos, sin)
    o = F.scaled_dot_product_attention(q, wide(k), wide(v), is_causal=True)
    return rest(x, o, n2, wo, wg, wu, wd)
BLOCK = block

def hidden(ids, ws, inv=None, scale=1.0, step=None):
    """Right-padded rows need no mask: what stands behind a row is never seen by it."""
    cos, sin = rope(torch.arange(ids.shape[1], device=dev), inv, scale)
    x = F.embedding(ids, E)
    if torch.is_grad_enabled(): x.requires_grad_()  # so that the first layer is compiled as the others are
    if (step or BLOCK) is not block:  # rows and length change from batch to batch, nothing else
        for tensor, axes in ((x, (0, 1)), (cos, (0,)), (sin, (0,))):
            for axis in axes: torch._dynamo.maybe_mark_dynamic(tensor, axis)
    for i in range(L): x = (step or BLOCK)(x, N1[i], N2[i], *ws[i], cos, sin)
    return x
def logits(h): return F.linear(F.rms_norm(h, (h.shape[-1],), NF, EPS), E)

@torch.no_grad()
def generate(prompts, ws, most=40, eos=2):
    """Greedy, batched; rows are padded on the right, new keys go behind the padding."""
    B, lens = len(prompts), torch.tensor([len(p) for p in prompts], device=dev)
    T = int(lens.max())
    ids = torch.full((B, T), eos, dtype=torch.long)
    for r, p in enumerate(prompts): ids[r, :len(p)] = torch.tensor(p)
    ids = ids.to(dev)
    cos, sin = rope(torch.arange(T, device=dev))
    x = F.embedding(ids, E)
    K = torch.zeros(L, B, KV, T + most, D, device=dev, dtype=dt); V = torch.zeros_like(K)
    for i in range(L):
        wq, wk, wv, wo, wg, wu, wd = ws[i]
        q, k, v = qkv(x, N1[i], wq, wk, wv, cos, sin)
        K[i, :, :, :T], V[i, :, :, :T] = k, v
        x = rest(x, F.scaled_dot_product_attention(q, wide(k), wide(v), is_causal=True), N2[i], wo, wg, wu, wd)
    nxt = logits(x[torch.arange(B, device=dev), lens - 1]).argmax(-1)
    seen = torch.arange(T + most, device=dev)[None] < lens[:, None]
    out, done = [], torch.zeros(B, dtype=torch.bool, device=dev)
    for s in range(most):
        out.append(torch.where(done, eos, nxt)); done = done | (nxt == eos)
        if bool(done.all()) or s == most - 1: break
        cos, sin = rope((lens + s)[:, None])
        cos, sin = cos[:, None], sin[:, None]
        seen[:, T + s] = True
        x = F.embedding(nxt, E)[:, None]
        for i in range(L):
            wq, wk, wv, wo, wg, wu, wd = ws[i]
            q, k, v = qkv(x, N1[i], wq, wk, wv, cos, sin)
            K[i, :, :, T + s:T + s + 1], V[i, :, :, T + s:T + s + 1] = k, v
            end = T + s + 1
            o = F.scaled_dot_product_attention(q, wide(K[i, :, :, :end]), wide(V[i, :, :, :end]), attn_mask=seen[:, None, None, :end])
            x = rest(x, o, N2[i], wo, wg, wu, wd)
        nxt = logits(x[:, 0]).argmax(-1)
    got = torch.stack(out, 1).tolist()
    return [g[:g.index(eos)] if eos in g else g for g in got]


# ---- evaluation
def flat(t):
    t = "".join(c if c not in string.punctuation + "“”‘’" else " " for c in t.lower())
    return [w for w in t.split() if w not in ("a", "an", "the")]
def f1(pred, gold):
    p, g = flat(pred), flat(gold)
    same = sum((collections.Counter(p) & collections.Counter(g)).values())
    return 2 * same / (len(p) + len(g)) if same else float(p == g)
def evaluate(tag, until):
    from tokenizers import Tokenizer
    tok = Tokenizer.from_file(a.data + "/tok/tokenizer.json")
    sys.path.insert(0, a.data)
    from hybrid.chat.refusals import abstains
    everything = json.load(open(a.data + "/eval.json"))
    n, todo = collections.Counter(), []
    for e in everything["eval"]:
        n[e["kind"]] += 1
        if n[e["kind"]] <= a.eval_n: todo.append(e)
    todo.sort(key=lambda e: len(e["ids"]))
    with torch.no_grad(): ws = merged()
    rows, replies = collections.defaultdict(lambda: collections.Counter()), []
    # every seventh batch first, so that a cut by time leaves a fair part
    starts = list(range(0, len(todo), a.eval_batch))
    for b in [s for r in range(3) for s in starts[r::3]]:
        if time.time() - T0 > until: say("evaluation cut short by time"); break
        part = todo[b:b + a.eval_batch]
        for e, ids in zip(part, generate([e["ids"] for e in part], ws)):
            text = tok.decode(ids).strip()
            r = rows[e["kind"]]; r["n"] += 1; r["refused"] += abstains(text); r["agreed"] += everything["abstain"] in text.upper()
            r["tokens"] += len(ids)
            bare = re.sub(r"\s*\[\d[\d, ]*\]", "", text).strip()
            if e["gold"]:
                r["f1"] += max(f1(bare, g) for g in e["gold"])
                r["contained"] += any((" " + " ".join(flat(g)) + " ") in (" " + " ".join(flat(bare)) + " ") for g in e["gold"])
                m = re.search(r"\[(\d+)\]", text)
                r["cited"] += m is not None; r["cited_right"] += m is not None and int(m[1]) == e["mark"]
            replies.append([e["kind"], text, e["gold"], e["mark"]])
    table = {}
    for k, r in sorted(rows.items()):
        table[k] = {"n": r["n"], **{x: round(r[x] / r["n"], 4) for x in (("f1", "contained", "cited", "cited_right", "refused", "agreed", "tokens") if not k.startswith("absent") else ("refused", "agreed", "tokens"))}}
        say(tag, k, table[k])
    json.dump(replies, open(f"{a.out}/replies_{tag}.json", "w"), ensure_ascii=False, indent=0)
    return table


# ---- batches
d = dict(np.load(a.data + "/data.npz"))
if "ids" not in d:
    import lzma
    d["ids"] = np.frombuffer(lzma.open(a.data + "/ids.xz").read(), np.uint16)
IDS, PLEN, TLEN, YARN = d["ids"], d["plen"].astype(np.int64), d["tlen"].astype(np.int64), d["yarn"].copy()
START = np.concatenate([[0], np.cumsum(TLEN)[:-1]])
YINV, YSCALE = torch.from_numpy(d["yarn_inv"].astype(np.float32)), float(d["yarn_scale"])
USE = np.flatnonzero((TLEN <= a.max_len) & ~(YARN & a.no_yarn))
say("loaded", dev, torch.__version__, "samples", len(USE), "tokens", int(TLEN[USE].sum()))

def epoch(tokens):
    """Batches of like lengths in random order; a batch holds at most `tokens`, padding included."""
    order = rng.permutation(USE)
    out = []
    for c in range(0, len(order), 6000):
        part = sorted(order[c:c + 6000], key=lambda i: (bool(YARN[i]), TLEN[i]))
        cur, top = [], 0
        for i in part:
            n = max(top, -(-int(TLEN[i]) // 64) * 64)
            if cur and (n * (len(cur) + 1) > tokens or YARN[i] != YARN[cur[0]]): out.append(cur); cur, n = [], -(-int(TLEN[i]) // 64) * 64
            cur.append(i); top = n
        if cur: out.append(cur)
    out = [np.array(o) for o in out if len(o) > 1 or dev.type == "cpu"]  # one row alone would be compiled anew
    return [out[j] for j in rng.permutation(len(out))]

def batch(rows):
    T = -(-int(TLEN[rows].max()) // 64) * 64
    ids = np.full((len(rows), T), 2, np.int64); where, goal, weight = [], [], []
    for r, i in enumerate(rows):
        p, n, s = PLEN[i], TLEN[i], START[i]
        ids[r, :n] = IDS[s:s + n]
        where.append(r * T + np.arange(p - 1, n - 1)); goal.append(IDS[s + p:s + n].astype(np.int64))
        weight.append(np.full(n - p, (n - p) ** -0.5, np.float32))  # a long answer counts more than a short one, not in proportion
    t = [torch.from_numpy(np.ascontiguousarray(x)) for x in (ids, np.concatenate(where), np.concatenate(goal), np.concatenate(weight))]
    if dev.type == "cuda": t = [x.pin_memory().to(dev, non_blocking=True) for x in t]
    return t, int(TLEN[rows].sum()), bool(YARN[rows[0]])
def loss_of(t, yarn, norm, step=None):
    ids, where, goal, weight = t
    x = hidden(ids, merged(), YINV if yarn else None, YSCALE if yarn else 1.0, step)
    lg = logits(x.reshape(-1, x.shape[-1])[where]).float()
    ce = F.cross_entropy(lg, goal, reduction="none")
    return (ce * weight).sum() / norm, (ce * weight).sum().detach() / weight.sum()


def main():
    global BLOCK
    result = {"args": vars(a), "device": torch.cuda.get_device_name() if dev.type == "cuda" else "cpu", "torch": torch.__version__}
    if a.init: load(a.init)
    result["base" if not a.init else "init"] = evaluate("base", time.time() - T0 + 45)
    opt = torch.optim.AdamW(PARAMS, lr=a.lr, betas=(0.9, 0.98), weight_decay=0.0, fused=dev.type == "cuda")
    tokens = a.tokens
    WARM = 40 if dev.type == "cuda" else 4
    norm = float(np.sqrt((TLEN - PLEN)[USE]).sum() * min(1.0, tokens / TLEN[USE].sum()))  # expected weight of a full batch
    end = a.seconds - a.eval_reserve
    if a.compile and a.max_steps:
        t, _, y = batch(epoch(min(tokens, 16384))[0])
        try:
            with torch.no_grad(): want = loss_of(t, y, norm, block)[1].item()
            fast = torch.compile(block)
            l, got = loss_of(t, y, norm, fast); l.backward()
            for p in PARAMS: p.grad = None
            if abs(got.item() - want) < 0.03 * max(want, 0.1): BLOCK = fast; say("compiled", want, got.item())
            else: say("compiled block differs, not used:", want, got.item())
        except Exception as e:
            say("compile failed, going on without:", type(e).__name__, str(e)[:300])
            for p in PARAMS: p.grad = None
        if dev.type == "cuda": torch.cuda.synchronize()
    began, todo, step, seen, real, shown, last_save, ema, low, peak = time.time(), [], 0, 0, 0, time.time(), time.time(), None, 9.0, a.lr
    good = [p.detach().clone() for p in PARAMS]
    acc, curve, epochs, bad = [], [], 0, 0
    while time.time() - T0 < end and step < a.max_steps:
        if not todo:
            todo = epoch(tokens); epochs += 1
            say("epoch", epochs, "batches", len(todo))
        part = (time.time() - began) / max(1.0, end - (began - T0)) if a.max_steps == 10**9 else step / a.max_steps
        for g in opt.param_groups: g["lr"] = peak * min(1, (step + 1) / WARM) * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * min(1, part))))
        rows = todo.pop()
        try:
            t, n, y = batch(rows)
            loss, mean = loss_of(t, y, norm)
            loss.backward()
        except torch.OutOfMemoryError:
            loss = mean = None
            for p in PARAMS: p.grad = None
            torch.cuda.empty_cache(); tokens = tokens * 2 // 3; norm *= 2 / 3; todo = []
            say("out of memory: steps of", tokens)
            if tokens < 4096: raise
            continue
        except Exception as e:
            if BLOCK is block: raise
            say("compiled block failed at", tuple(t[0].shape), type(e).__name__, str(e)[:200], "- going on without"); BLOCK = block
            for p in PARAMS: p.grad = None
            continue
        torch.nn.utils.clip_grad_norm_(PARAMS, 1.0)
        opt.step(); opt.zero_grad(set_to_none=True)
        step += 1; seen += n; real += t[0].numel(); acc.append(mean)
        if step <= 3 or step % 20 == 0:
            m = torch.stack(acc).mean().item(); acc = []
            ema = m if ema is None else 0.7 * ema + 0.3 * m
            now = time.time()
            curve.append([step, round(now - T0, 1), round(m, 4)])
            if step % 100 == 0 or step <= 3 or step == 20: say(f"step {step} loss {m:.4f} lr {opt.param_groups[0]['lr']:.2e} tokens {seen / 1e6:.2f}M {seen / (now - began):.0f}/s padded {real / max(1, seen):.3f}" + (f" mem {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB" if dev.type == "cuda" else ""))
            if not math.isfinite(m) or (step > 60 and m > 2.5 * low + 0.5):
                bad += 1; peak *= 0.5; say("loss has broken out:", m, "- back to the last good adapters at half the rate", peak)
                with torch.no_grad():
                    for p, g in zip(PARAMS, good): p.copy_(g)
                opt.state.clear(); ema = None
                if bad > 4: break
            else:
                low = min(low, ema) if step > 20 else low
                good = [p.detach().clone() for p in PARAMS]
                if now - last_save > a.save_every: save(a.out + "/adapter"); last_save = now
        elif step % 4 == 0: mean.item()  # do not run far ahead of the device
    if dev.type == "cuda": torch.cuda.synchronize()
    took = time.time() - began
    if not all(bool(torch.isfinite(p).all()) for p in PARAMS):
        with torch.no_grad():
            for p, g in zip(PARAMS, good): p.copy_(g)
    if a.max_steps: save(a.out + "/adapter")
    result |= {"steps": step, "tokens": seen, "seconds_trained": round(took, 1), "tokens_per_second": round(seen / max(took, 1e-9)), "epochs": epochs, "compiled": BLOCK is not block, "curve": curve}
    json.dump(result, open(a.out + "/result.json", "w"), indent=1)
    say("trained", step, "steps", seen, "tokens", round(took, 1), "s")
    if a.max_steps:
        result["trained"] = evaluate("trained", a.seconds - 3)
        for kind, text, gold, mark in json.load(open(a.out + "/replies_trained.json"))[::40]: say("   ", kind, "|", text[:100], "| wanted", gold[:1], mark)
    result["seconds"] = round(time.time() - T0, 1)
    json.dump(result, open(a.out + "/result.json", "w"), indent=1)
    say("done")

if __name__ == "__main__": main()
