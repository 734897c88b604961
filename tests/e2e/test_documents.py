#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What documents and help show is what a newcomer types: every line of finance and of market data works on files of the names that it has."""
import datetime
import gzip
import os
import random
import re
import shutil
import subprocess
import unittest

import story

DOCUMENTS = ["README.md", "docs/backtest.md", "docs/book.md", "docs/cli.md", "docs/feeds.md", "docs/indicators.md", "docs/montecarlo.md", "docs/options.md",
             "docs/portfolio.md", "docs/risk.md"]
FAMILIES = ("price", "indicator", "risk", "portfolio", "backtest", "feed")
ENDLESS = ("feed serve", "feed watch")  # test_websocket.py has them


class Documents(story.Story):
    def table(self, name, seed, first="2000-01-03", rows=1500, names=("AAPL",), days=1):
        draw, day = random.Random(seed), datetime.date.fromisoformat(first)
        prices = {symbol: 50.0 for symbol in names}
        lines = ["symbol,date,open,high,low,close,volume" if len(names) > 1 else "date,open,high,low,close,volume"]
        for _ in range(rows):
            market = draw.gauss(0.0005, 0.01) * (4 if draw.random() < 0.05 else 1) * days ** 0.5  # the tails that prices have
            for place, symbol in enumerate(names):
                begin, end = prices[symbol], prices[symbol] * (1 + market + draw.gauss(0.0005 + 0.01 * place, 0.01))
                prices[symbol] = end
                cells = f"{day},{begin:.4f},{max(begin, end) * 1.004:.4f},{min(begin, end) * 0.996:.4f},{end:.4f},{draw.randrange(1000, 9000)}"
                lines.append(f"{symbol},{cells}" if len(names) > 1 else cells)
            day += datetime.timedelta(days=days)
        self.write(name, "\n".join(lines) + "\n")

    def feed(self, name, symbol, *words):
        """A recorded stream in which the first symbol is called what the lines ask for."""
        path = self.path(name)
        self.check("feed", "generate", "--messages", "50000", "--symbols", "3", "-o", path, *words)
        with open(path, "rb") as file:
            data = file.read()
        made = b"SYM0001 " if len(symbol) < 8 and "json" not in words else b"SYM0001"
        with open(path, "wb") as file:
            file.write(data.replace(made, symbol.encode().ljust(len(made))).replace(made.lower(), symbol.lower().encode().ljust(len(made))))
        return path

    def make_files(self):
        self.table("sp500.csv", 1)
        shutil.copy(self.path("sp500.csv"), self.path("prices.csv"))
        self.table("stock.csv", 2, first="2023-06-01", rows=400)
        self.table("stocks.csv", 3, rows=120, names=("MSFT", "AAPL", "AMZN", "IBM", "GOOG"), days=30)
        for seed, name in enumerate(("KO.csv", "PEP.csv", "prices/a.csv", "prices/b.csv"), 4):
            os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
            self.table(name, seed)
        self.write("options.csv", "type,spot,strike,time,volatility\ncall,100,110,0.25,0.2\nput,100,110,0.5,0.3\n")
        self.write("quotes.csv", "type,spot,strike,time,price\ncall,100,110,0.25,1.19\nput,100,110,0.25,9.9\n")
        self.write("orders.csv", "kind,id,account,symbol,side,type,tif,price,quantity\nnew,1,7,AAPL,sell,limit,gtc,100,300\nnew,2,9,AAPL,buy,limit,ioc,101,100\n")
        with open(self.feed("day.itch", "AAPL"), "rb") as file:
            day = file.read()
        for name in ("day.itch.gz", "01302020.NASDAQ_ITCH50.gz"):
            with gzip.open(self.path(name), "wb", 1) as file:
                file.write(day)
        self.feed("trades.dbn", "AAPL", "--format", "dbn")
        if shutil.which("zstd") is not None:
            subprocess.run(["zstd", "-q", self.path("trades.dbn"), "-o", self.path("trades.dbn.zst")], check=True)
        else:
            shutil.copy(self.path("trades.dbn"), self.path("trades.dbn.zst"))  # known by what is in it
        for name in ("trades.json", "depth.json"):
            self.feed(name, "BTCUSDT", "--format", "json")
        found = re.search(r"rows\s+([0-9a-f]{64})", self.check("feed", "match", "--price-decimals", "2", self.path("orders.csv")).stdout)
        self.write("orders.sha256", found.group(1) if found else "")

    def lines_of_documents(self):
        for document in DOCUMENTS:
            with open(os.path.join(story.SOURCE, document), encoding="utf-8") as file:
                for number, line in enumerate(file, 1):
                    found = re.match(r"    (?:\$ )?((?:build/)?assay .*|printf .*)", line)
                    if found:
                        yield f"{document}:{number}", found.group(1).replace("build/assay", "assay")

    def lines_of_help(self):
        verbs = re.findall(r"(?m)^  ((?:%s)(?: [a-z-]+)?)  " % "|".join(FAMILIES), self.check("--help").stdout)
        for family in FAMILIES:
            verbs += [f"{family} {word}" for word in re.findall(r"(?m)^  (?:assay )?(?:%s )?([a-z-]+)  " % family, self.check(family, "--help").stdout)]
        for verb in sorted(set(verbs)):
            done = self.run_command(*verb.split(), "--help")
            for line in re.findall(r"(?m)^  (assay .*)$", done.stdout.partition("\nExamples:")[2]) if done.returncode == 0 else []:
                yield f"{verb} --help", line

    @unittest.skipIf(shutil.which("bash") is None, "no bash")
    def test_lines_work(self):
        self.make_files()
        os.makedirs(self.path("bin"))
        os.symlink(story.ASSAY, self.path("bin", "assay"))
        tried, families = set(), set()
        for place, line in [*self.lines_of_documents(), *self.lines_of_help()]:
            words = line.split()
            if words[0] == "assay" and (words[1] not in FAMILIES or " ".join(words[1:3]) in ENDLESS) or line in tried:
                continue
            tried.add(line)
            if "american" in line and "--model" in line:
                line += " --paths 16384"  # as they stand they take half a minute of a busy machine
            families.add(" ".join(words[1:3]))
            done = self.run_command("-c", "set -o pipefail; " + line, program="bash", env={"PATH": self.path("bin") + ":" + os.environ["PATH"]})
            fine = (0, 141) if "| head" in line else (0,)
            self.assertIn(done.returncode, fine, f"{place}: {line}\n--- stdout\n{done.stdout}\n--- stderr\n{done.stderr}")
        self.assertGreater(len(tried), 60)  # a document that was written otherwise is not taken for one without lines
        for wanted in ("price asian", "risk stress", "portfolio frontier", "feed flow", "feed match", "backtest --strategy", "indicator rsi"):
            self.assertIn(wanted, families)


if __name__ == "__main__":
    story.main()
