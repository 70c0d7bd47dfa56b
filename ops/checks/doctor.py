"""`crm-api doctor` and `ops/doctor` against a set-up that is well and against many that are broken, each for real: each is
found, named in the words expected here, and answered with exit code 1."""

import contextlib
import http.server
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time

from stack import BIN, ROOT, Checks, Stack, free_port

check = Checks()
FIXTURE = os.path.join(ROOT, "jobs/tests/fixtures/releases/0.1.0-schema-13.db.zst")


def doctor(crm, user=None, **environment):
    env = crm.env | {"CRM_LOG": "warn"} | environment
    program, place = os.path.join(BIN, "crm-api"), None
    if user:  # to whom this checkout may be closed
        place = tempfile.mkdtemp()
        os.chmod(place, 0o755)
        program = shutil.copy(program, place)
    done = subprocess.run([program, "doctor"], env=env, capture_output=True, text=True, user=user, cwd="/")
    if place:
        shutil.rmtree(place)
    return done.returncode, done.stdout + done.stderr


def finds(what, words, crm, code=1, **more):
    exit_code, text = doctor(crm, **more)
    missing = [word for word in words if word not in text]
    check.that(exit_code == code and not missing and "panicked" not in text, f"finds {what}", (exit_code, missing, text) if exit_code != code or missing else None)


