#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""JSON as exchanges of digital coins send it."""
import csv
import io
import json

import feeds
import story


class RealJson(feeds.Feed):
    """Streams as they are captured: wrapped or not, with snapshots that name nothing, with messages of other kinds among them."""

    TRADE_OF = '{"e":"trade","E":1672515782136,"s":"%s","t":%d,"p":"4.%d","q":"1.0","T":167251578213%d,"m":true}'
    DEPTH = '{"e":"depthUpdate","E":1672515782136,"s":"BNBBTC","U":%d,"u":%d,"b":%s,"a":%s}'

    def shown(self, *lines, symbol="BNBBTC"):
        path = self.write("captured.json", "\n".join(lines) + "\n")
        done = self.run_command("feed", "book", "--symbol", symbol, "--color", "never", path)
        shown = done.stdout
        self.assertEqual(done.returncode, 3 if "STALE" in shown else 0, done.stderr)
        return "STALE" in shown, [tuple(line.split()[:3]) for line in shown.splitlines() if line.strip().startswith(("bid", "ask"))]

    def wrapped(self, stream, text):
        return '{"stream":"%s","data":%s}' % (stream, text)

    def test_a_book_of_small_prices(self):
        """The microprice lies between bid and ask, whatever a step is worth."""
        path = self.write("pepe.json", '{"lastUpdateId":1,"s":"PEPE","bids":[["0.00000050","30"]],"asks":[["0.00000060","10"]]}')
        self.assertEqual(json.loads(self.check("feed", "book", "--json", path).stdout)["microprice"], 5.75e-07)
        self.assertIn("spread 1e-07, microprice 5.75e-07", self.check("feed", "book", path).stdout)

    def test_a_snapshot_that_names_nothing(self):
        snapshot = '{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"]]}'
        first = self.DEPTH % (157, 161, '[["0.0023","5"]]', "[]")
        second = self.DEPTH % (162, 162, "[]", "[]")
        third = self.DEPTH % (163, 164, "[]", '[["0.0026","0"],["0.0027","7"]]')
        right = [("ask", "0.0027", "7"), ("bid", "0.0024", "10"), ("bid", "0.0023", "5")]
        self.assertEqual(self.shown(snapshot, first, second, third), (False, right))
        self.assertEqual(self.shown(first, second, snapshot, third), (False, right))
        self.assertTrue(self.shown(snapshot, first, third)[0])

    def test_a_snapshot_by_itself(self):
        """As one gets it from /api/v3/depth: nothing in the file has a name, and who asks may give one."""
        path = self.write("depth.json", '{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"]]}')
        for options, name in ((["--symbol", "BNBBTC"], "BNBBTC"), ([], "")):
            book = json.loads(self.check("feed", "book", "--json", *options, path).stdout)
            self.assertEqual((book["symbol"], book["stale"], book["bids"][0]["price"], book["asks"][0]["quantity"]), (name, False, 0.0024, 100))
        self.assertEqual(self.check("feed", "book", path).stdout.splitlines()[0], path)
        self.refuse("feed", "book", self.write("none.json", '{"result":null,"id":1}'), says="has none")
        self.refuse("feed", "bars", self.write("klines.json", '[[1499040000000,"0.01"]]'), says="of klines make a table (jq -r '.[] | @csv')")

    def test_trades_that_were_asked_for(self):
        """Lists as /api/v3/trades and aggTrades answer, beside the same trades of a stream."""
        trades = [(i, f"{4 + i % 7 / 100:.8f}", f"{1 + i % 5}.00000000", 1499865549590 + 400 * i, i % 3 == 0) for i in range(300)]
        asked = [{"id": i, "price": p, "qty": q, "quoteQty": "1", "time": t, "isBuyerMaker": m, "isBestMatch": True} for i, p, q, t, m in trades]
        together = [{"a": i, "p": p, "q": q, "f": i, "l": i, "T": t, "m": m, "M": True} for i, p, q, t, m in trades]
        streamed = [{"e": "trade", "E": t, "s": "", "t": i, "p": p, "q": q, "T": t, "m": m} for i, p, q, t, m in trades]
        bars = [self.check("feed", "bars", "--every", "10s", self.write("t.json", json.dumps(list_))).stdout for list_ in (streamed, asked, together)]
        self.assertEqual(len(bars[0].splitlines()), 14)
        self.assertEqual(bars[0], bars[1])
        self.assertEqual(bars[0], bars[2])
        self.refuse("feed", "bars", "--symbol", "LTCBTC", self.path("t.json"), says="it names no symbols: what it has comes without --symbol")

    def test_trades_without_a_name_beside_several(self):
        """Whose they are nobody knows: no symbol gets them. Beside one symbol, they are its own."""
        lines = [self.TRADE_OF % (pair, i, i, i) for i, pair in enumerate(("BNBBTC", "LTCBTC"))]
        asked = json.dumps({"id": 9, "price": "7.0", "qty": "5.0", "quoteQty": "35", "time": 1672515783000, "isBuyerMaker": True})
        for count, volumes in ((1, {"BNBBTC": 6}), (2, {"": 5, "BNBBTC": 1, "LTCBTC": 1})):
            bars = self.check("feed", "bars", "--every", "1h", self.write("t.json", "\n".join([*lines[:count], asked]))).stdout.splitlines()
            self.assertEqual({row.split(",")[0]: float(row.split(",")[6]) for row in bars[1:]}, volumes)

    def test_combined_streams(self):
        lines = [
            self.wrapped("bnbbtc@depth20@100ms", '{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"]]}'),
            self.wrapped("bnbbtc@trade", '{"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,"p":"0.001","q":"100","T":1672515782136,"m":true,"M":true}'),
            self.wrapped("bnbbtc@kline_1m", '{"e":"kline","E":1672515782136,"s":"BNBBTC","k":{"t":1672515780000,"o":"0.0010"}}'),
            self.wrapped("bnbbtc@depth20@100ms", '{"lastUpdateId":170,"bids":[["0.0025","10"]],"asks":[["0.0026","90"]]}'),
        ]
        self.assertEqual(self.shown(*lines), (False, [("ask", "0.0026", "90"), ("bid", "0.0025", "10")]))
        answer = self.answer(self.path("captured.json"))
        self.assertEqual(answer["types"], {"snapshot": 2, "trade": 1, "other": 1})
        shown = self.check("feed", "decode", self.path("captured.json")).stdout
        self.assertIn("snapshot BNBBTC clear price=", shown)  # nobody says when
        self.assertIn("trade BNBBTC trade time=1672515782136000000 side=S", shown)
        self.assertNotIn("time=0", shown)

    def test_names_with_escapes(self):
        """They are the same symbol as without, in whichever message; what would be a command to a terminal reaches none."""
        plain = ['{"lastUpdateId":160,"s":"BNBBTC","bids":[["0.0024","10"]],"asks":[["0.0026","100"]]}', self.DEPTH % (157, 161, '[["0.0023","5"]]', "[]"),
                 '{"e":"trade","E":1672515782136,"s":"BNBBTC","t":1,"p":"0.0024","q":"1","T":1672515782136,"m":true}',
                 '{"e":"trade","E":1672515782137,"s":"BNBBTC","t":2,"p":"0.0025","q":"1","T":1672515782137,"m":true}']
        escaped = [line.replace("BNBBTC", name) for line, name in zip(plain, ("\\u0042NBBTC", "BNB\\u0042TC", "BNBBT\\u0043", "BNBBTC"))]
        self.assertEqual(self.shown(*escaped), self.shown(*plain))
        for words in (("bars", "--every", "1s"), ("flow", "--every", "1s"), ("book", "--symbol", "BNBBTC")):
            of_escaped, of_plain = (self.run_command("feed", *words, self.write("captured.json", "\n".join(lines))) for lines in (escaped, plain))
            self.assertEqual((of_escaped.stdout, of_escaped.stderr), (of_plain.stdout, of_plain.stderr))
        shown = self.check("feed", "decode", self.write("captured.json", plain[2].replace("BNBBTC", "A\\/B\\u001b[31m\\u5e01"))).stdout
        self.assertIn(" A/B\ufffd[31M\u5e01 ", shown)

    def test_trades_told_twice_fill_once(self):
        """The recorded events of a backtest in the book, with one kind of trades and with both."""
        lines = ['{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"]]}', self.DEPTH % (157, 161, '[["0.0023","5"]]', "[]")]
        for i in range(5):
            lines.append('{"e":"trade","E":%d,"s":"BNBBTC","t":%d,"p":"0.0024","q":"1","T":%d,"m":true,"M":true}' % (1672515782136 + i, i, 1672515782136 + i))
            lines.append('{"e":"aggTrade","E":%d,"s":"BNBBTC","a":%d,"p":"0.0024","q":"1","f":%d,"l":%d,"T":%d,"m":true,"M":true}' % (1672515782136 + i, i, i, i, 1672515782136 + i))
        counts = []
        for kept in (lines, [line for line in lines if "aggTrade" not in line]):
            path = self.write("both.json", "\n".join(kept))
            done = self.check("backtest", "--strategy", "market-making", "--set", "quantity=1", "--feed", path, "--symbol", "BNBBTC", "--json")
            counts.append(json.loads(done.stdout)["events"])
            self.assertEqual("5 of kind aggTrade are left out" in done.stderr, kept is lines)
        self.assertEqual(counts[0], counts[1])

    def test_best_prices(self):
        lines = ['{"u":%d,"s":"BNBUSDT","b":"25.35","B":"31.21","a":"25.36","A":"%s"}' % (i, i) for i in (4, 5)]
        self.assertEqual(self.shown(*lines, symbol="BNBUSDT"), (False, [("ask", "25.36", "5"), ("bid", "25.35", "31.21")]))

    def test_trades_that_are_told_twice(self):
        trade = '{"e":"trade","E":%d,"s":"BNBBTC","t":%d,"p":"%s","q":"2","T":%d,"m":true,"M":true}'
        both = '{"e":"aggTrade","E":%d,"s":"BNBBTC","a":%d,"p":"%s","q":"2","f":%d,"l":%d,"T":%d,"m":true,"M":true}'
        other = trade.replace("BNBBTC", "ETHBTC")
        lines, when = [], 1672515782136
        for i in range(10):
            lines += [trade % (when + i, i, "0.5", when + i), both % (when + i, i, "0.5", i, i, when + i)]
        lines += [other % (when, 1, "7", when)]
        done = self.check("feed", "bars", self.write("twice.json", "\n".join(lines)))
        rows = {r["symbol"]: (r["volume"], r["ticks"]) for r in csv.DictReader(io.StringIO(done.stdout))}
        self.assertEqual(rows, {"BNBBTC": ("20", "10"), "ETHBTC": ("2", "1")})
        self.assertIn("10 of kind aggTrade are left out", done.stderr)


if __name__ == "__main__":
    story.main()
