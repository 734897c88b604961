#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The examples that conformance suites drive: a list of cases against the echo server, and a server of cases, as such suites have one, for the client.

    test_websocket_cases.py ECHO CASES

Each case is what the peer sends, in what pieces, and what has to come back. The peer is bare sockets and reads every frame by itself.
"""
import asyncio
import base64
import hashlib
import os
import socket
import struct
import subprocess
import sys
import threading
import unittest
import zlib

try:
    import websockets
    from websockets.extensions import permessage_deflate
except ImportError:  # an optional peer
    websockets = None

ECHO, CASES = sys.argv[1:3] if len(sys.argv) > 2 else (None, None)
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG, MORE = 0x81, 0x82, 0x88, 0x89, 0x8A, 0x80
KAPPA = "\u03ba\u1f79\u03c3\u03bc\u03b5".encode()


def code(number, reason=b""):
    return struct.pack(">H", number) + reason


def in_frames(first, data, size):
    """A message in frames of so many bytes."""
    pieces = [data[i:i + size] for i in range(0, len(data), size)] or [b""]
    return [((first & 0x7F if i == 0 else 0) | (0x80 if i == len(pieces) - 1 else 0), piece) for i, piece in enumerate(pieces)]


def cases():
    """(name, frames, answers, close code, bytes a write or 0); a frame of None bytes more than it has is cut off there."""
    out = []
    for length in (0, 1, 125, 126, 127, 128, 65535, 65536):
        text, data = b"*" * length, bytes(i & 255 for i in range(length))
        out.append((f"1 text {length}", [(TEXT, text)], [(TEXT, text)], 1000, 997 if length == 65536 else 0))
        out.append((f"1 binary {length}", [(BINARY, data)], [(BINARY, data)], 1000, 0))
    for length in (0, 5, 125):
        out.append((f"2 ping {length}", [(PING, b"\xfe" * length)], [(PONG, b"\xfe" * length)], 1000, 1 if length == 125 else 0))
    out.append(("2 ping too long", [(PING, b"x" * 126)], [], 1002, 0))
    out.append(("2 pong unasked", [(PONG, b"x"), (PING, b"y")], [(PONG, b"y")], 1000, 0))
    out.append(("2 ten pings", [(PING, b"%d" % i) for i in range(10)], [(PONG, b"%d" % i) for i in range(10)], 1000, 1))
    for bits in (0x10, 0x20, 0x30, 0x50, 0x70):
        out.append((f"3 reserved {bits:02x}", [(TEXT, b"a"), (TEXT | bits, b"b"), (PING, b"")], [(TEXT, b"a")], 1002, 0))
    for opcode in (3, 7, 11, 15):
        out.append((f"4 opcode {opcode}", [(TEXT, b"a"), (0x80 | opcode, b"b")], [(TEXT, b"a")], 1002, 0))
    out.append(("5 ping in parts", [(0x09, b"a"), (0x80, b"b")], [], 1002, 0))
    for size in (0, 1):
        out.append((f"5 pings between parts, {size}", [(0x01, b"one"), (PING, b"p"), (0x00, b"two"), (PING, b"q"), (0x80, b"three")],
                    [(PONG, b"p"), (PONG, b"q"), (TEXT, b"onetwothree")], 1000, size))
    out.append(("5 continuation of nothing", [(0x80, b"a")], [], 1002, 0))
    out.append(("5 message in another", [(0x01, b"a"), (TEXT, b"b")], [], 1002, 0))
    out.append(("6 text in parts within a character", in_frames(TEXT, KAPPA, 1), [(TEXT, KAPPA)], 1000, 1))
    for bad in (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80"):
        out.append((f"6 {bad.hex()}", [(TEXT, KAPPA + bad + b"edited")], [], 1007, 0))
        out.append((f"6 {bad.hex()} in the first part, and no more", [(0x01, KAPPA + bad)], [], 1007, 0))
        out.append((f"6 {bad.hex()} in the middle of a frame", [(TEXT, KAPPA + bad, 1000)], [], 1007, 1))
    out.append(("6 cut off", [(TEXT, KAPPA[:-1])], [], 1007, 0))
    out.append(("6 not text", [(BINARY, KAPPA[:-1])], [(BINARY, KAPPA[:-1])], 1000, 0))
    for number in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999):
        out.append((f"7 close {number}", [(CLOSE, code(number, b"so long")), (TEXT, b"nobody listens")], [], number, 0))
    for number in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535):
        out.append((f"7 close {number}", [(CLOSE, code(number))], [], 1002, 0))
    out.append(("7 close with half a code", [(CLOSE, b"\x03")], [], 1002, 0))
    out.append(("7 close without a code", [(CLOSE, b"")], [], None, 0))
    out.append(("7 close with a bad reason", [(CLOSE, code(1000, b"\xce"))], [], 1007, 0))
    out.append(("7 close with too much", [(CLOSE, code(1000, b"x" * 124))], [], 1002, 0))
    out.append(("7 close in the middle of a message", [(0x01, b"a"), (CLOSE, code(1000)), (0x80, b"b")], [], 1000, 0))
    for size, chop in ((64 << 10, 61), (1 << 20, 0), (16 << 20, 0)):
        big = os.urandom(1 << 16) * (size >> 16)
        out.append((f"9 binary {size}", [(BINARY, big)], [(BINARY, big)], 1000, chop))
    big = b"ab\xe2\x82\xac " * 170000
    out.append(("9 text of 1 MiB in frames of 64 KiB", in_frames(TEXT, big, 65536), [(TEXT, big)], 1000, 0))
    out.append(("9 text of 1 MiB in frames of 1,300, written by 1,300", in_frames(TEXT, big, 1300), [(TEXT, big)], 1000, 1300))
    return out


class Packed:
    """permessage-deflate of one end."""

    def __init__(self, out_bits=15, in_bits=15, out_fresh=False, in_fresh=False):
        self.bits, self.fresh = (out_bits, in_bits), (out_fresh, in_fresh)
        self.out, self.back = zlib.compressobj(6, zlib.DEFLATED, -out_bits), zlib.decompressobj(-in_bits)

    def pack(self, data):
        if self.fresh[0]:
            self.out = zlib.compressobj(6, zlib.DEFLATED, -self.bits[0])
        return (self.out.compress(data) + self.out.flush(zlib.Z_SYNC_FLUSH))[:-4]

    def unpack(self, data):
        if self.fresh[1]:
            self.back = zlib.decompressobj(-self.bits[1])
        return self.back.decompress(data + b"\0\0\xff\xff")


class Peer:
    """One end of a connection: frames out and in."""

    def __init__(self, sock, masks, buffer=b""):
        self.socket, self.masks, self.buffer = sock, masks, buffer
        sock.settimeout(20)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def frame(self, first, payload=b"", more=0):
        length = len(payload) + more
        mask = os.urandom(4) if self.masks else b""
        flag = 0x80 if self.masks else 0
        head = bytes([first]) + (bytes([flag | length]) if length < 126 else bytes([flag | 126]) + struct.pack(">H", length) if length < 65536
                                 else bytes([flag | 127]) + struct.pack(">Q", length))
        if self.masks:
            whole = int.from_bytes(payload, "big") ^ int.from_bytes((mask * (len(payload) // 4 + 1))[:len(payload)], "big")
            payload = whole.to_bytes(len(payload), "big")
        return head + mask + payload

    def send(self, data, chop=0):
        try:
            for at in range(0, len(data), chop or max(len(data), 1)):
                self.socket.sendall(data[at:at + (chop or len(data))])
        except OSError:
            pass  # it hung up on us, which what comes will tell

    def take(self, count):
        parts, have = [self.buffer], len(self.buffer)
        while have < count:
            got = self.socket.recv(1 << 18)
            if not got:
                raise EOFError
            parts.append(got)
            have += len(got)
        whole = b"".join(parts)
        self.buffer = whole[count:]
        return whole[:count]

    def hear(self):
        first, second = self.take(2)
        length = second & 127
        if length > 125:
            length = int.from_bytes(self.take(2 if length == 126 else 8), "big")
        assert (second & 128 != 0) != self.masks, "masked where it must not be, or the reverse"
        mask = self.take(4) if second & 128 else b""
        payload = self.take(length)
        if mask:
            payload = (int.from_bytes(payload, "big") ^ int.from_bytes((mask * (length // 4 + 1))[:length], "big")).to_bytes(length, "big")
        return first, payload


def run_case(peer, case):
    """None, or what is wrong."""
    name, frames, answers, expected, chop = case
    wire = b"".join(peer.frame(*frame) for frame in frames)
    if expected == 1000 and not any(first & 15 == 8 for first, *_ in frames):
        wire += peer.frame(CLOSE, code(1000))
    sender = threading.Thread(target=peer.send, args=(wire, chop), daemon=True)
    sender.start()
    heard = []
    try:
        while True:
            first, payload = peer.hear()
            if first & 15 == 8:
                break
            heard.append((first, payload))
        sender.join(20)
        peer.send(b"" if expected in (None, 1000) or any(f[0] == CLOSE for f in frames) else peer.frame(CLOSE, payload[:2]))
        said = struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else None
        try:
            peer.socket.shutdown(socket.SHUT_WR)
            while peer.socket.recv(65536):
                pass
        except OSError:
            pass
    except (EOFError, OSError) as error:
        return f"{name}: no close frame ({error!r}) after {len(heard)} frames"
    if heard != answers:
        return f"{name}: {[(hex(f), len(p), p[:20]) for f, p in heard]} came back"
    return None if said == expected else f"{name}: closed with {said}, not {expected}"


def packings():
    """(offer or answer of the peer, how it packs)"""
    for bits in (9, 12, 15):
        for fresh in (False, True):
            yield bits, fresh


def run_packed(peer, packed):
    for number, size in enumerate((0, 16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072)):
        data = (b'{"price": "%d.%02d", "quantity": %d}\n' % (number, size % 97, size)) * (size // 32 + 1)
        data = data[:size]
        whole = packed.pack(data)
        half = len(whole) // 2
        peer.send(peer.frame(0x41, whole[:half]) + peer.frame(PING, b"between") + peer.frame(0x80, whole[half:]) if number % 3 == 2 else peer.frame(0xC1, whole))
        while True:
            first, payload = peer.hear()
            if first & 15 != 10:
                break
        back = packed.unpack(payload) if first & 0x40 else payload
        if (first & 0xBF, back) != (TEXT, data):
            return f"{size} bytes came back as {len(back)}, first byte {first:02x}"
    peer.send(peer.frame(CLOSE, code(1000)))
    first, payload = peer.hear()
    return None if (first, payload) == (CLOSE, code(1000)) else "not closed"


def read_head(sock):
    head = b""
    while b"\r\n\r\n" not in head:
        got = sock.recv(65536)
        if not got:
            raise EOFError
        head += got
    head, rest = head.split(b"\r\n\r\n", 1)
    return head.decode(), rest


def header(head, name):
    return next((line.split(":", 1)[1].strip() for line in head.split("\r\n")[1:] if line.lower().startswith(name.lower() + ":")), None)


class Conformance(unittest.TestCase):
    def setUp(self):
        if ECHO is None:
            self.skipTest("needs the two examples as arguments")

    def connect(self, port, extra=""):
        sock = socket.create_connection(("127.0.0.1", port), timeout=20)
        key = base64.b64encode(os.urandom(16)).decode()
        sock.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                     f"Sec-WebSocket-Key: {key}\r\n{extra}\r\n".encode())
        head, rest = read_head(sock)
        self.assertEqual(header(head, "Sec-WebSocket-Accept"), base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode())
        return Peer(sock, True, rest), header(head, "Sec-WebSocket-Extensions")

    def test_the_echo_server(self):
        with subprocess.Popen([ECHO, "0"], stdout=subprocess.PIPE, text=True) as process:
            try:
                port = int(process.stdout.readline().rstrip("/\n").rsplit(":", 1)[1])
                wrong = []
                for case in cases():
                    peer, extensions = self.connect(port)
                    self.assertIsNone(extensions)
                    wrong.append(run_case(peer, case))
                    peer.socket.close()
                for bits, fresh in packings():
                    asked = f"; server_max_window_bits={bits}" + ("; server_no_context_takeover" if fresh else "")
                    peer, extensions = self.connect(port, f"Sec-WebSocket-Extensions: permessage-deflate{asked}; client_max_window_bits\r\n")
                    self.assertIn(f"server_max_window_bits={bits}", extensions)
                    self.assertEqual("server_no_context_takeover" in extensions, fresh)
                    wrong.append(run_packed(peer, Packed(15, bits, False, fresh)))
                    peer.socket.close()
                self.assertEqual([w for w in wrong if w], [])
            finally:
                process.terminate()
            self.assertEqual(process.wait(20), 0)

    def test_the_client_of_cases(self):
        listening = socket.create_server(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        todo, wrong, visits = cases(), [], []
        packed = list(packings())
        count = len(todo) + len(packed)

        def serve():
            while True:
                sock, _ = listening.accept()
                with sock:
                    head, rest = read_head(sock)
                    path = head.split(" ")[1]
                    visits.append(path)
                    offer = header(head, "Sec-WebSocket-Extensions")
                    number = int(path.split("case=")[1].split("&")[0]) if "case=" in path else 0
                    extra, agreed = "", None
                    if number > len(todo):
                        bits, fresh = packed[number - len(todo) - 1]
                        extra = f"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits={bits}" + ("; client_no_context_takeover" if fresh else "") + "\r\n"
                        agreed = Packed(15, bits, False, fresh)
                        if not offer or "client_max_window_bits" not in offer:
                            wrong.append(f"the offer is {offer}")
                    accept = base64.b64encode(hashlib.sha1((header(head, "Sec-WebSocket-Key") + GUID).encode()).digest()).decode()
                    sock.sendall(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n{extra}\r\n".encode())
                    peer = Peer(sock, False, rest)
                    if agreed is not None:
                        wrong.append(run_packed(peer, agreed))
                    elif number > 0:
                        wrong.append(run_case(peer, todo[number - 1]))
                    else:
                        peer.send((peer.frame(TEXT, b"%d" % count) if "getCaseCount" in path else b"") + peer.frame(CLOSE, code(1000)))
                        peer.hear()
                if path.startswith("/updateReports"):
                    return

        server = threading.Thread(target=serve, daemon=True)
        server.start()
        done = subprocess.run([CASES, f"ws://127.0.0.1:{port}", "tested"], capture_output=True, text=True, timeout=100, check=False)
        server.join(20)
        listening.close()
        self.assertEqual([w for w in wrong if w], [])
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(visits, ["/getCaseCount"] + [f"/runCase?case={i}&agent=tested" for i in range(1, count + 1)] + ["/updateReports?agent=tested"])
        self.assertEqual(len(done.stdout.splitlines()), count)

    def test_with_python_websockets(self):
        if websockets is None:
            self.skipTest("python3-websockets is not installed")
        messages = ["", "x", "caf\u00e9 \u20ac " * 5000, b"", os.urandom(100000), "{}" * 30000]
        settings = [{}, {"server_no_context_takeover": True}, {"client_no_context_takeover": True, "client_max_window_bits": 10},
                    {"server_max_window_bits": 9, "client_max_window_bits": True}]
        wrong = []

        def agreed(peer):
            return len(getattr(peer, "protocol", peer).extensions) == 1 if hasattr(peer, "request") else len(peer.extensions) == 1

        async def against_echo(url):
            for setting in settings:
                offer = permessage_deflate.ClientPerMessageDeflateFactory(**setting)
                async with websockets.connect(url, compression=None, extensions=[offer], max_size=None) as peer:
                    wrong.extend([] if agreed(peer) else [setting])
                    for message in messages * 2:
                        await peer.send(message)
                        wrong.extend([] if await asyncio.wait_for(peer.recv(), 20) == message else [(setting, len(message))])
                    await peer.send(["in ", "three ", "parts"])
                    wrong.extend([] if await asyncio.wait_for(peer.recv(), 20) == "in three parts" else [setting])

        async def cases_of(peer, *_):
            path = peer.request.path if hasattr(peer, "request") else peer.path
            if path == "/getCaseCount":
                await peer.send("3")
            elif path.startswith("/runCase"):
                wrong.extend([] if agreed(peer) else [path])
                for message in messages:
                    await peer.send(message)
                    wrong.extend([] if await asyncio.wait_for(peer.recv(), 20) == message else [(path, len(message))])

        async def against_cases(setting):
            offer = permessage_deflate.ServerPerMessageDeflateFactory(**setting)
            async with websockets.serve(cases_of, "127.0.0.1", 0, compression=None, extensions=[offer], max_size=None) as server:
                port = server.sockets[0].getsockname()[1]
                process = await asyncio.create_subprocess_exec(CASES, f"ws://127.0.0.1:{port}", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                return (*await asyncio.wait_for(process.communicate(), 60), process.returncode)

        with subprocess.Popen([ECHO, "0"], stdout=subprocess.PIPE, text=True) as process:
            try:
                asyncio.run(against_echo(process.stdout.readline().strip()))
            finally:
                process.terminate()
        for setting in settings[:3] + [{"server_max_window_bits": 9, "client_max_window_bits": 9}]:
            out, err, returned = asyncio.run(against_cases(setting))
            self.assertEqual((out.decode(), err, returned), ("".join(f"case {i}: 1000\n" for i in (1, 2, 3)), b"", 0))
        self.assertEqual(wrong, [])

    def test_nobody_there(self):
        with socket.create_server(("127.0.0.1", 0)) as sock:
            port = sock.getsockname()[1]
        done = subprocess.run([CASES, f"ws://127.0.0.1:{port}"], capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("refused", done.stderr.lower())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
