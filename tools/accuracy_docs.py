#!/usr/bin/env python3
"""Write the tables of docs/accuracy.md from bench/accuracy.csv.

    tools/accuracy_docs.py [--check]

--check: exit with 1 if the page is stale.
"""
import csv
import sys

import page_parts

PAGE, TOOL = page_parts.ROOT / "docs/accuracy.md", "accuracy_docs.py"
RESULTS = page_parts.ROOT / "bench/accuracy.csv"
OURS = "vernier "
SHOWN = ("default", "high", "tune")
HEAD = ("tool", "score", "difference", "95 %", "agreement", "SQNR", "least", "cosine", "s", "MB", "revision")


def number(row, column, form="{:.2f}"):
    return form.format(float(row[column])) if row[column] else "--"


def is_ours(row):
    return row["tool"].startswith(OURS)


def table(head, rows):
    return "\n".join(f"| {' | '.join(r)} |" for r in (head, ["---"] * len(head), *rows))


# ---- default, high and tune beside the best other tool ----

def rank(row):
    """By score where there is one, else by SQNR."""
    return float(row["difference"] or 0), float(row["sqnr_db"])


def best(rows):
    return max((r for r in rows if r["sqnr_db"]), key=rank, default=None)


def brief(row):
    if not row or not row["sqnr_db"]:
        return "--"
    score = f"{float(row['difference']):+.2f}" if row["difference"] else "--"
    return f"{score} / {number(row, 'agreement')} / {number(row, 'sqnr_db', '{:.1f}')}"


def overview(models):
    lines = []
    for name, rows in models.items():
        of, other = {r["tool"]: r for r in rows}, best([r for r in rows if not is_ours(r)])
        which = other["tool"] if other else "--"
        lines.append([name, *(brief(of.get(OURS + w)) for w in SHOWN), brief(other), which])
    return table(("model", *SHOWN, "best other tool", "which"), lines)


# ---- every row ----

def cells(row):
    spread = f"{number(row, 'low')} {number(row, 'high')}" if row["low"] else "--"
    return [row["tool"], number(row, "score"), number(row, "difference"), spread, number(row, "agreement"),
            number(row, "sqnr_db"), number(row, "least_sqnr_db"), number(row, "worst_cosine", "{:.4f}"),
            number(row, "seconds", "{:.1f}"), number(row, "peak_mb", "{:.0f}"),
            row["revision"] if is_ours(row) else ""]


def of_model(name, rows):
    scored = next((r for r in rows if r["metric"]), None)
    said = f"; {scored['metric']}, float32: {float(scored['float_score']):.2f}" if scored else ""
    head = f"### {name}\n\n{rows[0]['calibration']} samples calibrate, {rows[0]['test']} test{said}."
    return [head, table(HEAD, map(cells, rows)), *(f"{r['tool']}: {r['note']}" for r in rows if r["note"])]


def details(models):
    return "\n\n".join(part for name, rows in models.items() for part in of_model(name, rows))


def page():
    models = {}
    with open(RESULTS, newline="") as f:
        for row in csv.DictReader(f):
            models.setdefault(row["model"], []).append(row)
    return page_parts.replaced(PAGE, TOOL, overview=overview(models), details=details(models))


if __name__ == "__main__":
    sys.exit(page_parts.settle(PAGE, page(), TOOL, "--check" in sys.argv[1:]))
