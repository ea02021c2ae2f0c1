"""What a report does in headless Chromium; run by Debian's /usr/bin/python3, which has selenium.

    browser.py REPORT.html [--shots FOLDER] [--size WxH]

Opens the page, uses everything on it, and prints what was seen as one JSON object.
"""
import argparse
import json
import os
import pathlib
import tempfile
import time

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

WORDS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--lang=en-US",
         "--force-prefers-reduced-motion", "--no-first-run", "--disable-background-networking"]

# Colours of every text that is shown, against what is behind it: [ratio, text] below AA.
CONTRAST = """
const rgb = c => (c.match(/[\\d.]+/g) || []).map(Number);
const linear = x => x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4;
const lum = c => { const [r, g, b] = c.slice(0, 3).map(x => linear(x / 255));
  return .2126 * r + .7152 * g + .0722 * b; };
const ratio = (a, b) => { const [x, y] = [lum(a), lum(b)].sort((p, q) => q - p);
  return (x + .05) / (y + .05); };
const behind = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
  if (c.length && (c.length < 4 || c[3] > 0)) return c; } return [255, 255, 255]; };
const bad = []; let seen = 0;
for (const e of document.body.querySelectorAll('*')) {
  if (['SCRIPT', 'OPTION', 'NOSCRIPT', 'STYLE'].includes(e.tagName)) continue;
  if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
  const box = e.getBoundingClientRect();
  if (!box.width || !box.height || e.tagName === 'title') continue;
  const s = getComputedStyle(e), svg = e instanceof SVGElement;
  const fore = rgb(svg ? s.fill : s.color);
  const back = svg ? rgb(e.parentNode.querySelector('rect').getAttribute('fill')) : behind(e);
  const size = parseFloat(s.fontSize), large = size >= 24 || (size >= 18.66 && Number(s.fontWeight) >= 700);
  const r = ratio(fore, back); seen++;
  if (r < (large ? 3 : 4.5)) bad.push([r, e.textContent.slice(0, 40)]);
}
return [seen, bad];
"""

# Does something, and waits until it is painted.
PAINTED = """
const done = arguments[arguments.length - 1];
new Function(arguments[0])();
requestAnimationFrame(() => requestAnimationFrame(() => done(0)));
"""

ACTS = {
    "sort": "document.querySelectorAll('#nodes th button')[1].click()",
    "filter": "const i = document.querySelector('#nodes input'); i.value = i.value === 'o' ? 'r' : 'o';"
              "i.dispatchEvent(new Event('input'))",
    "node": "const b = [...document.querySelectorAll('#nodes td button')];"
            "b[Math.floor(Math.random() * b.length)].click()",
    "language": "const s = document.getElementById('language'); s.value = s.value === 'en' ? 'zh' : 'en';"
                "s.dispatchEvent(new Event('change'))",
    "theme": "const s = document.getElementById('theme'); s.value = s.value === 'dark' ? 'light' : 'dark';"
             "s.dispatchEvent(new Event('change'))",
    "zoom": "document.querySelector('#network .bar button:last-child').click()",
    "metric": "const s = document.getElementById('metric');"
              "if (s) { s.selectedIndex = (s.selectedIndex + 1) % s.options.length;"
              "s.dispatchEvent(new Event('change')); }",
}


