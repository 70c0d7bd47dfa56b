"""`ops/upgrade` from one release to the next, as an owner would: a checkout, its remote, a data directory with the database
of an older release. What takes minutes or another machine is stood in for: `cargo` puts the debug programs where the
release build would be, `npm` does nothing, `systemctl` only says that it was called."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import tempfile

from stack import BIN, ROOT, Checks, Stack

check = Checks()
FIXTURE = os.path.join(ROOT, "jobs/tests/fixtures/releases/0.1.0-schema-13.db.zst")
home = tempfile.mkdtemp(prefix="crm-upgrade-")
remote, checkout, tools = (os.path.join(home, name) for name in ("remote", "checkout", "tools"))
crm = Stack()


def sh(*command, cwd=home, **environment):
    done = subprocess.run(command, cwd=cwd, env=crm.env | environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def tool(name, script):
    path = os.path.join(tools, name)
    with open(path, "w") as file:
        file.write("#!/bin/sh\n" + script)
    os.chmod(path, 0o755)


def schema():
    with contextlib.closing(sqlite3.connect(os.path.join(crm.dir, "crm.db"))) as db:
        return db.execute("select max(version) from _sqlx_migrations where success").fetchone()[0]


def upgrade(*options):
    return sh(os.path.join(checkout, "ops/upgrade"), *options, cwd="/")


os.mkdir(tools)
tool("cargo", f'mkdir -p "{checkout}/target/release" && cp {BIN}/crm-api {BIN}/crm-worker "{checkout}/target/release/" && echo "cargo $*" >>{home}/calls\n')
tool("npm", "exit 0\n")
tool("systemctl", f'echo "systemctl $*" >>{home}/calls\n')
crm.env["PATH"] = f"{tools}:{os.environ['PATH']}"
who = ["-c", "user.name=Sample", "-c", "user.email=sample@example.org"]
try:
    # The remote is what this tree is now, with one commit more than the owner's checkout has.
    os.mkdir(remote)
    files = sh("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)[1].split("\0")
    for file in filter(None, files):
        if os.path.exists(os.path.join(ROOT, file)):
            os.makedirs(os.path.dirname(os.path.join(remote, file)), exist_ok=True)
            shutil.copy2(os.path.join(ROOT, file), os.path.join(remote, file))
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], [*who, "commit", "-qm", "a release"]):
        check.that(sh("git", *command, cwd=remote)[0] == 0, f"git {command[-1]}")
    sh("git", "clone", "-q", remote, checkout)
    older = sh("git", "rev-parse", "--short", "HEAD", cwd=checkout)[1].strip()
    with open(os.path.join(remote, "NEXT"), "w") as file:
        file.write("the next release")
    sh("git", "add", "-A", cwd=remote)
    sh("git", *who, "commit", "-qm", "the next release", cwd=remote)

    code, says = upgrade()
    check.that(code == 1 and "there is no database in" in says, "without a database it says where it looked", says)
    code, says = upgrade("--now")
    check.that(code == 1 and "unknown option: --now" in says, "an unknown option is refused", says)

    subprocess.run(["zstd", "-q", "-d", FIXTURE, "-o", os.path.join(crm.dir, "crm.db")], check=True)
    code, says = upgrade("--pull", "--restart")
    check.that(code == 0 and os.path.exists(os.path.join(checkout, "NEXT")), "it fetches the next release", says)
    newest = max(int(name.split("_")[0]) for name in os.listdir(os.path.join(ROOT, "migrations")) if name.endswith(".sql"))
    check.that(schema() == newest, f"it migrates from schema 13 to {newest}", schema())
    backups = [name for name in os.listdir(os.path.join(crm.dir, "backups")) if name.endswith(".zst")]
    check.that(len(backups) == 1 and backups[0] in says, "it takes a backup before, and names it", (backups, says))
    check.that(f"git checkout {older}" in says and "crm-worker restore" in says, "it says how to go back", says)
    with open(os.path.join(home, "calls")) as file:
        calls = [line.split()[:2] for line in file]
    check.that(calls == [["cargo", "build"], ["systemctl", "stop"], ["systemctl", "start"]], "the units stop after the build and start after the migration", calls)

    # The way back, as it was printed: the older programs would refuse this database.
    backup = os.path.join(crm.dir, "backups", backups[0])
    code, says = sh(os.path.join(BIN, "crm-worker"), "verify", backup)
    check.that(code == 0, "the backup before is verified", says)

    code, says = upgrade()
    after = [name for name in os.listdir(os.path.join(crm.dir, "backups")) if name.endswith(".zst")]
    check.that(code == 0 and after == backups, "with nothing to migrate it takes no backup", (says, after))

    crm.serve()
    crm.work()
    code, says = upgrade()
    check.that(code == 1 and "a worker is still running" in says and "Nothing was changed" in says, "while a worker runs it changes nothing", says)
    with open(os.path.join(checkout, "README.md"), "a") as file:
        file.write("an owner's own line\n")
    sh("git", "commit", "-qam", "an owner's own line", cwd=checkout, GIT_AUTHOR_NAME="S", GIT_AUTHOR_EMAIL="s@example.org", GIT_COMMITTER_NAME="S", GIT_COMMITTER_EMAIL="s@example.org")
    with open(os.path.join(remote, "NEXT"), "a") as file:
        file.write(", again")
    sh("git", *who, "commit", "-qam", "and one more", cwd=remote)
    code, says = upgrade("--pull")
    check.that(code != 0 and "building" not in says, "a checkout with commits of its own is not merged by itself", says)
finally:
    crm.kill()
    shutil.rmtree(home, ignore_errors=True)
    shutil.rmtree(crm.dir, ignore_errors=True)
check.end()
