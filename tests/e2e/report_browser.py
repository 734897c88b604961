#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Looks at the reports of the sample result as their readers do: parsers for the machine-read ones, a browser for the HTML.

report_browser.py RENDER_SAMPLE writes them into a private directory. Exits 77 when there is no Chromium, after the checks that need none.
"""
import csv
import html
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

HOSTILE = "<script>alert(1)</script>\"&'|"
SECTIONS = ["summary", "limits", "changes", "recommendations", "suite-0", "latency", "roofline", "scaling", "trends", "checks", "machine", "method"]
failures = []


def check(truth, what):
    if not truth:
        failures.append(what)
        print("FAILED:", what)


class Page(HTMLParser):
    """Balance of tags, ids, and everything that could fetch something."""

    VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.fetches, self.handlers, self.scripts, self.text = [], [], [], [], [], []
        self.balanced = True
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name in ("src", "srcset", "href", "xlink:href", "action", "data", "poster") and not (value or "").startswith("#"):
                self.fetches.append("%s %s=%s" % (tag, name, value))
            if name.startswith("on") or (name == "style" and "url(" in value):
                self.handlers.append("%s %s=%s" % (tag, name, value))

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.balanced = False

    def handle_data(self, data):
        (self.scripts if self.open and self.open[-1] == "script" else self.text).append(data)


def check_static(path, wanted):
    name = os.path.basename(path)
    text = open(path, encoding="utf-8").read()
    page = Page(text)
    check(page.balanced and not page.open, name + ": tags are balanced")
    check(len(page.ids) == len(set(page.ids)), name + ": every id is there once")
    check(not page.fetches, name + ": nothing is fetched: %s" % page.fetches[:3])
    check(not page.handlers, name + ": no inline handlers: %s" % page.handlers[:3])
    check("@import" not in text and "url(" not in text, name + ": the style fetches nothing")
    check(len(page.scripts) == 1, name + ": one script, ours")
    for section in wanted:
        check(section in page.ids, "%s: has section %s" % (name, section))
    for link in re.findall(r'href="#([^"]*)"', text):
        check(link in page.ids, "%s: the link #%s leads somewhere" % (name, link))
    body = re.sub(r"<script>.*?</script>", "", re.sub(r"<style>.*?</style>", "", text, flags=re.S), flags=re.S)
    try:
        ET.fromstring(body)
    except ET.ParseError as error:
        check(False, "%s: well-formed as XML too: %s" % (name, error))
    check("nan" not in " ".join(page.text).lower().split(), name + ": no nan is shown")
    return text, page


def check_machine_formats(directory):
    for shape in ("full", "hostile", "failed", "empty"):
        suites = ET.parse(os.path.join(directory, shape + ".junit.xml")).getroot()
        check(suites.tag == "testsuites", shape + ": JUnit root")
        total = {"tests": 0, "failures": 0, "skipped": 0}
        for suite in suites.findall("testsuite"):
            cases = suite.findall("testcase")
            counted = {"tests": len(cases), "failures": sum(c.find("failure") is not None for c in cases), "skipped": sum(c.find("skipped") is not None for c in cases)}
            for key, value in counted.items():
                check(suite.get(key) == str(value), "%s: JUnit suite %s says its %s" % (shape, suite.get("name"), key))
                total[key] += value
            check(all(c.get("name") and c.get("classname") and float(c.get("time")) >= 0 for c in cases), shape + ": JUnit cases have name, class and time")
        for key, value in total.items():
            check(suites.get(key) == str(value), "%s: JUnit says its %s in all" % (shape, key))
        rows = list(csv.reader(open(os.path.join(directory, shape + ".csv"), newline="", encoding="utf-8")))
        check(all(len(row) == len(rows[0]) for row in rows), shape + ": CSV rows have the header's length")
        svg = ET.parse(os.path.join(directory, shape + ".svg")).getroot()
        check(svg.tag == "{http://www.w3.org/2000/svg}svg", shape + ": the roofline is an SVG document")
    named = [c.get("name") for c in ET.parse(os.path.join(directory, "hostile.junit.xml")).getroot().iter("testcase")]
    check(HOSTILE + "0" in named, "hostile: JUnit keeps the name as it is")


# Runs inside the wrapper page; the report is in a frame as wide as a telephone, with its own security policy.
PROBE = """
addEventListener("load", function () {
  var frame = document.querySelector("iframe"), d = frame.contentDocument, w = frame.contentWindow, out = {};
  out.phone = d.documentElement.scrollWidth + " of " + w.innerWidth;
  out.overflow = d.documentElement.scrollWidth > w.innerWidth ? "yes" : "no";
  out.script = d.documentElement.classList.contains("js") ? "ran" : "did not run";
  out.alerts = String(window.alerted || w.alerted || 0);
  var rows = d.querySelectorAll("table.suite tr[data-k]"), filter = d.getElementById("filter"), sort = d.getElementById("sort");
  function visible() { return Array.from(d.querySelectorAll("table.suite tr[data-k]")).filter(function (r) { return r.offsetParent !== null; }); }
  out.rows = String(rows.length);
  out.shown = String(visible().length);
  if (filter) {
    filter.value = "fma_chain"; filter.dispatchEvent(new w.Event("input"));
    out.filtered = String(visible().length);
    filter.value = ""; filter.dispatchEvent(new w.Event("input"));
    sort.value = "low"; sort.dispatchEvent(new w.Event("change"));
    out.lowest = visible().length ? visible()[0].cells[0].textContent : "";
    sort.value = "run"; sort.dispatchEvent(new w.Event("change"));
    out.back = visible().length ? visible()[0].cells[0].textContent : "";
  }
  var before = w.getComputedStyle(d.body).backgroundColor;
  d.getElementById("theme").click();
  out.theme = before !== w.getComputedStyle(d.body).backgroundColor ? "changed" : "same";
  frame.style.width = "1280px";
  out.wide = d.documentElement.scrollWidth > w.innerWidth ? "overflows" : "fits";
  var pre = document.createElement("pre"); pre.id = "probe"; pre.textContent = JSON.stringify(out); document.body.appendChild(pre);
});
"""


def browse(chromium, directory, text):
    """What the probe saw, and what the console said."""
    page = os.path.join(directory, "wrapper.html")
    with open(page, "w", encoding="utf-8") as file:
        file.write('<!DOCTYPE html><meta charset="utf-8"/><title>probe</title><script>function alert() { window.alerted = 1; }%s</script>'
                   '<body><iframe style="width:375px;height:4000px;border:0" srcdoc="%s"></iframe></body>' % (PROBE, html.escape(text)))
    profile = tempfile.mkdtemp(dir=directory)
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
               "--disable-sync", "--disable-dev-shm-usage", "--enable-logging=stderr", "--v=0", "--user-data-dir=" + profile, "--window-size=1400,2000",
               "--virtual-time-budget=5000", "--dump-dom", "file://" + page]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    found = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout.decode("utf-8", "replace"), flags=re.S)
    console = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if "CONSOLE" in line]
    return (json.loads(html.unescape(found.group(1))) if found else None), console


def check_browser(chromium, directory, shape, text):
    seen, console = browse(chromium, directory, text)
    check(seen is not None, shape + ": the page loads")
    if seen is None:
        return
    check(not console, "%s: nothing on the console: %s" % (shape, console[:3]))
    check(seen["overflow"] == "no", "%s: no sideways scrolling at 375 px (%s)" % (shape, seen["phone"]))
    check(seen["wide"] == "fits", shape + ": no sideways scrolling at 1280 px")
    check(seen["script"] == "ran", shape + ": the security policy lets the one script run")
    check(seen["alerts"] == "0", shape + ": no name became a script")
    check(seen["theme"] == "changed", shape + ": the theme button changes the page")
    check(seen["shown"] == seen["rows"], shape + ": every row shows")
    if shape == "full":
        check(seen["filtered"] == "2", "full: the filter leaves the two fma_chain rows, not %s" % seen["filtered"])
        check(seen["lowest"].startswith("matmul_naive"), "full: sorted by share, matmul_naive is first, not %s" % seen["lowest"])
        check(seen["back"].startswith("alloc_1g"), "full: sorted by name again, not %s" % seen["back"])


def main():
    render = sys.argv[1]
    shapes = ["full", "one", "empty", "failed", "single", "hostile", "1000"]
    with tempfile.TemporaryDirectory() as directory:
        for shape in shapes:
            subprocess.run([render, directory, shape], check=True)
        texts = {}
        for shape in shapes:
            wanted = SECTIONS if shape in ("full", "hostile") else ["summary", "changes", "machine", "method"]
            texts[shape], page = check_static(os.path.join(directory, shape + ".html"), wanted)
            check(HOSTILE not in texts[shape], shape + ": no name is in the page unescaped")
            if shape == "hostile":
                check(HOSTILE in "".join(page.text), "hostile: the name is shown as it is")
        size = len(texts["1000"].encode())
        check(size < 2_000_000, "1000 benchmarks make %d bytes, under 2 MB" % size)
        print("1000 benchmarks: %d bytes" % size)
        check_machine_formats(directory)
        chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        if chromium is not None:
            for shape in shapes:
                check_browser(chromium, directory, shape, texts[shape])
    if failures:
        return 1
    if chromium is None:
        print("skipped: no chromium here; everything that needs none was checked")
        return 77
    print("all well")
    return 0


if __name__ == "__main__":
    sys.exit(main())