class Page:
    def __init__(self, path, size, profile):
        o = webdriver.ChromeOptions()
        for word in [*WORDS, f"--window-size={size.replace('x', ',')}", f"--user-data-dir={profile}"]:
            o.add_argument(word)
        o.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        service = webdriver.chrome.service.Service("/usr/bin/chromedriver")
        self.b = webdriver.Chrome(service=service, options=o)
        self.b.set_script_timeout(60)
        self.url = pathlib.Path(path).resolve().as_uri()
        self.b.get("about:blank")
        self.b.get_log("performance")
        self.b.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
        start = time.monotonic()
        self.b.get(self.url)
        self.ready = self.js("return document.documentElement.dataset.ready || null")
        self.seconds = time.monotonic() - start
        self.b.execute_async_script(PAINTED, "")
        self.opened = self.spent()

    def js(self, text, *args):
        return self.b.execute_script(text, *args)

    def spent(self):
        """Milliseconds that the page's thread has computed: other work on the machine does not count."""
        metrics = self.b.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
        return 1000 * next(m["value"] for m in metrics if m["name"] == "TaskDuration")

    def timed(self, act):
        """The least of three."""
        times = []
        for _ in range(3):
            before = self.spent()
            self.b.execute_async_script(PAINTED, act)
            times.append(self.spent() - before)
        return min(times)

    def all(self, css):
        return self.b.find_elements(By.CSS_SELECTOR, css)

    def texts(self, css):
        return self.js("return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)", css)

    def requests(self):
        sent = [json.loads(e["message"])["message"] for e in self.b.get_log("performance")]
        urls = [m["params"]["request"]["url"] for m in sent if m["method"] == "Network.requestWillBeSent"]
        own = (self.url, "about:blank")
        return [u for u in urls if u not in own and not u.startswith(("data:", "chrome:"))]

    def column(self, key):
        at = self.js("return [...document.querySelectorAll('#nodes th')]"
                     ".findIndex(t => t.dataset.key === arguments[0])", key)
        return self.texts(f"#nodes tbody tr td:nth-child({at + 1})")


SORTED_BY = ("median_ms", "sqnr", "max_bound", "cosine_mean", "compared")


def tables(p, seen):
    if not p.all("#nodes th"):
        return
    keys = p.js("return [...document.querySelectorAll('#nodes th')].map(t => t.dataset.key)")
    seen["columns"], seen["nodes"] = keys, p.column("node")
    key = next((k for k in SORTED_BY if k in keys), keys[-1])
    seen["scales"] = p.js("""
        const s = document.getElementById('metric'), first = s?.value, all = {};
        for (const o of s?.options || []) {
          s.value = o.value;
          s.dispatchEvent(new Event('change'));
          all[o.value] = document.querySelector('.legend i')?.title;
        }
        if (s) {
          s.value = first;
          s.dispatchEvent(new Event('change'));
        }
        return all;""")
    head = f'#nodes th[data-key="{key}"]'
    seen["sorted_by"] = key
    for way in ("down", "up"):
        p.all(f"{head} button")[0].click()
        seen[way] = p.column(key)
        seen[f"{way}_said"] = p.all(head)[0].get_attribute("aria-sort")
    box = p.all("#nodes input")[0]
    word = seen["nodes"][-1][:6]
    box.send_keys(word)
    seen["filter"], seen["filtered"] = word, p.texts("#nodes tbody tr")
    box.clear()
    box.send_keys(f"{key}>1e30")
    seen["none"] = p.texts("#nodes tbody tr")
    box.send_keys(Keys.CONTROL, "a")
    box.send_keys(Keys.DELETE)
    first = p.all("#nodes td button")[0]
    seen["clicked"] = first.text
    p.js("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", first)
    first.click()
    seen["details"] = p.texts(".details h3")[0]
    seen["chosen_rows"] = len(p.all("#nodes tr.chosen"))


