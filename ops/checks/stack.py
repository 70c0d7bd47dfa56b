"""Both real programs on a data directory of their own, for the checks in this folder."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")), "debug")
PASSWORD = "correct horse battery 9"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(holds, what, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if found := holds():
                return found
        except (OSError, urllib.error.URLError):
            pass
        time.sleep(0.05)
    raise SystemExit(f"timed out: {what}")


class Stack:
    """The programs, their environment, and a way to ask them."""

    def __init__(self, directory=None, bind=None, **environment):
        self.dir = directory or tempfile.mkdtemp(prefix="crm-check-")
        self.bind = bind or f"127.0.0.1:{free_port()}"
        self.base = f"http://127.0.0.1:{self.bind.rsplit(':', 1)[1]}"
        self.log = open(os.path.join(tempfile.mkdtemp(prefix="crm-log-"), "log"), "w+")
        self.env = os.environ | {
            "CRM_DATA_DIR": self.dir,
            "CRM_BIND": self.bind,
            "CRM_BASE_URL": self.base,
            "CRM_LOG": "info",
        } | environment
        self.processes = {}

    def run(self, program, *arguments, said=None):
        done = subprocess.run(
            [os.path.join(BIN, program), *arguments],
            env=self.env | {"CRM_LOG": "warn"}, input=said, capture_output=True, text=True,
        )
        if done.returncode:
            raise SystemExit(f"{program} {arguments}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self, program, *arguments):
        path = os.path.join(BIN, program)
        process = subprocess.Popen([path, *arguments], env=self.env, stdout=self.log, stderr=self.log)
        self.processes[program] = process
        return process

    def serve(self):
        self.start("crm-api", "serve")
        until(lambda: self.get("/healthz")[0] == 200, "the api answers")

    def work(self):
        self.start("crm-worker", "run")
        until(lambda: json.loads(self.get("/readyz")[2])["worker_alive"], "the worker is alive")

    def add_user(self, email, role="admin"):
        arguments = ["--email", email, "--name", f"Sample {role}", "--role", role, "--password-stdin"]
        self.run("crm-api", "admin", "create-user", *arguments, said=PASSWORD)

    def token(self, email, scope="all"):
        arguments = ["--email", email, "--scope", scope, "--name", "a check"]
        return self.run("crm-api", "admin", "create-token", *arguments).split()[-1]

    def get(self, path, **headers):
        return ask(self.base + path, headers=headers)

    def kill(self, how=signal.SIGKILL):
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(how)
        for process in self.processes.values():
            process.wait()
        self.processes = {}

    def said(self):
        self.log.flush()
        with open(self.log.name) as log:
            return log.read()


def ask(url, method="GET", body=None, headers=None):
    """Status, headers, text; header names may be written with underscores."""
    named = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
    if isinstance(body, dict):
        body, named["content-type"] = json.dumps(body).encode(), "application/json"
    request = urllib.request.Request(url, data=body, method=method, headers=named)
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status, reply.headers, reply.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode(errors="replace")


class Checks:
    """Counts what holds, and says what does not."""

    def __init__(self):
        self.passed = self.failed = 0

    def that(self, holds, what, seen=None):
        if holds:
            self.passed += 1
            print(f"ok - {what}", flush=True)
        else:
            self.failed += 1
            print(f"NOT OK - {what}" + ("" if seen is None else f": {seen!r}"), flush=True)

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed")
        sys.exit(bool(self.failed))
