#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turns report.css and report.js into C text, and computes the hash by which the page's content security policy knows its one script."""
import base64
import hashlib
import json
import re
import sys


def squeezed(path):
    text = open(path, encoding="utf-8").read()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return "".join(line.strip() + "\n" for line in text.splitlines() if line.strip())


def pieces(name, text):
    lines = "".join("  %s,\n" % json.dumps(line + "\n") for line in text.splitlines())
    return "const char *const %s[] = {\n%s  NULL,\n};\n" % (name, lines)


css, js, out = squeezed(sys.argv[1]), squeezed(sys.argv[2]), sys.argv[3]
digest = base64.b64encode(hashlib.sha256(js.encode()).digest()).decode()
with open(out, "w", encoding="utf-8") as file:
    file.write('#include "report/html.h"\n')
    file.write(pieces("assay_html_style", css))
    file.write(pieces("assay_html_script", js))
    file.write('const char *const assay_html_script_hash = "sha256-%s";\n' % digest)