def drawing(p, seen):
    if not p.all("#network svg"):
        return
    seen["drawn"], seen["edges"] = len(p.all("#network .node")), len(p.all("#network .edge"))
    p.js("document.querySelector('#network').scrollIntoView({behavior: 'instant'})")
    p.js("[...document.querySelectorAll('#network .bar button')]"
         ".find(b => b.textContent === 'Whole network').click()")
    p.js("document.querySelector('#network .node').dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    seen["shape_clicked"] = [p.texts("#network .node title")[0], p.texts(".details h3")[0]]
    before = p.texts(".details h3")[0]
    svg = p.all("#network svg")[0]
    svg.send_keys(Keys.ARROW_DOWN)
    seen["arrow"] = [before, p.texts(".details h3")[0]]
    width = "return Number(document.querySelector('#network svg').getAttribute('viewBox').split(' ')[2])"
    seen["zoomed"] = [p.js(width)]
    svg.send_keys("+")
    seen["zoomed"].append(p.js(width))
    fills = p.js("return [...document.querySelectorAll('#network rect')].map(r => r.getAttribute('fill'))")
    seen["fills"] = len(set(fills))


def switches(p, seen):
    seen["titles"] = {}
    for lang in ("zh", "en"):
        Select(p.all("#language")[0]).select_by_value(lang)
        seen["titles"][lang] = p.texts("main h2") + p.texts("#links a")
        seen[f"lang_{lang}"] = p.js("return document.documentElement.lang")
    seen["untranslated"] = p.js("return document.documentElement.dataset.untranslated || ''")
    seen["contrast"], seen["backs"] = {}, {}
    for theme in ("dark", "light"):
        Select(p.all("#theme")[0]).select_by_value(theme)
        seen["contrast"][theme] = p.js(CONTRAST)
        seen["backs"][theme] = p.js("return getComputedStyle(document.body).backgroundColor")


def keys(p, seen):
    """Everything that can be clicked can be reached by the Tab key, and shows where it is."""
    seen["unreachable"] = p.js("return [...document.querySelectorAll('button, a, select, input, svg[role]')]"
                               ".filter(e => e.tabIndex < 0 && !e.hidden).map(e => e.outerHTML.slice(0, 80))")
    seen["nameless"] = p.js(
        "return [...document.querySelectorAll('button, select, input, svg[role], canvas')]"
        ".filter(e => !(e.textContent.trim() || e.getAttribute('aria-label') || e.closest('label')))"
        ".map(e => e.outerHTML.slice(0, 80))")
    p.b.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    seen["first_tab"] = p.js("return document.activeElement.className || document.activeElement.tagName")


def shots(p, folder):
    Select(p.all("#language")[0]).select_by_value("en")
    p.js("document.querySelector('#nodes td button')?.click()")
    for theme in ("light", "dark"):
        Select(p.all("#theme")[0]).select_by_value(theme)
        for section in p.js("return [...document.querySelectorAll('main section')].map(s => s.id)"):
            p.js("document.getElementById(arguments[0]).scrollIntoView({behavior: 'instant'})", section)
            time.sleep(0.4)
            p.b.save_screenshot(str(folder / f"{theme}_{section}.png"))


def look(p):
    seen = {"ready": p.ready, "seconds": p.seconds, "opened": p.opened,
            "sections": p.js("return [...document.querySelectorAll('main section')].map(s => s.id)"),
            "verdict": p.texts(".verdict strong")[0],
            "markup": len(p.all("main img[src='x'], main script, main iframe")),
            "hostile": p.js("return window.hostile === undefined ? null : window.hostile")}
    for part in (keys, tables, drawing, switches):
        part(p, seen)
    p.js("document.getElementById('charts')?.scrollIntoView({behavior: 'instant'})")
    time.sleep(0.5)
    seen["charts"] = p.js("return [...document.querySelectorAll('canvas')].map(c => c.width > 0 && "
                          "c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(x => x > 0))")
    p.js("document.querySelectorAll('main img').forEach(i => { i.loading = 'eager'; })")
    seen["images"] = p.js(
        "return [...document.querySelectorAll('main img')].map(i => [i.complete, i.naturalWidth])")
    absent = () if seen.get("drawn") else ("zoom", "metric")
    if not p.all("#nodes"):
        absent += "sort", "filter", "node"
    seen["times"] = {k: p.timed(act) for k, act in ACTS.items() if k not in absent}
    seen["console"] = [e["message"] for e in p.b.get_log("browser") if e["level"] in ("SEVERE", "WARNING")]
    seen["requests"] = p.requests()
    return seen


def main():
    o = argparse.ArgumentParser()
    o.add_argument("report")
    o.add_argument("--shots", type=pathlib.Path)
    o.add_argument("--size", default="1400x1000")
    o = o.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        os.environ["HOME"] = profile
        p = Page(o.report, o.size, profile)
        try:
            print(json.dumps(look(p), indent=1))
            if o.shots:
                o.shots.mkdir(parents=True, exist_ok=True)
                shots(p, o.shots)
        finally:
            p.b.quit()


if __name__ == "__main__":
    main()
