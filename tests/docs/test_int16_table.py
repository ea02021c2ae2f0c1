"""The table of what all-int16 loses, from made-up rows; the page has the marks that it is written between."""
import json
import subprocess
import sys

import tool

ROWS = [{"network": "fine", "sqnr": 71.26, "cosine": 1.0, "tensors": []},
        {"network": "worse", "sqnr": 41.04, "cosine": 0.99912,
         "tensors": [{"name": "a;b", "sqnr": 43.25, "share": 0.62},
                     {"name": "c", "sqnr": 50.0, "share": 0.1}]}]
# a process of its own: tests/model has an accuracy.py, too
PROGRAM = """
import json, sys
import int16_table as t, page_parts
rows = t.table(json.loads(sys.argv[1]))
print(rows)
page = page_parts.replaced(t.PAGE, "int16_table.py", int16=rows)
assert f"int16 -->\\n\\n{rows}\\n\\n<!-- end of int16" in page
"""


def test_table():
    done = subprocess.run([sys.executable, "-c", PROGRAM, json.dumps(ROWS)], cwd=tool.ROOT / "tools",
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[2:] == [
        "| fine | 71.3 | 1.00000 | | | |", "| worse | 41.0 | 0.99912 | `a` | 43.2 | 62 % |",
        "| | | | `c` | 50.0 | 10 % |"]
