#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The machine: this one, captured ones, and captures that mean harm."""
import glob
import io
import json
import os
import tarfile
import unittest

import story

SHARED = os.environ.get("ASSAY_SHARED_DIR", os.path.join(story.SOURCE, "..", "shared"))
# The unit tests replay all of them; here a small one of each kind shows that the command does.
CAPTURES = sorted(p for kind in ("2arm-*", "apple-*") for p in glob.glob(os.path.join(SHARED, "data", "machines", kind)))


class Machine(story.Story):
    def test_this_machine_in_text_and_json(self):
        text = self.check("machine").stdout
        data = json.loads(self.check("machine", "--json").stdout)
        self.assertEqual(data["schema"], "assay-machine/1")
        self.assertEqual(text.splitlines()[0], data["label"])
        self.assertGreaterEqual(data["cpu"]["threads"], 1)
        for key, cause in data["unavailable"].items():
            self.assertTrue(cause, key)

    def test_gathered_here_replays_as_here(self):
        path = self.check("machine", "gather", "here.tar.gz").stdout.strip()
        self.assertEqual(path, os.path.realpath(self.path("here.tar.gz")))
        live = json.loads(self.check("machine", "--json").stdout)
        again = json.loads(self.check("machine", "--from", "here.tar.gz", "--json").stdout)
        for key in ("cores", "threads", "model", "vendor"):
            self.assertEqual(again["cpu"].get(key), live["cpu"].get(key), key)
        self.assertEqual(again["caches"], live["caches"])
        self.assertEqual(again["memory"]["total_bytes"], live["memory"]["total_bytes"])
        with open(path, "rb") as file:
            piped = self.run_command("machine", "--from", "-", "--json", stdin=file.read(), text=False)
        self.assertEqual(json.loads(piped.stdout)["cpu"]["threads"], live["cpu"]["threads"])
        self.refuse("machine", "gather", "nowhere/here.tar.gz", says="nowhere")

    def test_bandwidth_says_what_is_missing(self):
        words = "device", "bandwidth", "--json", "--device"
        env = {"ASSAY_CACHE_DIR": self.path("no-ceilings-here")}
        total = json.loads(self.check("machine", "--json").stdout)["memory"]["total_bytes"]
        for doubled in range(8):  # a container may have less than the machine
            share = min(1, 2 ** (26 + doubled) / total)
            done = self.run_command(*words, "cpu", env={**env, "ASSAY_MEMORY_FRACTION": f"{share:.9f}"})
            if done.returncode == 0:
                break
        little = json.loads(done.stdout)
        self.assertIn(little["bytes"], (2**24, 2**25, 2**26))  # not twice 256 MiB, for which there is no memory
        self.assertGreater(little["achieved_bytes_per_s"], 0)
        dummy = json.loads(self.check(*words, "dummy", env=env).stdout)
        for data in (little, dummy):
            clauses = data["cause"].split("; ")
            for key, limit in (("ceiling_bytes_per_s", "measured limit: "), ("theory_bytes_per_s", "in theory: ")):
                self.assertEqual(data[key] is None, any(c.startswith(limit) and len(c) > len(limit) for c in clauses), data)
            self.assertIsNone(data["ceiling_bytes_per_s"])

    @unittest.skipUnless(CAPTURES, "no captured machines beside the checkout")
    def test_captured_machines_replay(self):
        for path in CAPTURES:
            data = json.loads(self.check("machine", "--from", path, "--json").stdout)
            self.assertGreaterEqual(data["cpu"]["threads"], 2, path)
            self.assertTrue(data["label"], path)

    @unittest.skipUnless(CAPTURES, "no captured machines beside the checkout")
    def test_a_profile_passes_fails_or_is_unavailable(self):
        apple = [p for p in CAPTURES if "m4" in p]
        done = self.run_command("machine", "check", "--profile", "m4-max", "--from", apple[0], "--json")
        self.assertEqual(done.returncode, 1, done.stderr)
        rows = json.loads(done.stdout)["checks"]
        self.assertTrue(any(row["status"] == "fail" and row["measured"] for row in rows))
        for row in rows:
            if row["status"] == "unavailable":
                self.assertTrue(row["cause"], row)
        self.refuse("machine", "check", "--profile", "m4-mix", says="m4-mix")

    def test_doctor_only_talks(self):
        done = self.run_command("doctor", "--json")
        rows = json.loads(done.stdout)["checks"]
        self.assertEqual(done.returncode, int(any(row["status"] == "fail" for row in rows)))
        self.assertTrue(rows)

    def test_ceilings_are_measured_once_and_drawn(self):
        text = self.check("machine", "ceilings", "--quick", "--svg", "roofline.svg").stdout
        data = json.loads(self.check("machine", "ceilings", "--quick", "--json").stdout)
        self.assertEqual(data["schema"], "assay-ceilings/1")
        self.assertRegex(text, r"memory\.read\.1t\s+[\d.]+ GB/s")
        with open(self.path("roofline.svg"), encoding="utf-8") as file:
            self.assertIn("<svg", file.read())
        self.refuse("machine", "ceilings", "--quick", "--measure", says="--quick")


class Hostile(story.Story):
    def archive(self, name, *members):
        path = self.path(name)
        with tarfile.open(path, "w:gz") as archive:
            for member, content in members:
                info = tarfile.TarInfo(member)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        return path

    def test_no_way_out_of_the_archive(self):
        for member in ("../escaped", "sys/../../escaped", "/../escaped"):
            self.refuse("machine", "--from", self.archive("out.tar.gz", (member, b"x"), ("proc/cpuinfo", b"")), says="out.tar.gz")
            self.assertFalse(os.path.exists(self.path("escaped")))
            self.assertFalse(os.path.exists(os.path.join(os.path.dirname(self.dir), "escaped")))

    def test_what_is_no_capture(self):
        good = self.archive("good.tar.gz", ("proc/cpuinfo", os.urandom(100000)))
        with open(good, "rb") as file:
            content = file.read()
        for name, data in (("cut.tar.gz", content[: len(content) // 2]), ("empty.tar.gz", b""), ("noise.tar.gz", os.urandom(4096))):
            with open(self.path(name), "wb") as file:
                file.write(data)
            self.refuse("machine", "--from", name, says=name)
        self.refuse("machine", "--from", "nowhere.tar", says="nowhere.tar")
        self.refuse("machine", "--from", self.dir, says=self.dir)

    def test_a_bomb_is_stopped(self):
        path = self.path("bomb.tar.gz")
        with tarfile.open(path, "w:gz") as archive:
            for i in range(3):
                info = tarfile.TarInfo(f"sys/bomb{i}")
                info.size = 200_000_000
                archive.addfile(info, Zeros(info.size))
        self.refuse("machine", "--from", "bomb.tar.gz", says="bomb.tar.gz")


class Zeros(io.RawIOBase):
    def __init__(self, size):
        self.left = size

    def read(self, count=-1):
        count = self.left if count < 0 else min(count, self.left)
        self.left -= count
        return bytes(count)


if __name__ == "__main__":
    story.main()
