#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A market over WebSocket, as its users meet it: `feed serve` with a client of bare sockets, with `feed watch`, and with a real browser."""
import base64
import hashlib
import http.server
import json
import os
import queue
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest
import zlib

import story

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def trades(count):
    """Documents as Binance sends them, some over two lines."""
    out = []
    for i in range(count):
        if i % 3 == 2:
            out.append({"e": "depthUpdate", "E": 1700000000000 + i, "s": "ETHUSDT", "U": i, "u": i, "b": [["99.5", "0"], ["99.4", "3"]], "a": [["100.25", "2"]]})
        else:
            out.append({"e": "trade", "E": 1700000000000 + i, "s": "BTCUSDT", "t": i, "p": "%d.50" % (100 + i), "q": "0.25", "T": 1700000000000 + i, "m": False,
                        "note": "\"}\u20ac \U0001f600"})
    return out


class Client:
    """RFC 6455 in Python, for the tests alone."""

    def __init__(self, port, path="/", extra=""):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.buffer = b""
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                            f"Sec-WebSocket-Key: {key}\r\n{extra}\r\n".encode())
        while b"\r\n\r\n" not in self.buffer:
            self.more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        self.head = head.decode()
        self.accepted = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode() in self.head

    def more(self):
        got = self.socket.recv(65536)
        if not got:
            raise EOFError
        self.buffer += got

    def take(self, count):
        while len(self.buffer) < count:
            self.more()
        out, self.buffer = self.buffer[:count], self.buffer[count:]
        return out

    def frame(self):
        first, second = self.take(2)
        length = second & 127
        if length == 126:
            length = struct.unpack(">H", self.take(2))[0]
        elif length == 127:
            length = struct.unpack(">Q", self.take(8))[0]
        assert second & 128 == 0, "a server does not mask"
        return first, self.take(length)

    def send(self, first, payload=b""):
        mask = os.urandom(4)
        length = len(payload)
        head = bytes([first]) + (bytes([128 | length]) if length < 126 else bytes([128 | 126]) + struct.pack(">H", length))
        self.socket.sendall(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))


