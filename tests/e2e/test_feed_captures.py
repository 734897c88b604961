#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Captures of a network."""
import gzip
import json
import pathlib
import random
import struct

import feeds
import story


class Captures(feeds.Feed):
    """What tcpdump and Wireshark write of a feed's packets, beside the file of the same messages."""

    MAC, GROUP = b"\x01\0\x5e\1\2\3\0\1\2\3\4\5", b"\xe9\x36\x0c\x6f"

    def datagrams(self, path, each=7):
        data, at, blocks = pathlib.Path(path).read_bytes(), 0, []
        while at < len(data):
            length = struct.unpack_from(">H", data, at)[0]
            blocks.append(data[at : at + 2 + length])
            at += 2 + length
        for i in range(0, len(blocks), each):
            some = blocks[i : i + each]
            yield b"SESSION001" + struct.pack(">QH", i + 1, len(some)) + b"".join(some)
        yield b"SESSION001" + struct.pack(">QH", len(blocks) + 1, 0xFFFF)

    def ip(self, payload, six=False):
        udp = struct.pack(">HHHH", 40000, 26477, 8 + len(payload), 0) + payload
        if six:
            return struct.pack(">IHBB", 6 << 28, len(udp), 17, 1) + bytes(32) + udp
        return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 1, 17, 0, b"\n\0\0\1", self.GROUP) + udp

    def pcap(self, frames, link=1, order="<", magic=0xA1B2C3D4):
        records = (struct.pack(order + "IIII", 1, 0, len(f), len(f)) + f for f in frames)
        return struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link) + b"".join(records)

    def pcapng(self, frames, order="<"):
        def block(kind, body):
            body += b"\0" * (-len(body) % 4)
            return struct.pack(order + "II", kind, 12 + len(body)) + body + struct.pack(order + "I", 12 + len(body))

        def half(i, f):  # enhanced and simple packets, in turns
            return block(6, struct.pack(order + "IIIII", 0, 0, 0, len(f), len(f)) + f) if i % 2 else block(3, struct.pack(order + "I", len(f)) + f)

        begin = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)) + block(1, struct.pack(order + "HHI", 1, 0, 0)) + block(5, b"what")
        return begin + b"".join(half(i, f) for i, f in enumerate(frames))

    def see(self, data, code=0, **more):
        path = self.path("some.pcap")
        pathlib.Path(path).write_bytes(data)
        done = self.check("feed", "decode", "--json", path, code=code, **more)
        return json.loads(done.stdout)["messages"], done.stderr

    def setUp(self):
        super().setUp()
        self.plain = self.make("itch")
        self.sent = list(self.datagrams(self.plain))
        self.ether = [self.MAC + b"\x08\0" + self.ip(p) for p in self.sent]
        self.messages = self.answer(self.plain)["messages"]

    def test_every_kind_of_capture_is_the_same_stream(self):
        tagged = [self.MAC + b"\x88\xa8\0\1\x81\0\0\2\x86\xdd" + self.ip(p, six=True) for p in self.sent]
        ips = [self.ip(p) for p in self.sent]
        for data in (self.pcap(self.ether), self.pcap([f + bytes(64) for f in self.ether]), self.pcap(tagged, order=">", magic=0xA1B23C4D),
                     self.pcap(ips, link=101), self.pcap([bytes(14) + b"\x08\0" + p for p in ips], link=113),
                     self.pcap([b"\x08\0" + bytes(18) + p for p in ips], link=276), self.pcap([b"\2\0\0\0" + p for p in ips], link=0),
                     self.pcap([f[:12] + b"\x91\0\0\1\x81\0\0\2" + f[12:] for f in self.ether]), self.pcap(ips, link=228),
                     self.pcap([self.MAC + b"\x88\x47\0\0\x10\x40\0\0\x21\x40" + p for p in ips]), self.pcap([b"\0\0\0\2" + p for p in ips], link=108),
                     self.pcap([f[:18 + 6] + b"\0" + f[18 + 7 : 18 + 40] + b"\x3c\1" + bytes(14) + b"\x11\0" + bytes(6) + f[18 + 40 :]
                                for f in (self.MAC + b"\x81\0\0\1\x86\xdd" + self.ip(p, six=True) for p in self.sent)]),
                     self.pcapng(self.ether), self.pcapng(self.ether, ">"), gzip.compress(self.pcapng(self.ether))):
            self.assertEqual(self.see(data), (self.messages, ""))
            for verb in (["bars"], ["book", "--symbol", "SYM0001", "--json"]):
                shown = [self.check("feed", *verb, p).stdout.replace(p, "") for p in (self.plain, self.path("some.pcap"))]
                self.assertEqual(*shown)

    def test_both_lines_of_a_feed_and_what_else_is_there(self):
        other = self.MAC + b"\x08\6" + bytes(28), self.MAC + b"\x08\0" + self.ip(b"who is there?")
        frames = [other[0], self.ether[0]]
        for a, b in zip(self.ether[1::2], self.ether[2::2]):
            frames += [b, other[1], a, a, b]
        frames += self.ether[-2:]
        messages, said = self.see(self.pcap(frames))
        self.assertEqual(messages, self.messages)
        self.assertIn("are no MoldUDP64", said)
        pathlib.Path(self.path("none")).write_bytes(self.pcap(other))
        self.refuse("feed", "decode", "none", says="none of which is MoldUDP64")

    def test_what_is_missing_is_told(self):
        lost = self.pcap(self.ether[:200] + self.ether[202:])
        messages, said = self.see(lost, code=2)
        self.assertEqual(messages, self.messages - 14)
        self.assertIn("no packet has 14 of its messages", said)
        self.assertTrue(json.loads(self.check("feed", "book", "--symbol", "SYM0001", "--json", "some.pcap", code=3).stdout)["stale"])
        serve = "feed", "serve", "some.pcap", "--wait", "0", "--rate", "1e7"
        self.assertIn("no packet has 14 of its messages", self.check(*serve, code=2).stderr)
        again = self.check(*serve, "--repeat", "--messages", str(3 * self.messages)).stderr
        self.assertEqual(again.count("no packet has 14 of its messages"), 1)
        words = "backtest", "--strategy", "market-making", "--symbol", "SYM0001", "--feed", "some.pcap"
        self.refuse(*words, says=["no packet has 14", "--skip-malformed"])
        self.assertEqual(json.loads(self.check(*words, "--json", "--skip-malformed").stdout)["missing"], 14)
        self.assertIn("ends inside a packet", self.see(self.pcap(self.ether)[:-9], code=2)[1])
        records = b"".join(struct.pack("<IIII", 1, 0, min(len(f), 90), len(f)) + f[:90] for f in self.ether)
        short = self.pcap([]) + records
        self.assertIn("none of which is MoldUDP64 with messages of TotalView-ITCH 5.0 (packets were captured in part", self.run_command("feed", "decode", "-", stdin=short, text=False).stderr.decode())
        self.assertIn(": 1 of these packets were captured in part", self.see(self.pcap(self.ether) + records[: 16 + 90])[1])
        self.assertIn("the capture is damaged", self.see(self.pcap(self.ether[:9]) + b"\xff" * 99, code=2)[1])

    def datagram(self, first, messages):
        return b"SESSION001" + struct.pack(">QH", first, len(messages)) + b"".join(struct.pack(">H", len(m)) + m for m in messages)

    def frame(self, first, messages):
        return self.MAC + b"\x08\0" + self.ip(self.datagram(first, messages))

    def orders(self, count):
        prices = ((i, b"BS"[i % 2 : i % 2 + 1], 10**6 + (-1) ** (i % 2 + 1) * -100 * (i % 7 + 1)) for i in range(1, count + 1))
        return [b"A" + struct.pack(">HH", 1, 0) + (i * 10**9).to_bytes(6, "big") + struct.pack(">Qc", i, side) + struct.pack(">I8sI", 100, b"AAPL    ", price)
                for i, side, price in prices]

    def test_each_message_is_given_or_told_missing(self):
        message = b"S" + bytes(10) + b"O"
        for loss in (1, 5, 10, 20, 30):
            chance = random.Random(loss)
            for sizes in ((range(1, 36),), (range(1, 3), range(80, 100))):  # the second: large ones behind a store of small ones
                frames, first, had, last = [], 1, 0, 0
                for i in range(4000 if len(sizes) == 1 else 6500):
                    count = chance.choice(sizes[i >= 6000])
                    if i == 0 or chance.random() * 100 > loss:
                        frames.append(self.frame(first, [message] * count))
                        had += count
                        last = first + count - 1
                    first += count
                messages, said = self.see(self.pcap(frames), code=2)
                self.assertEqual(messages, had)
                self.assertIn(f"no packet has {last - had} of its messages", said)

    def test_the_first_packets_in_any_order(self):
        """A capture begins in the middle of a feed, and its first packets are not in turn: none of their messages is lost."""
        messages = self.orders(600)
        frames = [self.frame(90000 + i, messages[i : i + 3]) for i in range(0, 600, 3)]

        def shown(frames):
            pathlib.Path(self.path("some.pcap")).write_bytes(self.pcap(frames))
            return self.check("feed", "decode", "some.pcap").stdout, self.check("feed", "book", "--symbol", "AAPL", "some.pcap").stdout
        wanted = shown(frames)
        self.assertEqual(self.see(self.pcap(frames))[0], 600)
        for seed in range(5):
            first = frames[:20]
            random.Random(seed).shuffle(first)
            self.assertEqual(shown(first + frames[20:]), wanted)
        for few in (frames[:1], frames[:3], frames[2::-1]):  # fewer than are waited for
            self.assertEqual(self.see(self.pcap(few))[0], 3 * len(few))
        given, said = self.see(self.pcap(frames[4::-1] + frames[6:]), code=2)
        self.assertEqual(given, 597)
        self.assertIn("no packet has 3 of its", said)

    def test_a_packet_that_stands_in_the_gap_when_the_store_is_full(self):
        messages = self.orders(9000)
        frames = [self.frame(1, messages[:1])] + [self.frame(i, messages[i - 1 : i + 19]) for i in range(1001, 8900, 20)]
        given, said = self.see(self.pcap(frames[:310] + [self.frame(101, messages[100:900])] + frames[310:]), code=2)
        self.assertEqual(given, 1 + 20 * 395 + 800)
        self.assertIn(f"no packet has {999 - 800} of", said)

    def test_far_ahead(self):
        heartbeat = self.MAC + b"\x08\0" + self.ip(b"SESSION001" + struct.pack(">QH", 1 << 40, 0))
        self.assertEqual(self.see(self.pcap(self.ether[:50] + [heartbeat] + self.ether[50:]))[0], self.messages)
        self.assertEqual(self.see(self.pcap(self.ether + [heartbeat]))[0], self.messages)
        message, far = b"S" + bytes(10) + b"O", 1 << 30
        lines = [self.frame(first, [message]) for first in (1, far, far, far + 1, far + 1, far + 2)]
        given, said = self.see(self.pcap(lines), code=2)
        self.assertEqual(given, 4)
        self.assertIn(f"no packet has {far - 2} of its", said)
        self.assertNotIn("MoldUDP64", said)

    def test_gaps_and_what_ends_early_in_a_backtest(self):
        messages = self.orders(199)
        frames = [self.frame(i + 1, [m]) for i, m in enumerate(messages)]
        words = "backtest", "--strategy", "market-making", "--feed", "some.pcap", "--json"
        pathlib.Path(self.path("some.pcap")).write_bytes(self.pcap(frames[:50] + frames[53:100] + frames[101:]))
        done = self.check(*words, "--skip-malformed")
        answer = json.loads(done.stdout)
        self.assertEqual((answer["missing"], answer["gaps"]), (4, 2))
        self.assertIn("no packet has 4 of its messages: traded in the rest", done.stderr)
        pathlib.Path(self.path("some.pcap")).write_bytes(self.pcap(frames)[:-20])
        self.assertIn("ends inside a packet", self.check(*words, code=2).stderr)
        done = self.check(*words, "--skip-malformed")
        self.assertIn("ends inside a packet: traded in the rest", done.stderr)
        bad = self.frame(51, [b"?" + messages[50][1:]])
        pathlib.Path(self.path("some.pcap")).write_bytes(self.pcap(frames[:50] + [bad] + frames[51:]))
        self.refuse(*words, says=["1 of its packets' blocks is no message of ITCH", "--skip-malformed"])
        self.assertEqual(json.loads(self.check(*words, "--skip-malformed").stdout)["gaps"], 1)
        self.assertEqual(self.see(self.pcap(frames[:50] + [bad] + frames[51:]), code=2)[0], 198)

    def test_blocks_of_pcapng(self):
        def block(kind, body, order="<"):
            body += b"\0" * (-len(body) % 4)
            return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))

        begin, interface = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)), block(1, struct.pack("<HHI", 1, 0, 0))
        packet = lambda f, i: block(6, struct.pack("<IIIII", i, 0, 0, len(f), len(f)) + f)
        old = lambda f, i: block(2, struct.pack("<HHIIII", i, 0, 0, 0, len(f), len(f)) + f)
        for make in (packet, old):
            self.assertEqual(self.see(begin + 70 * interface + b"".join(make(f, i % 70) for i, f in enumerate(self.ether))), (self.messages, ""))
        frames = [packet(f, 0) for f in self.ether]
        large = begin + interface + b"".join(frames[:9]) + block(10, bytes(3 << 20)) + b"".join(frames[9:])
        self.assertEqual(self.see(large), (self.messages, ""))
        self.assertIn("ends inside a packet", self.see(begin + interface + b"".join(frames) + block(10, bytes(3 << 20))[:-9], code=2)[1])
        said = self.see(begin + interface + b"".join(frames) + packet(self.ether[0], 9))[1]
        self.assertIn(f"of {len(frames) + 1} packets 1 are no MoldUDP64", said)

    def test_a_backtest_in_a_capture_with_a_bad_message(self):
        data = bytearray(pathlib.Path(self.plain).read_bytes())
        at = 0
        for _ in range(3000):
            at += 2 + struct.unpack_from(">H", data, at)[0]
        data[at + 2] = ord("~")
        pathlib.Path(self.path("bad.itch")).write_bytes(data)
        words = "backtest", "--strategy", "market-making", "--symbol", "SYM0001", "--feed", "bad.itch"
        self.refuse(*words, says=["message 3001", "--skip-malformed"])
        done = self.check(*words, "--json", "--skip-malformed")
        self.assertIn(f"1 malformed message skipped; the first: bad.itch: message 3001 at byte {at + 2}", done.stderr)
        self.assertEqual(json.loads(done.stdout)["malformed"], 1)
        self.assertIn("malformed messages skipped", self.check(*words, "--skip-malformed").stdout)


if __name__ == "__main__":
    story.main()
