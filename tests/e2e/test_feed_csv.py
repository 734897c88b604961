#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tables of trades, of bars and of orders."""
import csv
import datetime
import io
import json
import os
import pathlib

import feeds
import story


class Tables(feeds.Feed):
    def test_trades_have_no_book(self):
        self.refuse("feed", "book", "--symbol", "SYM0001", self.make("csv"), says="orders or price levels")

    def test_what_a_cell_leaves_open(self):
        """Other rows say it, of a pipe too; else the row is told with what would be clear."""
        dates = "date,price\n" + "".join(f"{month:02}/{day:02}/2024,{day}\n" for month in (1, 2) for day in range(1, 29))
        for words, stdin in ((self.write("american.csv", dates), None), ("-", dates)):
            bars = list(csv.DictReader(io.StringIO(self.check("feed", "bars", "--every", "30d", words, stdin=stdin).stdout)))
            self.assertEqual(sum(int(b["ticks"]) for b in bars), 56)
            self.assertTrue(all(datetime.datetime(2023, 12, 1).timestamp() < int(b["time"]) / 1e9 < datetime.datetime(2024, 3, 1).timestamp() for b in bars))
        for text, says in (("date,price\n01/02/2024,1\n02/02/2024,2\n", "message 1 at byte 11, field date: either number may be the day, and no row nearby says which; write dates as 2026-12-24"),
                           ("date,time,price\n20240102,1000,1\n", "field time: hours and minutes, or minutes and seconds: no row nearby says which; write times as 09:30:00"),
                           ("time;price\n1704205800;1,234\n", "field price: a comma or point may part thousands or decimals here, and no row nearby says which; write numbers as 1234.5")):
            self.assertIn(says, self.check("feed", "decode", self.write("open.csv", text), code=2).stdout)

    def test_points_and_commas_of_one_column(self):
        """What was read of a column counts, however long its numbers are: 1.234 is not a thousand behind 1.5."""
        for first in ("1.5", "95.5", "37000.1250", "100.03"):
            rows = f'time,price\n1704205800,{first}\n1704205860,"1.234,50"\n1704205920,1.234\n'
            done = self.check("feed", "bars", "--every", "1m", self.write("mixed.csv", rows), code=2)
            self.assertEqual([float(b["close"]) for b in csv.DictReader(io.StringIO(done.stdout))], [float(first), 1.234])
            self.assertIn("message 2 at byte", done.stderr)

    def test_times_of_a_day_with_an_offset(self):
        """Just behind midnight in the east it is the day before."""
        rows = "date,time,price\n2024-01-02,00:30:00+02:00,1\n2024-01-02,23:30:00-05:00,2\n"
        done = self.check("feed", "bars", "--every", "30m", self.write("east.csv", rows))
        times = [datetime.datetime.fromtimestamp(int(b["time"]) // 10**9, datetime.timezone.utc).isoformat() for b in csv.DictReader(io.StringIO(done.stdout))]
        self.assertEqual(times, ["2024-01-01T22:30:00+00:00", "2024-01-03T04:30:00+00:00"])
        for row, says in (("1970-01-01,00:30:00+02:00,1", "no time since 1970"), ("2024-01-02,x,1", "no time of a day, and none since 1970")):
            said = self.check("feed", "decode", self.write("odd.csv", f"date,time,price\n{row}\n"), code=2).stdout
            self.assertIn(says if says == "no time since 1970" else "field time: no time", said)

    def test_tables_that_begin_with_the_newest_row(self):
        table = self.write("down.csv", "Gmt time,Open,High,Low,Close,Volume\n" + "".join(f"{d:02}.01.2024 22:00:00.000,1,2,1,2,5\n" for d in range(9, 4, -1)))
        for every in ("1d", "31d"):  # also where all rows are of one bar
            self.refuse("feed", "bars", "--every", every, table, says="has to begin with its oldest row")

    def test_bars_of_currencies_have_no_volume(self):
        rows = "20240102 093000;1.1;1.3;1.0;1.2;0\n20240102 093100;1.2;1.4;1.1;1.3;0\n"
        done = self.check("feed", "bars", "--every", "1h", self.write("DAT_ASCII_EURUSD_M1.csv", rows))
        self.assertEqual(done.stdout.splitlines()[1].split(",")[:7], ["", "1704186000000000000", "1.1", "1.4", "1", "1.3", "0"])

    def test_bars_without_names_are_the_same_to_all(self):
        """As a feed and as a table of finance: as many bars, of the same days."""
        bars = [(100 + i % 7, 109, 98, 101 + i % 5, 1000 + i) for i in range(30)]
        forms = {"histdata": lambda i: f"202401{i + 1:02} 093000;%s", "metatrader": lambda i: f"2024.01.{i + 1:02};09:30;%s", "kibot": lambda i: f"01/{i + 1:02}/2024;09:30;%s",
                 "german": lambda i: f"{i + 1:02}.01.2024;09:30;%s", "written": lambda i: f"Jan {i + 1} 2024 09:30;%s"}
        for name, form in forms.items():
            for separator in ";,":
                text = "".join((form(i) % ";".join(map(str, b))).replace(";", separator) + "\n" for i, b in enumerate(bars))
                path = self.write(name + ".csv", text)
                self.assertEqual(self.answer(path)["types"], {"bar": 30}, name)
                rows = list(csv.DictReader(io.StringIO(self.check("feed", "bars", "--every", "1d", path).stdout)))
                self.assertEqual([(float(r["open"]), float(r["close"]), float(r["volume"])) for r in rows], [(b[0], b[3], b[4]) for b in bars], name)
                done = json.loads(self.check("backtest", "--strategy", "hold", "--json", "--data", path).stdout)
                self.assertEqual((done["metrics"]["bars"], done["from"][:10], done["to"][:10]), (30, "2024-01-01", "2024-01-30"), name)
                self.assertEqual(int(rows[0]["time"]) // 86400 // 10**9, 19723, name)

    def test_a_table_that_is_cut_off(self):
        """A file of sysfs says that it has a page, and has less, as one that becomes shorter meanwhile."""
        path = "/sys/devices/system/cpu/online"
        if not os.path.exists(path) or os.path.getsize(path) <= len(pathlib.Path(path).read_bytes()):
            self.skipTest("no such file of sysfs")
        self.refuse("risk", "var", path, says="became shorter while it was read")

    def test_longer_bars_of_bars(self):
        rows = "open_time,open,high,low,close,volume\n1704153600000,3,9,2,4,1\n1704153660000,4,5,1,2,2\n"
        out = self.check("feed", "bars", "--every", "1h", self.write("klines.csv", rows)).stdout
        (bar,) = csv.DictReader(io.StringIO(out))
        self.assertEqual([float(bar[k]) for k in ("open", "high", "low", "close", "volume", "ticks")], [3, 9, 1, 2, 3, 2])
        self.refuse("feed", "bars", "--every", "10ticks", self.path("klines.csv"), says="only trades")
        wrong = self.write("wrong.csv", rows.replace("4,5,1,2,2", "4,1,5,2,2") + "1704153720000,6,7,6,7,4\n")
        done = self.check("feed", "bars", "--every", "1h", wrong, code=2)
        (bar,) = csv.DictReader(io.StringIO(done.stdout))
        self.assertEqual([float(bar[k]) for k in ("open", "high", "low", "close", "volume")], [3, 9, 2, 7, 5])
        late = self.write("late.csv", rows + "1704067200000,3,9,2,4,1\n")
        self.assertIn("are in none: 1\n", self.check("feed", "bars", "--every", "1h", late).stderr)
        self.assertIn("message 2 at byte 61, field high: below the low", done.stderr)
        self.refuse("backtest", "--strategy", "hold", "--data", wrong, says="wrong.csv:3: ")

    def test_prices_without_quantities(self):
        rows = "symbol,date,price\nMSFT,Jan 1 2000,39.81\nMSFT,Feb 1 2000,36.35\nAMZN,Jan 1 2000,64.56\n"
        bars = list(csv.DictReader(io.StringIO(self.check("feed", "bars", "--every", "1d", self.write("prices.csv", rows)).stdout)))
        self.assertEqual([(b["symbol"], b["close"], b["volume"], b["ticks"]) for b in bars], [("MSFT", "39.81", "0", "1"), ("MSFT", "36.35", "0", "1"), ("AMZN", "64.56", "0", "1")])
        rows = "date,open,high,low,close\n2024-01-02,3,9,2,4\n2024-01-03,4,5,1,2\n"
        (bar,) = csv.DictReader(io.StringIO(self.check("feed", "bars", "--every", "365d", self.write("ranges.csv", rows)).stdout))
        self.assertEqual([float(bar[k]) for k in ("open", "high", "low", "close", "volume")], [3, 9, 1, 2, 0])


class Lobster(feeds.Feed):
    """A file of orders that begins inside a day, called as they are."""

    def test_decode_bars_book_and_backtest(self):
        rows = ["34200.004241176,1,11,18,5853300,1", "34200.02,1,12,18,5859100,-1", "34200.03,1,13,50,5860000,-1", "34200.2,4,11,8,5853300,1", "34200.3,5,0,100,5855000,1",
                "34260.4,2,13,20,5860000,-1", "34260.5,3,12,18,5859100,-1", "34261,7,0,0,-1,-1"]
        path = self.write("AAPL_2012-06-21_34200000_57600000_message_5.csv", "\n".join(rows) + "\n")
        shown = json.loads(self.check("feed", "book", "--json", path).stdout)
        self.assertEqual((shown["symbol"], shown["stale"]), ("AAPL", False))
        self.assertEqual([(x["price"], x["quantity"]) for x in shown["bids"] + shown["asks"]], [(585.33, 10), (586, 30)])
        bars = list(csv.DictReader(io.StringIO(self.check("feed", "bars", path).stdout)))
        self.assertEqual([[bar[k] for k in ("symbol", "open", "close", "volume", "buy_volume", "sell_volume")] for bar in bars], [["AAPL", "585.33", "585.5", "108", "0", "108"]])
        self.check("backtest", "--strategy", "market-making", "--feed", path)
        late = self.write("MSFT_message.csv", "\n".join(rows[3:]) + "\n")  # of orders that rested before
        self.assertEqual(json.loads(self.check("feed", "book", "--json", late, code=3).stdout)["unknown"], 3)
        bars = list(csv.DictReader(io.StringIO(self.check("feed", "bars", late).stdout)))
        self.assertEqual((bars[0]["volume"], bars[0]["sell_volume"]), ("108", "108"))

    def test_levels_of_lobster(self):
        self.refuse("feed", "book", self.write("AAPL_2012-06-21_34200000_57600000_orderbook_1.csv", "5859400,200,5853300,18\n"), says="its message file makes the same book")

    def test_orders_of_lobster_in_a_pipe(self):
        rows = "34200.01,1,11,100,1000000,1\n34200.02,1,12,100,1010000,-1\n"
        self.assertEqual(json.loads(self.check("feed", "book", "--json", "-", stdin=rows).stdout)["symbol"], "stdin")


if __name__ == "__main__":
    story.main()