class WebSocket(story.Story):
    def serve(self, *words, env=None):
        process = self.start("feed", "serve", *words, program=story.ASSAY, env=env)
        line = process.stderr.readline()
        found = re.match(r"serving on (wss?)://127\.0\.0\.1:(\d+)/$", line)
        self.assertTrue(found, line + (process.stderr.read() if process.poll() is not None else ""))
        return process, int(found[2])

    def recording(self, count=300):
        documents = trades(count)
        text = "".join(json.dumps(d, ensure_ascii=i % 2 == 0, indent=None if i % 5 else 1) + ("\n" if i % 2 else "") for i, d in enumerate(documents))
        return documents, self.write("trades.json", text)

    def test_a_recording_comes_whole_and_in_order(self):
        documents, path = self.recording()
        process, port = self.serve(path, "--rate", "1e6", "--json")
        client = Client(port)
        self.assertTrue(client.accepted)
        heard = []
        while True:
            first, payload = client.frame()
            if first == 0x88:
                break
            self.assertEqual(first, 0x81)
            heard.append(json.loads(payload.decode("utf-8")))
        self.assertEqual(heard, documents)
        self.assertEqual(struct.unpack(">H", payload[:2])[0], 1001)
        client.send(0x88, payload)
        client.socket.close()
        out, err = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0, err)
        said = json.loads(out)
        self.assertEqual((said["messages"], said["clients"], said["delivered"], said["dropped"]), (300, 1, 300, 0))

    def heard_from(self, *words):
        """All that a client hears of a recording."""
        process, port = self.serve(*words, "--rate", "1e6", "--policy", "refuse", "--queue", "65536")
        client, heard = Client(port), []
        while (frame := client.frame())[0] != 0x88:
            heard.append(frame[1])
        client.send(0x88, frame[1])
        client.socket.close()
        process.communicate(timeout=30)
        return heard

    def test_a_recording_with_times_of_receipt(self):
        documents = trades(300)
        text = "".join(f"{1704205800123 + i}{'.5' if i % 3 == 0 else ''} {json.dumps(d)}\n" for i, d in enumerate(documents))
        self.assertEqual([json.loads(h.decode()) for h in self.heard_from(self.write("received.json", text))], documents)

    def test_documents_in_lists_are_messages_of_their_own(self):
        documents = trades(60)
        some = [json.dumps(d) for d in documents]
        text = "[" + ",\n ".join(some[:20]) + "]\n" + "\n".join("[ " + d + " ]" for d in some[20:40]) + "\n" + "\n".join(some[40:])
        self.assertEqual([json.loads(h.decode()) for h in self.heard_from(self.write("lists.json", text))], documents)
        long = '{"p":"' + "x" * 300000 + '"}'  # wherever a window ends
        self.assertEqual(self.heard_from(self.write("long.json", "[" + ",".join([long] * 9) + "]")), [long.encode()] * 9)
        others = '[17082,[1,2]]\n[]\n["a",{"b":[]}]\n'  # lists of anything else are messages themselves
        self.assertEqual(self.heard_from(self.write("others.json", others)), [line.encode() for line in others.split()])

    def test_what_is_wrong_with_a_list(self):
        one = '{"a":1}'
        for text, says in ((f"[{one},,{one}]", "byte 9: a comma without a document before it (the list begins at byte 0)"),
                           (f"[{one},]", "byte 9: a comma without a document behind it"),
                           (f"[{one}{one}]", "byte 8: a comma or the end of the list has to follow a document"),
                           (f"{one}\n[{one},\n", "byte 18: the stream ends inside a list (the list begins at byte 8)"),
                           (f"[{one},5]", "byte 9: not a JSON document"), (f"{one}]", "byte 7: the end of a list that has not begun"),
                           (f"{one},{one}", "byte 7: a comma between documents that are no list"), (f"[{one},{one[:-1]}", "byte 9: the stream ends inside a document")):
            done = self.check("feed", "serve", self.write("list.json", text), "--wait", "0", "--rate", "1e6", code=2)
            self.assertIn(says, done.stderr)

    def test_a_pipe_that_nobody_writes_to_ends_when_asked(self):
        os.mkfifo(self.path("pipe"))
        process, _ = self.serve("pipe")
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            self.fail("it waits for a writer")

    def test_a_recording_longer_than_a_window(self):
        document = '{"p":"' + "x" * 300000 + '"}'
        self.assertEqual(self.heard_from(self.write("long.json", (document + "\n") * 9)), [document.encode()] * 9)
        done = self.check("feed", "serve", self.write("broken.json", document + "\nno document"), "--wait", "0", "--rate", "1e6", code=2)
        self.assertIn("byte 300009: not a JSON document", done.stderr)

    def test_a_recording_that_is_cut_off_meanwhile(self):
        document = '{"p":"' + "x" * 300000 + '"}\n'
        for words in (), ("--repeat",):
            path = self.write("cut.json", document * 9)
            process, port = self.serve(path, "--rate", "1e6", "--policy", "refuse", "--queue", "65536", *words)
            os.truncate(path, 5 * len(document))
            client, heard = Client(port), 0
            while (frame := client.frame())[0] != 0x88:
                heard += 1
            client.send(0x88, frame[1])
            client.socket.close()
            err = process.communicate(timeout=30)[1]
            self.assertEqual((process.returncode, heard), (2, 5), err)
            self.assertIn("became shorter while it was read", err)

    def piped(self, *words):
        """A server of what is written to it, and its port; nothing is written yet."""
        process = subprocess.Popen([story.ASSAY, "feed", "serve", "-", "--rate", "1e6", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, bufsize=0, env=self.environment())
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        for pipe in process.stdin, process.stdout, process.stderr:
            self.addCleanup(pipe.close)
        line = process.stderr.readline().decode()
        return process, int(re.match(r"serving on ws://127\.0\.0\.1:(\d+)/$", line)[1])

    def answered(self, client):
        client.send(0x89, b"are you there")
        self.assertEqual(client.frame(), (0x8A, b"are you there"))

    def test_a_pipe_that_stalls_holds_up_nobody(self):
        """Before its first byte, between messages and within one, plain and compressed: clients come and are answered meanwhile."""
        first, second = b'{"p":"1"}', b'{"p":"' + b"x" * 200 + b'"}'
        process, port = self.piped("--json")
        early = Client(port)
        self.answered(early)
        process.stdin.write(first + b"\n" + second[:190])
        self.assertEqual(early.frame(), (0x81, first))
        late = Client(port)
        self.answered(late)
        self.answered(early)
        process.stdin.write(second[190:])  # no more than that: it leaves at once, not with the message behind it
        for client in early, late:
            self.assertEqual(client.frame(), (0x81, second))
            self.answered(client)
        process.stdin.close()
        for client in early, late:
            self.assertEqual(client.frame()[0], 0x88)
            client.socket.close()
        self.assertEqual(json.loads(process.stdout.read())["messages"], 2)
        self.assertEqual(process.wait(30), 0)

        process, port = self.piped()
        packer = zlib.compressobj(6, zlib.DEFLATED, 31)
        process.stdin.write(packer.compress(first) + packer.flush(zlib.Z_SYNC_FLUSH))
        clients = [Client(port), Client(port)]
        for client in clients:  # the first message has left the packer, and may be there before the answer
            client.send(0x89, b"are you there")
            while (frame := client.frame()) == (0x81, first):
                pass
            self.assertEqual(frame, (0x8A, b"are you there"))
        process.stdin.write(packer.compress(second) + packer.flush())
        process.stdin.close()
        for client in clients:
            frame = client.frame()
            while frame[1] != second:
                self.assertEqual(frame, (0x81, first))
                frame = client.frame()
            client.socket.close()
        self.assertEqual(process.wait(30), 0)

    def test_a_pipe_that_never_begins_ends_when_it_is_told(self):
        for signal_number in signal.SIGINT, signal.SIGTERM:
            process, port = self.piped()
            client = Client(port)
            self.answered(client)
            process.send_signal(signal_number)
            self.assertEqual(client.frame()[0], 0x88)
            client.socket.close()
            self.assertEqual(process.wait(30), 0)
            self.assertIn(b"0 messages", process.stdout.read())
        process, port = self.piped()
        client = Client(port)
        process.stdin.write(b"no document at all")
        process.stdin.close()
        client.socket.settimeout(30)
        self.assertEqual(client.frame()[0], 0x88)
        client.socket.close()
        self.assertEqual(process.wait(30), 2)
        self.assertIn(b"byte 0: not a JSON document", process.stderr.read())

    def test_who_comes_before_the_metadata_gets_it(self):
        made = subprocess.run([story.ASSAY, "feed", "generate", "--format", "dbn", "--messages", "50", "--seed", "3"], capture_output=True, timeout=60, check=True).stdout
        process, port = self.piped("--wait", "2", "--json")
        early = Client(port)
        self.answered(early)
        process.stdin.write(made[:10])
        self.answered(early)
        process.stdin.write(made[10:])
        head = early.frame()
        late = Client(port)
        self.assertEqual(late.frame(), head)
        self.assertEqual(head[1][:3], b"DBN")
        process.stdin.close()
        for client in early, late:
            heard = b""
            while (frame := client.frame())[0] != 0x88:
                heard += frame[1]
            self.assertEqual(head[1] + heard, made)
            client.socket.close()
        said = json.loads(process.stdout.read())
        self.assertEqual((said["clients"], said["delivered"]), (2, 2 * said["messages"]))
        self.assertEqual(process.wait(30), 0)

    def test_standard_input_is_read_once(self):
        with open(self.recording(3)[1], "rb") as stdin:
            done = subprocess.run([story.ASSAY, "feed", "serve", "-", "--repeat", "--wait", "0", "--messages", "20"], stdin=stdin, capture_output=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"--repeat needs a file by its name", done.stderr)

    def test_compressed_for_those_who_can(self):
        documents, path = self.recording()
        process, port = self.serve(path, "--rate", "1e6", "--compress", "--wait", "2")
        plain, packed = Client(port), Client(port, extra="Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=11\r\n")
        self.assertNotIn("permessage-deflate", plain.head)
        self.assertIn("permessage-deflate; server_max_window_bits=11", packed.head)
        inflate = zlib.decompressobj(-11)
        for document in documents:
            self.assertEqual(json.loads(plain.frame()[1]), document)
            first, payload = packed.frame()
            text = inflate.decompress(payload + b"\0\0\xff\xff") if first & 0x40 else payload
            self.assertEqual(json.loads(text), document)
        for client in plain, packed:
            client.socket.close()
        process.communicate(timeout=30)

    def test_a_client_that_breaks_rules_ends_alone(self):
        _, path = self.recording()
        process, port = self.serve(path, "--repeat", "--rate", "200", "--wait", "0")
        bad, good, ping = Client(port), Client(port), Client(port)
        bad.socket.sendall(b"\x81\x01x")  # not masked
        while (frame := bad.frame())[0] != 0x88:
            pass
        self.assertEqual(struct.unpack(">H", frame[1][:2])[0], 1002)
        with self.assertRaises(EOFError):
            bad.take(1)
        bad.socket.close()
        ping.send(0x89, b"are you there")
        while (frame := ping.frame())[0] != 0x8A:
            pass
        self.assertEqual(frame[1], b"are you there")
        for _ in range(20):
            self.assertEqual(good.frame()[0], 0x81)
        process.send_signal(signal.SIGINT)
        while (frame := good.frame())[0] != 0x88:
            pass
        good.send(0x88, frame[1])
        good.socket.close()
        ping.socket.close()
        out, err = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0, err)
        self.assertIn("to 3 clients", out)

    def test_pages_of_others_may_not_connect(self):
        _, path = self.recording(3)
        process, port = self.serve(path, "--rate", "10", "--origin", "https://example.com", "--wait", "9")
        self.assertIn(" 101 ", Client(port, extra="Origin: https://example.com\r\n").head)
        self.assertIn(" 403 ", Client(port, extra="Origin: https://evil.example\r\n").head)
        process.terminate()
        process.communicate(timeout=30)

    def test_a_client_that_never_reads_misses_the_oldest(self):
        _, path = self.recording()
        process, port = self.serve(path, "--repeat", "--rate", "200000", "--queue", "64", "--messages", "120000", "--json")
        client = Client(port)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        count = 0
        try:
            while client.frame()[0] != 0x88:
                count += 1
        except (EOFError, OSError):
            pass
        client.socket.close()
        said = json.loads(process.communicate(timeout=30)[0])
        self.assertEqual(said["delivered"], said["messages"] - said["dropped"])
        self.assertGreater(count, 0)

    def test_watch_shows_lines_and_a_table(self):
        documents, path = self.recording()
        _, port = self.serve(path, "--rate", "1e6", "--wait", "1")
        url = f"ws://127.0.0.1:{port}/"
        lines = self.check("feed", "watch", url, "--json").stdout.splitlines()
        self.assertEqual([json.loads(line) for line in lines], documents)
        _, port = self.serve(path, "--rate", "1e6", "--wait", "1", "--compress")
        table = self.check("feed", "watch", f"ws://127.0.0.1:{port}/", "--compress").stdout
        self.assertIn("300 messages", table)
        self.assertRegex(table, r"BTCUSDT +398\.50 +0\.25 +200 +200\n")
        self.assertRegex(table, r"ETHUSDT +99\.4 +100\.25 +0 +100\n")
        _, port = self.serve(path, "--repeat", "--rate", "1e5")
        self.assertEqual(len(self.check("feed", "watch", f"ws://127.0.0.1:{port}/", "--json", "-n", "1000").stdout.splitlines()), 1000)

    def answer(self, frames, *words):
        """What `feed watch` says of a server that sends these bytes behind its handshake."""
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(20)

        def one_client():
            peer = listener.accept()[0]
            with peer:
                peer.settimeout(20)
                asked = b""
                while b"\r\n\r\n" not in asked:
                    asked += peer.recv(4096)
                key = re.search(rb"Sec-WebSocket-Key: (\S+)", asked)[1]
                accepted = base64.b64encode(hashlib.sha1(key + GUID.encode()).digest())
                peer.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accepted + b"\r\n\r\n" + frames)
                peer.recv(4096)  # its close frame; a server hangs up first
        thread = threading.Thread(target=one_client)
        thread.start()
        done = self.run_command("feed", "watch", f"ws://127.0.0.1:{listener.getsockname()[1]}/", "--json", *words)
        thread.join()
        listener.close()
        return done

    def test_watch_says_why_a_stream_ended(self):
        """A stream that breaks off is no stream that was watched to its end."""
        first = b"\x81\x02hi"

        def close(code, reason=b""):
            return b"\x88" + bytes([2 + len(reason)]) + struct.pack(">H", code) + reason
        for end in (close(1000), close(1001, b"good night"), b"\x88\x00"):
            done = self.answer(first + end)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "hi\n", ""), end)
        for end, says in ((close(1011, b"out of \x1b[31mdisk"), ["out of ", "disk (close code 1011)"]), (close(4001), ["the server ended it (close code 4001)"]),
                          (b"\x81\x01\xff", ["not UTF-8 (close code 1007)"]), (b"\x82\x7f" + struct.pack(">Q", 1 << 40), ["over the limit (close code 1009)"]),
                          (b"\x83\x00", ["reserved opcode (close code 1002)"])):
            done = self.answer(first + end)
            self.assertEqual((done.returncode, done.stdout), (2, "hi\n"), end)
            for part in says:
                self.assertIn(part, done.stderr)
            self.assertNotIn("\x1b", done.stderr)

    def test_watch_on_a_terminal(self):
        _, path = self.recording()
        _, port = self.serve(path, "--repeat", "--rate", "500")
        code, shown = self.on_terminal("feed", "watch", f"ws://127.0.0.1:{port}/", "--seconds", "1")
        self.assertEqual(code, 0, shown)
        self.assertGreaterEqual(shown.count("\x1b[H"), 2)
        self.assertIn("BTCUSDT", shown)

    def test_a_made_market_is_binary_too(self):
        _, port = self.serve("--format", "itch", "--messages", "500", "--rate", "1e6")
        client = Client(port)
        count = 0
        while (frame := client.frame())[0] != 0x88:
            self.assertEqual(frame[0], 0x82)
            self.assertEqual(struct.unpack(">H", frame[1][:2])[0], len(frame[1]) - 2)
            count += 1
        self.assertEqual(count, 500)
        client.socket.close()

    def dbn(self, client):
        """The records that come, behind the metadata."""
        first, head = client.frame()
        self.assertEqual((first, head[:3], struct.unpack_from("<I", head, 4)[0] + 8), (0x82, b"DBN", len(head)))
        records = []
        while (frame := client.frame())[0] != 0x88:
            self.assertEqual((frame[0], frame[1][0] * 4), (0x82, len(frame[1])))
            records.append(frame[1])
        client.socket.close()
        return head, records

    def test_dbn_record_by_record(self):
        process, port = self.serve("--format", "dbn", "--messages", "500", "--rate", "1e6", "--json")
        head, records = self.dbn(Client(port))
        self.assertEqual(len(records), 500)
        out, err = process.communicate(timeout=30)
        self.assertEqual(json.loads(out)["delivered"], 500, err)
        self.check("feed", "generate", "--format", "dbn", "--messages", "300", "-o", self.path("made.dbn"))
        with open(self.path("made.dbn"), "rb") as made:
            data = made.read()
        # A frame of Zstandard (RFC 8878) whose blocks are stored.
        blocks = [data[i : i + 100000] for i in range(0, len(data), 100000)]
        packed = b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", len(data))
        for i, block in enumerate(blocks):
            packed += (len(block) << 3 | (i + 1 == len(blocks))).to_bytes(3, "little") + block
        with open(self.path("made.dbn.zst"), "wb") as out:
            out.write(packed)
        for name in "made.dbn", "made.dbn.zst":
            process = self.start("feed", "serve", self.path(name), "--rate", "1e6", program=story.ASSAY)
            line = process.stderr.readline()
            if "libarchive" in line:
                self.skipTest(line)
            head, records = self.dbn(Client(int(re.search(r":(\d+)/", line)[1])))
            self.assertEqual(head + b"".join(records), data)
            process.communicate(timeout=30)
        # Who comes later can read it too.
        process, port = self.serve(self.path("made.dbn"), "--rate", "500", "--wait", "0", "--repeat", "--messages", "400")
        head, records = self.dbn(Client(port))
        self.assertEqual(data[: len(head)], head)
        self.assertGreater(len(records), 0)

    def test_tls(self):
        if shutil.which("openssl") is None:
            self.skipTest("the openssl command is not here")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", self.path("key.pem"), "-out", self.path("cert.pem")], check=True, capture_output=True)
        documents, path = self.recording()
        serve = [path, "--rate", "1e6", "--certificate", self.path("cert.pem"), "--key", self.path("key.pem")]
        _, port = self.serve(*serve)
        self.refuse("feed", "watch", f"wss://127.0.0.1:{port}/", says="certificate is not accepted")
        _, port = self.serve(*serve)
        lines = self.check("feed", "watch", f"wss://127.0.0.1:{port}/", "--json", "--ca-file", self.path("cert.pem")).stdout.splitlines()
        self.assertEqual([json.loads(line) for line in lines], documents)
        _, port = self.serve(*serve)
        self.refuse("feed", "watch", f"ws://127.0.0.1:{port}/", says="")

    def test_wrong_use(self):
        self.refuse("feed", "serve", self.path("absent.json"), says="absent.json")
        self.refuse("feed", "serve", self.write("bad.json", "no json"), says=["byte 0", "JSON"])
        self.refuse("feed", "serve", self.write("empty.json", " "), says="no message")
        self.refuse("feed", "serve", self.write("one.json", "{}"), "--address", "localhost", says="numeric")
        self.refuse("feed", "serve", self.write("one.json", "{}"), "--key", "k.pem", says="both")
        self.refuse("feed", "watch", "http://127.0.0.1/", says="ws://")
        self.refuse("feed", "watch", "ws://127.0.0.1:1/", says="cannot connect")

    @unittest.skipIf(shutil.which("chromium") is None and shutil.which("chromium-browser") is None, "Chromium is not here")
    def test_a_real_browser(self):
        """Its WebSocket takes text (compressed), closes with a code of its own, and is refused from a page that may not."""
        documents, path = self.recording(60)
        process, port = self.serve(path, "--rate", "1e5", "--compress", "--json")
        _, other = self.serve(path, "--wait", "9", "--origin", "https://example.com")
        page = self.write("page.html", """<!DOCTYPE html><meta charset="utf-8"/><title>probe</title><body><script>
          var seen = {}, left = 2;
          function watch(name, url) {
            var out = seen[name] = {messages: [], errors: 0}, ws = new WebSocket(url);
            ws.onopen = function () { out.extensions = ws.extensions; };
            ws.onmessage = function (e) { out.messages.push(JSON.parse(e.data)); };
            ws.onerror = function () { out.errors++; };
            ws.onclose = function (e) {
              out.code = e.code; out.clean = e.wasClean; out.reason = e.reason;
              if (--left === 0) fetch("/seen", {method: "POST", body: JSON.stringify(seen)});
            };
          }
          watch("own", "ws://127.0.0.1:%d/"); watch("foreign", "ws://127.0.0.1:%d/");
        </script></body>""" % (port, other))
        seen = self.browse(page)
        own, foreign = seen["own"], seen["foreign"]
        self.assertEqual(own["messages"], documents)
        self.assertIn("permessage-deflate", own["extensions"])
        self.assertEqual((own["code"], own["clean"], own["reason"], own["errors"]), (1001, True, "the server stops", 0))
        self.assertEqual((foreign["code"], foreign["clean"], foreign["errors"], foreign["messages"]), (1006, False, 1, []))
        self.assertEqual(json.loads(process.communicate(timeout=30)[0])["delivered"], 60)

    def browse(self, page):
        """What the page says that it saw. It comes by HTTP from this machine, so that it has an origin."""
        directory, seen = os.path.dirname(page), queue.Queue()

        class Site(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *arguments):
                super().__init__(*arguments, directory=directory)

            def do_POST(self):
                seen.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *arguments):
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            command = [shutil.which("chromium") or shutil.which("chromium-browser"), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
                       "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
                       "--remote-debugging-port=0", "--user-data-dir=" + tempfile.mkdtemp(dir=self.dir),
                       "http://127.0.0.1:%d/%s" % (server.server_address[1], os.path.basename(page))]
            browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
            try:
                return seen.get(timeout=90)
            finally:
                os.killpg(browser.pid, signal.SIGKILL)
                browser.wait()
                server.shutdown()


if __name__ == "__main__":
    story.main()
