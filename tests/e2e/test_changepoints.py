#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Change points of plain series, as a user or another program asks for them."""
import json
import unittest

import story

STEP = "".join(f"{10 + i % 3 * 0.1 + (5 if i >= 12 else 0):.1f}\n" for i in range(30))


class ChangePoints(story.Story):
    def found(self, *words, **options):
        return json.loads(self.check("changepoints", "--json", *words, **options).stdout)

    def test_json_from_a_pipe(self):
        answer = self.found("-", stdin=STEP)
        self.assertEqual([p["index"] for p in answer["changepoints"]], [12])
        point = answer["changepoints"][0]
        self.assertEqual(set(point), {"index", "low", "high", "kind", "column", "before", "after", "change_ratio", "p_value"})
        self.assertEqual((point["kind"], point["before"], point["after"]), ("level", 10.1, 15.1))
        self.assertLessEqual(point["low"], 12)
        self.assertGreaterEqual(point["high"], 12)
        self.assertLess(point["p_value"], 1e-6)
        self.assertEqual(answer["values"], 30)

    def test_nothing_to_find_is_fine(self):
        for series in ["", "\n \n", "1\n2\n", "5\n" * 50, "0\n0\n0\n0\n1\n0\n0\n0\n", "nan\nnan\n"]:
            self.assertEqual(self.found("-", stdin=series)["changepoints"], [], series)
        self.assertIn("no change point", self.check("changepoints", "-", stdin="5\n" * 50).stdout)
        self.assertEqual("standard input: no values, so no change point.\n", self.check("changepoints", "-", stdin="").stdout)

    def test_columns_of_a_table(self):
        lines = STEP.split()
        path = self.write("nightly.csv", "\ufeffcommit;time;noise\r\n" + "".join(f"c{i};{v};{i * 7919 % 13}\r\n" for i, v in enumerate(lines)))
        for words in [[], ["--column", "time"], ["-c", "2"], ["-c", "time", "-c", "noise"]]:
            points = self.found(path, *words)["changepoints"]
            self.assertEqual([(p["index"], p["column"]) for p in points], [(12, "time")], words)
        self.assertEqual(self.found(path, "-c", "noise")["changepoints"], [])

    def test_the_plot_and_the_table(self):
        text = self.check("changepoints", "-", stdin=STEP).stdout
        self.assertIn("standard input: 30 values, 1 change point.", text)
        self.assertRegex(text, r"(?m)^ +12  12\.\.12 +level +10\.1 +15\.1 +\+49\.5 %")
        self.assertRegex(text, r"(?m)^ {25}\^ *$")  # under the first value after the change
        self.assertNotIn("\033", text)
        self.assertIn("\033", self.check("changepoints", "--color", "always", "-", stdin=STEP).stdout)

    def test_mistakes_name_their_place(self):
        path = self.write("times.csv", "time,size\n1,2\n3,oops\n")
        self.refuse("changepoints", path, says="times.csv:3: column 2: 'oops' is no number")
        self.refuse("changepoints", path, "-c", "tme", says="did you mean 'time'?")
        self.refuse("changepoints", "-", stdin="1\ninf\n", says="standard input:2: column 1: 'inf' is infinite")
        self.refuse("changepoints", self.path("absent.csv"), says="absent.csv")
        self.refuse("changepoints", says="FILE|- is missing")


if __name__ == "__main__":
    unittest.main()
