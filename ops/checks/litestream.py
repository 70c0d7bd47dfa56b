"""Litestream beside the real programs: writes are answered, everything is killed at once, and a new box has them."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time

from stack import BIN, ROOT, Checks, Stack, ask, until

check = Checks()
litestream = os.path.join(ROOT, ".venv/bin/litestream")
replica = tempfile.mkdtemp(prefix="crm-replica-")
config = os.path.join(ROOT, "ops/litestream.yml")
crm = Stack(CRM_REPLICA_URL=f"file://{replica}")
crm.run("crm-api", "demo")
crm.add_user("robin@example.org")
writes = []  # (when it was answered, the task's title)


def replicate():
    log = open(os.path.join(replica + ".log"), "a")
    return subprocess.Popen([litestream, "replicate", "-config", config], env=crm.env, stdout=log, stderr=log)


def restored(to):
    """A new box's data directory out of the replica alone."""
    os.makedirs(to, mode=0o700)
    done = subprocess.run(
        [litestream, "restore", "-config", config, "-o", os.path.join(to, "crm.db"), os.path.join(crm.dir, "crm.db")],
        env=crm.env, capture_output=True, text=True,
    )
    check.that(done.returncode == 0, "litestream restores", done.stderr[-600:])


def titles(database):
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
        assert db.execute("pragma integrity_check").fetchone()[0] == "ok"
        return {title for (title,) in db.execute("select title from tasks")}


def write(headers, until_when, pause):
    n = len(writes)
    while time.monotonic() < until_when:
        title = f"Replicated {n:05}"
        try:
            status, _, _ = ask(crm.base + "/api/reminders", "POST", {"title": title}, headers)
        except OSError:
            return
        if status < 300:
            writes.append((time.monotonic(), title))
        n += 1
        time.sleep(pause)


try:
    crm.serve()
    crm.work()
    headers = {"authorization": f"Bearer {crm.token('robin@example.org')}"}
    stream = replicate()
    until(lambda: any(files for _, _, files in os.walk(replica)), "the first copy is there")

    # A burst as fast as it goes: both programs checkpoint by themselves meanwhile, and more than once.
    write(headers, time.monotonic() + 12, 0)
    check.that(len(writes) > 200, "a burst was written", len(writes))
    quiet = time.monotonic()
    time.sleep(4)

    # Then people at work, and everything dies at once in the middle of it.
    writer = threading.Thread(target=write, args=(headers, time.monotonic() + 6, 0.05))
    writer.start()
    time.sleep(5)
    stream.send_signal(signal.SIGKILL)
    killed = time.monotonic()
    crm.kill()
    stream.wait()
    writer.join()

    new = os.path.join(tempfile.mkdtemp(prefix="crm-new-"), "data")
    restored(new)
    there = titles(os.path.join(new, "crm.db"))
    settled = [title for at, title in writes if at <= quiet]
    check.that(all(title in there for title in settled), "all that was answered before a pause is there", len(settled))
    answered = [(at, title) for at, title in writes if at <= killed]
    lost = [at for at, title in answered if title not in there]
    window = killed - min(lost) if lost else 0.0
    # The figure of this run; how much it may be is Litestream's sync-interval plus its own work.
    print(f"# {len(answered)} writes answered, {len(lost)} of the last {window:.2f} s not in the replica")
    order = [title in there for _, title in answered]
    check.that(order == sorted(order, reverse=True), "what is missing is the newest, without gaps")

    # The new box: our program starts on it, everything reads, people can write.
    other = Stack(directory=new)
    files = os.path.join(crm.dir, "files")
    shutil.copytree(files, os.path.join(new, "files"), dirs_exist_ok=True)
    os.makedirs(os.path.join(new, "backups"), exist_ok=True)
    other.serve()
    other.work()
    looked = other.run("crm-api", "look")
    check.that("lists answered" in looked, "the whole program starts on it and reads every list", looked)
    token = {"authorization": f"Bearer {other.token('robin@example.org')}"}
    status, _, _ = ask(other.base + "/api/reminders", "POST", {"title": "On the new box"}, token)
    check.that(status < 300, "people can write there", status)
    # Litestream's own tables do not keep a backup of it from being restored.
    other.run("crm-worker", "backup")
    newest = sorted(f for f in os.listdir(os.path.join(new, "backups")) if f.endswith(".db.zst"))[-1]
    drilled = other.run("crm-worker", "drill")
    check.that("done" in drilled, "a drill passes on a database that Litestream replicated", drilled)
    other.kill(signal.SIGTERM)
    preview = other.run("crm-worker", "restore", os.path.join(new, "backups", newest), "--preview")
    check.that("Refused" not in preview, "and a backup of it can be restored", preview)
finally:
    crm.kill()
    try:
        other.kill()
    except NameError:
        pass
check.end()
