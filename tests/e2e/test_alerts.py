#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Alerts as a user meets them: rules, what a run tells and to whom, and what people say to it."""
import datetime
import http.server
import json
import os
import re
import sqlite3
import threading
import time

import story
from story import FIXTURE, QUICK

RULES = """alerts:
  memory_usage:
    warning: 100MB
    critical: 200MB
"""
LIGHT, HEAVY, HEAVIER = 1_000_000_000, 1_150_000_000, 1_300_000_000


class Receiver(http.server.BaseHTTPRequestHandler):
    """Answers with the codes of its server's list, the last one for ever, and keeps what it was sent."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, dict(self.headers), body))
        codes = self.server.codes
        code = codes.pop(0) if len(codes) > 1 else codes[0]
        self.send_response(code)
        if code == 503:
            self.send_header("Retry-After", self.server.pause)
        self.end_headers()

    def log_message(self, *args):
        pass


class Alerts(story.Story):
    def setUp(self):
        super().setUp()
        if not FIXTURE:
            self.skipTest("the fixture was not built")

    def receiver(self, *codes):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        server.codes, server.requests, server.pause = list(codes), [], "0"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()

        def stop():
            server.shutdown()
            server.server_close()
            thread.join()

        self.addCleanup(stop)
        return server, f"http://127.0.0.1:{server.server_address[1]}"

    def run_once(self, weight, *more):
        """What is measured is the story's own, so the verdict does not hang on how busy the machine is."""
        return self.run_command("run", "--filter", "own/weight", *QUICK, "--format", "json", "--no-progress", *more, program=FIXTURE, env={"FIXTURE_BYTES": str(weight)})

    def provoke(self, rules="rules.yaml"):
        self.assertIn("no earlier run", self.run_once(LIGHT, "--alerts", rules).stdout)
        heavy = self.run_once(HEAVY, "--alerts", rules)
        self.assertRegex(heavy.stdout, r"warning +new +[0-9a-f]{8} +own/weight weight \+15\.0 %")
        return heavy

    def alerts(self, *words):
        return json.loads(self.check("alerts", "list", "--json", *words).stdout)

    def test_a_slow_down_is_told_once_to_everybody(self):
        server, url = self.receiver(503, 200)
        self.write("rules.yaml", RULES + f"""channels:
  - file: out/alerts.jsonl
    resolved: true
  - command: ["sh", "-c", "cat > stdin.json; printf %s \\"$1\\" > title.txt", "x", "{{title}}"]
  - command: "echo {{level}} '{{title}}' \\"{{id}}\\" {{title}} >> said.txt; exit 3"
  - webhook: {url}/hook/${{SECRET}}
    headers: ["Authorization: Bearer ${{SECRET}}"]
  - command: [sleep, "60"]
    timeout: 300ms
  - webhook: http://127.0.0.1:1/nobody
    level: critical
""".replace("{{", "{").replace("}}", "}").replace("{url}", url))
        os.mkdir(self.path("out"))
        os.environ["SECRET"] = "s3cret"
        self.addCleanup(os.environ.pop, "SECRET")
        slow = self.provoke()
        self.assertEqual(slow.returncode, 2, slow.stdout)  # a channel failed
        self.assertIn("deliveries failed", slow.stderr)
        self.assertIn("ended with code 3", slow.stderr)

        alert, = self.alerts()["alerts"]
        self.assertEqual((alert["schema"], alert["level"], alert["state"]), ("assay-alert/1", "warning", "open"))
        self.assertEqual((alert["changes"][0]["benchmark"], round(alert["changes"][0]["before"]), round(alert["changes"][0]["after"])), ("weight", LIGHT, HEAVY))
        self.assertAlmostEqual(alert["change_ratio"], 0.15)
        line = json.loads(self.read("out", "alerts.jsonl").splitlines()[0])
        self.assertEqual(line["id"], alert["id"])
        self.assertEqual(json.loads(self.read("stdin.json"))["id"], alert["id"])
        self.assertEqual(self.read("title.txt"), alert["title"])
        self.assertEqual(self.read("said.txt").splitlines()[0], f"warning {alert['title']} {alert['id']} {alert['title']}")
        path, headers, body = server.requests[-1]
        self.assertEqual(len(server.requests), 2)  # the first answer was 503
        self.assertEqual((path, headers["Authorization"], headers["Content-Type"]), ("/hook/s3cret", "Bearer s3cret", "application/json"))
        self.assertEqual(json.loads(body), line)

        again = self.run_once(HEAVY, "--alerts", "rules.yaml")
        self.assertIn("nothing new", again.stdout)
        self.assertEqual(len(server.requests), 2)
        self.assertEqual(len(self.read("out", "alerts.jsonl").splitlines()), 1)

        gone = self.run_once(LIGHT, "--alerts", "rules.yaml")
        self.assertIn("resolved", gone.stdout)
        self.assertEqual(json.loads(self.read("out", "alerts.jsonl").splitlines()[1])["state"], "resolved")
        self.assertEqual(len(server.requests), 2)  # it did not ask for those
        self.assertEqual(self.alerts()["alerts"], [])
        self.assertEqual(self.alerts("--all")["alerts"][0]["state"], "resolved")

    def test_what_was_not_delivered_is_delivered_later(self):
        server, url = self.receiver(500)
        self.write("rules.yaml", RULES + f"channels: [{{webhook: {url}, attempts: 1}}]\n")
        slow = self.provoke()
        self.assertIn("tried again with the next run", slow.stderr)
        self.assertEqual(slow.returncode, 2)
        server.codes[:] = [204]
        before = len(server.requests)
        later = self.run_once(HEAVY, "--alerts", "rules.yaml")
        self.assertEqual(later.stderr, "")
        self.assertEqual(len(server.requests), before + 1)
        self.assertEqual(json.loads(server.requests[-1][2])["id"], self.alerts()["alerts"][0]["id"])
        self.run_once(HEAVY, "--alerts", "rules.yaml")
        self.assertEqual(len(server.requests), before + 1)

    def test_what_waits_for_others_keeps_nobody_waiting(self):
        server, url = self.receiver(500)
        self.write("rules.yaml", RULES + f"channels: [{{webhook: {url}, attempts: 1}}]\n")
        self.provoke()
        self.assertIsNone(self.alerts()["alerts"][0]["noise_floor"])  # two runs tell nothing of it
        db = sqlite3.connect(self.path("benchmark_results/history.db"))
        with db:
            for n in range(60):  # of another project with the same history
                text = json.dumps({"schema": "assay-outbox/1", "channel": "elsewhere", "id": f"{n:016}", "title": "t", "level": "warning",
                                   "body": "{}", "tries": 1, "since_s": int(time.time())})
                db.execute("INSERT INTO documents(kind, key, changed_at_s, document) VALUES('outbox', ?, 0, ?)", (f"!{n:03}", text))
        db.close()
        server.codes[:] = [204]
        before = len(server.requests)
        self.run_once(HEAVY, "--alerts", "rules.yaml")
        self.assertEqual(len(server.requests), before + 1)

    def test_people_acknowledge_and_mute(self):
        self.write("rules.yaml", RULES)
        self.assertEqual(self.provoke().returncode, 1)
        alert, = self.alerts()["alerts"]
        self.assertIn("is acknowledged until", self.check("alerts", "ack", alert["id"][:6], "--for", "7d", "--reason", "known").stdout)
        self.assertIn("acknowledged until 2", self.check("alerts", "-v").stdout)
        acknowledged, = self.alerts()["alerts"]
        self.assertEqual((acknowledged["state"], acknowledged["reason"]), ("acknowledged", "known"))
        self.check("alerts", "mute", "*/weight", "--until", "2099-01-01", "--reason", "new rack")
        self.assertEqual(self.alerts()["mutes"], [{"glob": "*/weight", "until_s": self.alerts()["mutes"][0]["until_s"], "reason": "new rack"}])
        self.assertIn("until 2099-01-01 00:00  */weight: new rack", self.check("alerts").stdout)
        # 18:30 on the day on which clocks go forward, whatever hour it was at midnight
        self.check("alerts", "mute", "*/late", "--until", "2099-03-29T18:30:05", "--reason", "x", env={"TZ": "CET-1CEST,M3.5.0,M10.5.0/3"})
        late, = [mute["until_s"] for mute in self.alerts()["mutes"] if mute["glob"] == "*/late"]
        self.assertEqual(late, datetime.datetime(2099, 3, 29, 16, 30, 5, tzinfo=datetime.timezone.utc).timestamp())
        self.check("alerts", "unmute", "*/late")
        self.refuse("alerts", "unmute", "*/weigt", says="did you mean '*/weight'?")
        self.check("alerts", "unmute", "*/weight")
        self.assertEqual(self.alerts()["mutes"], [])
        self.refuse("alerts", "ack", "ffffffff", says="there is no alert ffffffff")
        self.refuse("alerts", "ack", alert["id"], "--for", "soon", says="--for needs a length of time such as")
        self.refuse("alerts", "ack", alert["id"], "--until", "2020-01-01", says="is over already")
        self.refuse("alerts", "ack", alert["id"], "--until", "2099-02-30", says="--until needs a date")
        self.refuse("alerts", "mute", "x", says="a mute needs an end")

    def test_against_a_baseline_it_rises_to_critical(self):
        self.write("rules.yaml", RULES)
        self.check("run", "--filter", "own/weight", *QUICK, "--export-baselines", program=FIXTURE)
        against = ["--alerts", "rules.yaml", "--regression-check"]
        self.assertRegex(self.run_once(HEAVY, *against).stdout, "warning +new")
        self.check("alerts", "ack", self.alerts()["alerts"][0]["id"])
        self.assertRegex(self.run_once(HEAVY, *against).stdout, "warning +acknowledged")
        self.assertRegex(self.run_once(HEAVIER, *against).stdout, "critical +new")
        alert, = self.alerts()["alerts"]
        self.assertEqual((alert["state"], alert["level"], round(alert["changes"][0]["before"])), ("open", "critical", LIGHT))

    def test_rules_are_explained_and_refused(self):
        self.write("rules.yaml", "alerts:\n  time: 20%\n  tmie: 5%\n  '*/weight:weight': 5ms\n  memory: {warning: 10ms}\nchannels: [{file: a.jsonl}]\n")
        self.assertIn("there is no history to look at", self.check("alerts", "check", "rules.yaml").stdout)
        self.run_once(LIGHT)
        text = self.check("alerts", "check", "rules.yaml").stdout
        self.assertIn("time (line 2): warning from 20%", text)
        self.assertRegex(text, r"applies to \d+: .*/weight:time")
        self.assertIn("did you mean the metric 'time'?", text)
        rules = json.loads(self.check("alerts", "check", "rules.yaml", "--json").stdout)["rules"]
        self.assertEqual([r["name"] for r in rules], ["time", "tmie", "*/weight:weight", "memory"])
        self.assertEqual(rules[1]["applies_to"], [])
        self.write("wrong.yaml", "alerts:\n  time:\n    warn: 20%\n")
        self.refuse("alerts", "check", "wrong.yaml", says="wrong.yaml:3:5: unknown key 'warn'; did you mean 'warning'?")
        self.refuse("alerts", "check", "nowhere.yaml", says="nowhere.yaml")
        self.refuse("run", "--alerts", "wrong.yaml", says="wrong.yaml:3:5")
        self.refuse("run", "--alerts", "rules.yaml", "--no-history", says="--no-history cannot go with --alerts")

    def test_what_the_documentation_shows_is_read(self):
        self.check("alerts", "check", os.path.join(story.SOURCE, "examples", "monitor", "alerts.yaml"))
        with open(os.path.join(story.SOURCE, "docs", "alerts.md"), encoding="utf-8") as file:
            blocks = re.findall(r"^```(yaml|toml)\n(.*?)^```", file.read(), flags=re.M | re.S)
        self.assertEqual([kind for kind, _ in blocks], ["yaml", "toml", "yaml"])
        for kind, text in blocks:
            self.write("shown." + kind, text if "alerts" in text.split("channels")[0] else "alerts: {}\n" + text)
            self.check("alerts", "check", "shown." + kind)

    def test_channels_can_be_tried(self):
        server, url = self.receiver(200)
        self.write("rules.toml", f"""[alerts]
time = "10%"
[[channels]]
webhook = "{url}/x?key=secret"
[[channels]]
file = "there/is/no/such/folder"
""")
        done = self.check("alerts", "test", "rules.toml", code=1)
        self.assertIn("✓", done.stdout)
        self.assertIn("cannot append to there/is/no/such/folder", done.stdout)
        self.assertNotIn("key=secret", done.stdout)
        self.assertEqual(json.loads(server.requests[0][2])["title"], "A test of the alert channels: nothing is wrong")
        self.write("none.yaml", RULES)
        self.refuse("alerts", "test", "none.yaml", says="has no channels to test")

    def test_no_message_has_a_secret_of_a_channel(self):
        _, url = self.receiver(404)
        self.write("rules.yaml", RULES + f"""channels:
  - webhook: {url}/hooks/${{HOOK_SECRET}}
  - webhook: {url}/hooks/T0P-SECRET-1
    name: chat
  - command: "TOKEN=T0P-SECRET-2 false '{{title}}'"
    attempts: 1
  - command: "false T0P-SECRET-3"
    attempts: 1
    name: mailer
""")
        hook = {"HOOK_SECRET": "T0P-SECRET-0"}
        for done in (self.run_command("alerts", "test", "rules.yaml", env=hook), self.run_command("alerts", "check", "rules.yaml")):
            text = done.stdout + done.stderr
            for number in "0123":
                self.assertNotIn(f"T0P-SECRET-{number}", text)
        text = self.check("alerts", "test", "rules.yaml", code=1, env=hook).stdout
        self.assertIn("answered 404", text)
        self.assertIn("'a shell line' ended with code 1", text)
        self.assertIn("'false ...' ended with code 1", text)
        os.environ.update(hook)
        self.addCleanup(os.environ.pop, "HOOK_SECRET")
        slow = self.provoke()
        self.assertIn("deliveries failed", slow.stderr)
        for number in "0123":
            self.assertNotIn(f"T0P-SECRET-{number}", slow.stderr + slow.stdout + self.read("benchmark_run.log"))

    def test_a_server_that_asks_for_patience_holds_up_nobody(self):
        server, url = self.receiver(503)
        server.pause = "30"
        self.write("rules.yaml", RULES + f"channels:\n  - webhook: {url}/a\n    attempts: 5\n    timeout: 2s\n  - file: after.jsonl\n")
        begun = time.monotonic()
        done = self.check("alerts", "test", "rules.yaml", code=1)
        self.assertLess(time.monotonic() - begun, 60)  # four times 30 s were asked for
        self.assertIn("answered 503", done.stdout)
        self.assertEqual(len(server.requests), 1)
        self.assertEqual(len(self.read("after.jsonl").splitlines()), 1)


if __name__ == "__main__":
    story.main()
