#!/usr/bin/env python3
"""Print the page of HTML reports as C: what stands in front of the data, and what stands behind it.

    report_page.py PAGE.html STYLE.css CHARTS.js SCRIPT.js... > report_page.c

The page names its style and scripts by their hashes in its content security policy: nothing else runs, and
nothing is fetched. Run by the build.
"""
import base64
import hashlib
import pathlib
import sys

DATA = "<!-- data -->"


def hash_of(text):
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def array(name, text):
    numbers = [str(b if b < 128 else b - 256) for b in text.encode()] + ["0"]
    lines = [",".join(numbers[i:i + 40]) for i in range(0, len(numbers), 40)]
    return f"const char {name}[] = {{\n" + ",\n".join(lines) + "\n};\n"


def main(page, style, charts, *scripts):
    read = [pathlib.Path(p).read_text() for p in (page, style, charts)]
    script = "(() => {\n'use strict';\n" + "\n".join(pathlib.Path(p).read_text() for p in scripts) + "})();\n"
    policy = (f"default-src 'none'; img-src data:; style-src {hash_of(read[1])}; "
              f"script-src {hash_of(read[2])} {hash_of(script)}")
    for text in (read[1], read[2], script):
        ends = [word for word in ("</script", "</style") if word in text.lower()]
        assert not ends, f"{ends} would end its own element"
    html = read[0].replace("<!-- policy -->", policy).replace("/* style */", read[1])
    head, tail = html.split(DATA)
    tail = tail.replace("/* charts */", read[2]).replace("/* script */", script)
    print('#include "report/html_report.h"\n')
    print(array("vn_report_head", head))
    print(array("vn_report_tail", tail), end="")


if __name__ == "__main__":
    main(*sys.argv[1:])
