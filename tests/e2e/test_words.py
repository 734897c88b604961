#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The words of the command line: help, mistakes, completion, the manual page."""
import json
import re
import shutil
import subprocess
import unittest

import story

VERBS = ["run", "list", "time", "machine", "machine gather", "machine check", "machine ceilings", "doctor", "report", "export", "push", "changepoints",
         "history", "history show", "help", "version", "completion"]


class Words(story.Story):
    def options_of(self, verb):
        text = self.check(*verb.split(), "--help").stdout
        return set(re.findall(r"(?m)^ {2,6}(?:-\w, )?(--[a-z-]+)", text))

    def test_no_words_show_the_help_and_run_nothing(self):
        done = self.check()
        for verb in VERBS:
            self.assertRegex(done.stdout, rf"(?m)^  {verb} ")

    def test_seed_options_are_all_there(self):
        text = self.check("run", "--help").stdout
        for option in ["--suite", "--output-dir", "--format", "--quick-run", "--regression-check", "--export-baselines", "--verbose", "-v, ", "--log-file"]:
            self.assertIn(option, text)
        for default in ["Default: all", "Default: benchmark_results", "Default: benchmark_run.log"]:
            self.assertIn(default, text)

    def test_version(self):
        self.assertRegex(self.check("version").stdout, r"^assay \d+\.\d+\.\d+\n$")
        self.assertEqual(self.check("--version").stdout, self.check("version").stdout)

    def test_mistakes_get_a_sentence_that_helps(self):
        self.refuse("rnu", says="did you mean 'run'?")
        self.refuse("run", "--formt", "html", says="did you mean '--format'?")
        self.refuse("run", "--format", "htm", says=["did you mean 'html'?", "csv"])
        self.refuse("run", "--format", says="--format needs a value")
        self.refuse("run", "--output-dir", "--quick-run", says="--output-dir needs a value")
        self.refuse("run", "--processes", "many", says="whole number")
        self.refuse("run", "--processes=0", says="from 1 to 1000")
        self.refuse("run", "--time", "nan", says="needs a number")
        self.refuse("run", "--quick-run=yes", says="takes no value")
        self.refuse("run", "-Z", says="unknown option '-Z'")
        self.refuse("run", "performance", says="--suite performance")
        self.refuse("time", says="COMMAND... is missing")
        self.refuse("machine", "gather", says="FILE.tar.gz is missing")
        self.refuse("completion", "bsh", says="did you mean 'bash'?")

    def test_environment_gives_way_to_options_and_is_checked(self):
        self.refuse("run", says=["ASSAY_FORMAT", "cannot be 'pdf'"], env={"ASSAY_FORMAT": "pdf"})
        self.refuse("report", says="from_env/history.db", env={"ASSAY_OUTPUT_DIR": "from_env"})
        self.refuse("report", "--output-dir", "from_word", says="from_word/history.db", env={"ASSAY_OUTPUT_DIR": "from_env"})

    def test_configuration_gives_way_to_environment_and_options(self):
        self.write("assay.toml", '[list]\nfilter = "performance/alloc_small*"\n[report]\noutput-dir = "from_file"\n')
        self.assertIn("alloc_small", self.check("list").stdout)
        self.assertNotIn("memory_read", self.check("list").stdout)
        self.assertIn("memory_read", self.check("list", "--filter", "memory_read").stdout)
        self.assertIn("memory_read", self.check("list", env={"ASSAY_CONFIG": ""}).stdout)
        self.refuse("report", says="from_file/history.db")
        self.refuse("report", says="from_env/history.db", env={"ASSAY_OUTPUT_DIR": "from_env"})

    def test_broken_configuration_names_the_place(self):
        self.write("assay.toml", '[run]\nquick-run = "yes"\n')
        self.refuse("run", says=["assay.toml:2:13", "expected true or false"])
        self.write("assay.toml", '[run]\nformat = ["json", "pdf"]\n')
        self.refuse("run", says=["assay.toml:2:19", "cannot be 'pdf'"])
        self.write("assay.toml", "[run]\nqick-run = true\n")
        self.refuse("run", says=["assay.toml:2:", "qick-run"])
        self.refuse("list", says="nowhere.toml", env={"ASSAY_CONFIG": "nowhere.toml"})

    def test_threads_of_libraries_come_from_the_configuration(self):
        self.write("performance.toml", "[performance.numpy]\nnum_threads = 3\n[performance.cache]\nl1_size = 1000\n")
        self.check("time", "--runs", "1", "test $OMP_NUM_THREADS$OPENBLAS_NUM_THREADS = 33", env={"OMP_NUM_THREADS": "3"})
        self.check("time", "--runs", "1", "test $OMP_NUM_THREADS = 7", env={"OMP_NUM_THREADS": "7"})  # what is set stays
        self.write("performance.toml", "[performance.numpy]\nnum_threads = -1\n")
        self.refuse("time", "true", says="performance.toml:2:15")

    def test_all_ways_to_write_an_option(self):
        one = self.check("list", "--filter", "alloc_small").stdout
        self.assertIn("alloc_small", one)
        for words in (["--filter=alloc_small"], ["-f", "alloc_small"], ["-falloc_small"]):
            self.assertEqual(self.check("list", *words).stdout, one)

    def test_suites_are_listed_with_what_is_missing(self):
        text = self.check("list", "--suites").stdout
        for suite in ("performance", "hardware", "trading", "stress"):
            self.assertRegex(text, rf"(?m)^{suite} ")
        for suite in ("containers", "ai"):
            self.assertRegex(text, rf"(?m)^{suite} .*unsupported: not built yet")

    def test_the_manual_page_has_every_verb_and_option(self):
        page = self.check("man").stdout
        plain = page.replace("\\-", "-")
        for verb in VERBS:
            self.assertIn(f".SS assay {verb}", plain)
            for option in self.options_of(verb) - {"--help"}:
                self.assertIn(f"\\fB{option}\\fR", plain)
        if shutil.which("mandoc"):
            lint = subprocess.run(["mandoc", "-Tlint", "-Wwarning"], input=page, text=True, capture_output=True)
            self.assertEqual((lint.returncode, lint.stdout), (0, ""))

    def complete(self, *words):
        script = self.path("assay.bash")
        with open(script, "w", encoding="utf-8") as file:
            file.write(self.check("completion", "bash").stdout)
        quoted = " ".join("'" + word + "'" for word in words)
        code = f". {script}; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _assay; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        done = subprocess.run(["bash", "-c", code], text=True, capture_output=True, check=True)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    @unittest.skipUnless(shutil.which("bash"), "bash is not here")
    def test_bash_completes(self):
        self.assertEqual(self.complete("assay", "ru"), ["run"])
        self.assertEqual(self.complete("assay", "machine", "ch"), ["check"])
        self.assertEqual(self.complete("assay", "run", "--fo"), ["--format"])
        self.assertEqual(self.complete("assay", "run", "--format", "ht"), ["html"])
        self.assertEqual(self.complete("assay", "run", "--format", "=", "js"), ["json"])
        self.assertEqual(self.complete("assay", "run", "--format", "json", "m"), ["markdown"])
        self.assertEqual(self.complete("assay", "run", "--format", "json,c"), ["json,csv"])
        self.assertEqual(self.complete("assay", "run", "--suite", "perf"), ["performance"])
        self.assertEqual(self.complete("assay", "run", "--output-dir", story.SOURCE + "/includ"), [story.SOURCE + "/include"])
        for verb in VERBS:
            self.assertEqual(set(self.complete("assay", *verb.split(), "--")), self.options_of(verb), verb)

    def test_other_shells_get_every_option(self):
        zsh, fish = self.check("completion", "zsh").stdout, self.check("completion", "fish").stdout
        for verb in VERBS:
            for option in self.options_of(verb) - {"--help"}:
                self.assertIn(f"'{option}", zsh.replace("'*", "'"))
                self.assertRegex(fish, rf"-l {option[2:]}\b")
        if shutil.which("zsh"):
            subprocess.run(["zsh", "-n"], input=zsh, text=True, check=True)
        if shutil.which("fish"):
            subprocess.run(["fish", "--no-execute"], input=fish, text=True, check=True)

    def test_documents_end_with_their_line(self):
        """Not with an empty one, of which a file of many documents would be full."""
        table = self.write("curve.csv", "value\n100\n120\n60\n90\n")
        for words in (["list"], ["indicator", "--list"], ["device", "status"], ["doctor"], ["risk", "drawdown", table], ["backtest", "--list"],
                      ["price", "european", "-s", "100", "-k", "110", "-t", "1", "-r", "0.05", "-v", "0.2"], ["indicator", "sma", "-p", "2", table]):
            out = self.run_command(*words, "--json").stdout
            self.assertTrue(json.loads(out))
            self.assertRegex(out, r"[\]}]\n\Z", words)
            self.assertFalse(out.endswith("\n\n"), words)

    def test_help_fits_a_terminal(self):
        for verb in VERBS:
            for line in self.check(*verb.split(), "--help").stdout.splitlines():
                self.assertLessEqual(len(line), 110, line)


if __name__ == "__main__":
    story.main()
