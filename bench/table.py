"""What the benchmark makes of its times: ratios, geometric means, agreement with float, text and CSV."""
import csv
import math

OURS = "vernier"
COLUMNS = ("model", "engine", "median_ms", "min_ms", "runs", "cosine", "sqnr_db", "note", "date", "revision",
           "versions", "cpu", "command")
# Below this cosine to float, an engine of that kind computes something else: its time counts for nothing.
TRUST = {"float": 0.999, "int8": 0.5, "int16": 0.99}

# name: kind of ours, and what it is divided into: the fastest other tool of a kind, or our own of a kind
RATIOS = {
    "int8 / best int8": ("int8", "other", "int8"),
    "float / best float": ("float", "other", "float"),
    "int8 / own float": ("int8", "own", "float"),
    "int16 / own float": ("int16", "own", "float"),
}


def agreement(outputs, reference):
    """(cosine, SQNR in dB) of the output that agrees least with float; None where sizes differ."""
    if [len(o) for o in outputs] != [len(r) for r in reference]:
        return None
    return min((pair(o, r) for o, r in zip(outputs, reference)), key=lambda p: p[0])


def pair(x, reference):
    dot, xx, rr, ee = (math.fsum(f(a, b) for a, b in zip(x, reference)) for f in (
        lambda a, b: a * b, lambda a, b: a * a, lambda a, b: b * b, lambda a, b: (a - b) ** 2))
    cosine = dot / math.sqrt(xx * rr) if xx and rr else float(xx == rr)
    return cosine, math.inf if not ee else 10 * math.log10(rr / ee) if rr else -math.inf


def kind(engine):
    return engine.rsplit(" ", 1)[1]


def has(row, column):
    return row.get(column) not in (None, "")


def trusted(row):
    return has(row, "median_ms") and has(row, "cosine") and float(row["cosine"]) >= TRUST[kind(row["engine"])]


def geomean(numbers):
    """None of no numbers."""
    numbers = list(numbers)
    return math.exp(math.fsum(map(math.log, numbers)) / len(numbers)) if numbers else None


def ratios(rows):
    """{name of RATIOS: ratio or None} of the rows of one model. Above 1: ours is faster."""
    ms = {r["engine"]: float(r["median_ms"]) for r in rows if trusted(r)}
    result = {}
    for name, (ours, whose, what) in RATIOS.items():
        own = ms.get(f"{OURS} {ours}")
        if whose == "own":
            rival = ms.get(f"{OURS} {what}")
        else:
            others = (t for e, t in ms.items() if kind(e) == what and not e.startswith(OURS))
            rival = min(others, default=None)
        result[name] = rival / own if own and rival else None
    return result


def by_model(rows):
    """{model: its rows}, in the order of the rows."""
    groups = {}
    for r in rows:
        groups.setdefault(r["model"], []).append(r)
    return groups


def number(x, form="{:.2f}"):
    return "-" if x is None else form.format(x)


def cell(row):
    """A time in ms, with ! where the outputs are not those of the network; - where there is none."""
    if not row or not has(row, "median_ms"):
        return "-"
    return f"{float(row['median_ms']):.3f}{'' if trusted(row) else ' !'}"


def align(lines):
    widths = [max(map(len, column)) for column in zip(*lines)]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(line, widths)).rstrip() for line in lines)


def times(rows, engines):
    """A line for each model: times and ratios, and below them geometric means and minima."""
    lines, all_ratios = [["model", *engines, *RATIOS]], []
    for model, group in by_model(rows).items():
        of = {r["engine"]: r for r in group}
        all_ratios.append(ratios(group))
        lines.append([model, *(cell(of.get(e)) for e in engines), *map(number, all_ratios[-1].values())])
    for word, f in ("geometric mean", geomean), ("least", lambda x: min(x, default=None)):
        known = {n: [r[n] for r in all_ratios if r[n] is not None] for n in RATIOS}
        lines.append([word, *[""] * len(engines), *(number(f(known[n])) for n in RATIOS)])
    return align(lines)


def fidelity(rows, engines):
    """A line for each model: SQNR in dB against float32 of onnxruntime, and the cosine."""
    def show(r):
        return f"{float(r['sqnr_db']):.1f} ({float(r['cosine']):.4f})" if r and has(r, "cosine") else "-"
    lines = [["model", *engines]]
    for model, group in by_model(rows).items():
        of = {r["engine"]: r for r in group}
        lines.append([model, *(show(of.get(e)) for e in engines)])
    return align(lines)


def notes(rows):
    """Why a cell has no time, or one that does not count."""
    return "\n".join(f"{r['model']}, {r['engine']}: {r['note']}" for r in rows if r.get("note"))


def read(path):
    if not path.exists():
        return []
    with open(path, newline="") as f:
        return list(csv.DictReader(f))


def merge(old, new, models, engines):
    """Rows with those of the same model and engine replaced, in the order of the two lists. What these do not
    name is dropped."""
    rows = {(r["model"], r["engine"]): r for r in [*old, *new]}
    return [rows[m, e] for m in models for e in engines if (m, e) in rows]


def write(path, rows):
    with open(path, "w", newline="") as f:
        w = csv.DictWriter(f, COLUMNS, lineterminator="\n", extrasaction="ignore")
        w.writeheader()
        w.writerows(rows)
