#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a test beside a real PostgreSQL: postgres.py PROGRAM [ARGUMENT...]

The server is made for this one test in a temporary directory, listens on a socket there and on a free port of 127.0.0.1, does not sync to
disk, and is ended with the test. The test finds in its environment

- ASSAY_TEST_POSTGRES: a URL of a superuser over the socket (no password is asked), ending in parameters to which "&..." may be added,
- ASSAY_TEST_POSTGRES_TCP: the same over TCP, where the password (PASSWORD below) is asked,
- ASSAY_TEST_POSTGRES_PID: the server's process.

Exits 77 and says why where there is no PostgreSQL."""
import ctypes
import glob
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PASSWORD = "s3cret word"
START_S = 60


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def programs():
    """The directory with the newest server programs."""
    on_path = shutil.which("initdb")
    folders = [pathlib.Path(on_path).resolve().parent] if on_path else []
    folders += [pathlib.Path(p).parent for p in glob.glob("/usr/lib/postgresql/*/bin/initdb") + glob.glob("/opt/homebrew/opt/postgresql*/bin/initdb")]
    folders = [f for f in folders if (f / "postgres").exists() and (f / "pg_isready").exists()]
    if not folders:
        skip("PostgreSQL's programs initdb and postgres are not here (Debian: postgresql)")
    return max(folders, key=lambda f: [int(n) for n in f.parent.name.split(".") if n.isdigit()])


def server_user():
    """PostgreSQL refuses to be root: somebody else then; None: as we are."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            pass
    skip("PostgreSQL does not run as root, and there is no user postgres or nobody")


def become(user):
    """In the child: that user, and ended when this program is."""
    def do():
        if user is not None:
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
        if sys.platform == "linux":
            pr_set_pdeathsig = 1
            ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGQUIT, 0, 0, 0)
    return do


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def make(folder, bin_dir, user):
    """The files of a new server."""
    password = folder / "password"
    password.write_text(PASSWORD + "\n")
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
        os.chown(password, user.pw_uid, user.pw_gid)
    command = [bin_dir / "initdb", "-D", folder / "data", "-U", "tester", "-E", "UTF8", "--locale=C", "--no-sync", "--auth-local=trust",
               "--auth-host=scram-sha-256", f"--pwfile={password}"]
    try:
        made = subprocess.run(command, preexec_fn=become(user), cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
    except PermissionError as error:
        skip(f"{user.pw_name if user is not None else 'this user'} may not run initdb here: {error}")
    if made.returncode != 0:
        skip(f"initdb cannot make a server here: {made.stdout.strip().splitlines()[-1:]}")


def start(folder, bin_dir, user, port):
    log = open(folder / "log", "w")
    command = [bin_dir / "postgres", "-D", folder / "data", "-k", folder, "-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off",
               "-c", "full_page_writes=off", "-c", "shared_buffers=32MB", "-c", "max_connections=60", "-c", "log_min_messages=fatal"]
    return subprocess.Popen(command, preexec_fn=become(user), cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def is_ready(folder, bin_dir, server, port):
    until = time.monotonic() + START_S
    while time.monotonic() < until and server.poll() is None:
        if subprocess.run([bin_dir / "pg_isready", "-q", "-h", folder, "-p", str(port)]).returncode == 0:
            return True
        time.sleep(0.05)
    return False


def stop(server):
    """At once, also when a test has ended it already."""
    if server.poll() is None:
        server.send_signal(signal.SIGQUIT)
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def main():
    bin_dir, user = programs(), server_user()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="assay-pg-"))
    server = None
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        make(folder, bin_dir, user)
        for _ in range(3):  # somebody else may have taken the port
            port = free_port()
            server = start(folder, bin_dir, user, port)
            if is_ready(folder, bin_dir, server, port):
                break
            stop(server)
        else:
            print((folder / "log").read_text(), file=sys.stderr)
            skip("the server did not start")
        environment = dict(os.environ,
                           ASSAY_TEST_POSTGRES=f"postgresql://tester@/postgres?host={folder}&port={port}",
                           ASSAY_TEST_POSTGRES_TCP=f"postgresql://tester:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{port}/postgres?sslmode=disable",
                           ASSAY_TEST_POSTGRES_PID=str(server.pid))
        return subprocess.run(sys.argv[1:], env=environment).returncode
    finally:
        if server is not None:
            stop(server)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    code = main()
    sys.exit(code if code >= 0 else 128 - code)