@contextlib.contextmanager
def listening(handler):
    """Something else on a port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


class Elsewhere(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"another site")

    def log_message(self, *_):
        pass


def plain_smtp(port_of):
    """A mail server without STARTTLS."""
    server = socket.create_server(("127.0.0.1", 0))
    port_of.append(server.getsockname()[1])

    def talk():
        while True:
            try:
                conn, _ = server.accept()
            except OSError:
                return
            with conn:
                conn.sendall(b"220 plain ESMTP\r\n")
                conn.recv(1000)
                conn.sendall(b"250 plain\r\n")
                conn.recv(1000)

    threading.Thread(target=talk, daemon=True).start()
    return server


def change(crm, sql, *values):
    with contextlib.closing(sqlite3.connect(os.path.join(crm.dir, "crm.db"), timeout=20)) as db:
        db.execute(sql, values)
        db.commit()


# One that is well, and what can be broken while it runs.
crm = Stack()
crm.add_user("robin@example.org")
crm.run("crm-worker", "backup")
crm.serve()
crm.work()
try:
    code, text = doctor(crm)
    check.that(code == 0 and "ACT" not in text and "does not work" not in text, "a set-up that is well passes", text)

    finds("a base address with a path", ["CRM_BASE_URL must be http(s)://host[:port] without a path"], crm, CRM_BASE_URL=crm.base + "/crm")
    finds("a misspelled variable", ["CRM_BASEURL is set, and nothing reads it"], crm, code=0, CRM_BASEURL="x")
    finds("weak settings in production, all at once", ["CRM_SECRET_KEY must hold at least 32 bytes", "must start with https://"], crm, CRM_ENV="production", CRM_SECRET_KEY="short", CRM_BASE_URL="http://crm.example.org")
    finds("a data directory that is not there", ["does not exist", "CRM_DATA_DIR"], crm, CRM_DATA_DIR="/var/nowhere/crm")
    os.chmod(crm.dir, 0o755)
    finds("a data directory others can read", ["Other users of this machine can read", "chmod 700"], crm)
    if os.geteuid() == 0:
        finds("a data directory of another user", ["Nothing can be written in"], crm, user=65534)
    os.chmod(crm.dir, 0o700)
    with listening(Elsewhere) as port:
        finds("a port that another program has", [f"Another program has 127.0.0.1:{port}"], crm, CRM_BIND=f"127.0.0.1:{port}", CRM_BASE_URL=crm.base)
        finds("an address that leads elsewhere", ["leads somewhere else"], crm, CRM_BASE_URL=f"http://127.0.0.1:{port}")
    finds("an address nobody answers at", ["does not answer"], crm, CRM_BASE_URL=f"http://127.0.0.1:{free_port()}")
    finds("a Gmail key that cannot be read", ["CRM_GMAIL_CREDENTIALS cannot be read"], crm, CRM_GMAIL_CREDENTIALS="/nowhere/key.json")
    smtp = {"SMTP_HOST": "127.0.0.1", "SMTP_FROM": "crm@example.org"}
    finds("a mail server that is not there", ["Mail server now"], crm, **smtp, SMTP_PORT=str(free_port()))
    ports = []
    server = plain_smtp(ports)
    finds("a mail server without TLS", ["offers no STARTTLS"], crm, **smtp, SMTP_PORT=str(ports[0]))
    server.close()
    finds("a local model at a public address", ["Local model now", "8.8.8.8"], crm, SPARK_URL="http://8.8.8.8:9999")
    finds("a local model that is away", ["Local model now", "127.0.0.1"], crm, SPARK_URL=f"http://127.0.0.1:{free_port()}")

    old = tempfile.mkdtemp()
    with open(os.path.join(old, "crm-worker"), "w") as script:
        script.write("#!/bin/sh\necho crm-worker 0.0.7\n")
    os.chmod(os.path.join(old, "crm-worker"), 0o755)
    finds("an old copy of a program", ["crm-worker is 0.0.7", "Install both programs of one release"], crm, PATH=f"{old}:{os.environ['PATH']}")

    change(crm, "insert or replace into settings (key, value, updated_at, updated_by) values ('backup_policy', ?, 0, 'x')", json.dumps({"second_directory": "/mnt/nowhere"}))
    finds("a second directory that is not mounted", ["/mnt/nowhere"], crm)
    change(crm, "delete from settings where key = 'backup_policy'")

    change(crm, "update backups set created_at = created_at - 5 * 86400000")
    finds("backups that are too old", ["older than 26 hours"], crm, code=0)
    change(crm, "update backups set state = 'failed', error = 'x'")
    finds("that there is no good backup", ["There is no verified backup yet"], crm)
    change(crm, "update backups set state = 'verified', error = null, created_at = created_at + 5 * 86400000")

    # The worker was given another key than the api, and stops later.
    crm.processes["crm-worker"].terminate()
    crm.processes["crm-worker"].wait()
    finds("that no worker runs", ["No worker is running", "crm-worker run"], crm)
    crm.env["CRM_SECRET_KEY"] = "another key of at least 32 bytes, yes"
    crm.work()
    del crm.env["CRM_SECRET_KEY"]
    finds("that the two were started differently", ["started with different values of CRM_SECRET_KEY"], crm)
    crm.processes["crm-worker"].kill()
    crm.processes["crm-worker"].wait()
    finds("a worker that died", ["Worker"], crm, code=1) if time.sleep(16) is None else None
finally:
    crm.kill()
finds("that the api does not run", ["crm-api is not running"], crm)

# A sealed password and another key.
change(crm, "insert or replace into settings (key, value, updated_at, updated_by) values ('smtp', ?, 0, 'x')", json.dumps({"host": "smtp.example.org", "port": 587, "user": "crm", "from": "crm@example.org", "security": "starttls", "sealed": "sealed:1:" + "00" * 60}))
finds("a password stored with another key", ["Mail server", "enter it again"], crm)
change(crm, "delete from settings where key = 'smtp'")

database = os.path.join(crm.dir, "crm.db")
ahead = time.time() + 2 * 86400
os.utime(database, (ahead, ahead))
finds("a clock that is days off", ["This machine says", "Set the clock"], crm)
os.utime(database)

with open(os.path.join(crm.dir, "run", "restore.json"), "w") as status:
    json.dump({"id": "x", "phase": "swapping", "by": "shell", "ip": "", "backup_id": None, "file": "crm-x.db.zst", "taken_at": None, "new_sha256": "", "without_safety_backup": False, "safety_backup": None, "asked_at": 0, "closed_at": None, "finished_at": None, "error": None}, status)
finds("a restore that was cut off", ["A restore of crm-x.db.zst was cut off"], crm)
os.remove(os.path.join(crm.dir, "run", "restore.json"))

change(crm, "insert into _sqlx_migrations (version, description, success, checksum, execution_time) values (9999, 'later', 1, x'00', 0)")
finds("a database of a newer release", ["schema 9999", "a newer release was here"], crm)
change(crm, "delete from _sqlx_migrations where version = 9999")

older = Stack()
subprocess.run(["zstd", "-q", "-d", FIXTURE, "-o", os.path.join(older.dir, "crm.db")], check=True)
finds("a database of an older release", ["schema 13", "crm-api migrate"], older)
shutil.rmtree(older.dir)

with open(database, "r+b") as file:
    file.seek(0, os.SEEK_END)
    middle = file.tell() // 2 // 4096 * 4096
    file.seek(middle)
    file.write(os.urandom(4096 * 20))
finds("a damaged database", ["It is damaged", "--damaged"], crm)
with open(database, "wb") as file:
    file.write(b"this is no database at all" * 1000)
finds("a file that is no database", ["It is damaged"], crm)
os.remove(database)
finds("that there is no database", ["There is none in"], crm)

# The script around it knows what a checkout needs.
bare = tempfile.mkdtemp()
for name in ["bash", "sh", "dirname", "basename", "sed", "env", "cut", "grep"]:
    os.symlink(shutil.which(name), os.path.join(bare, name))
done = subprocess.run([os.path.join(ROOT, "ops/doctor")], env=crm.env | {"PATH": bare}, capture_output=True, text=True)
check.that(done.returncode == 1 and "node is missing" in done.stdout and "cargo is missing" in done.stdout, "finds missing tools", done.stdout + done.stderr)
shutil.rmtree(crm.dir, ignore_errors=True)
check.end()
