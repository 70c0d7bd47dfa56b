"""What can be held of the Dockerfile, compose.yaml and the systemd units without an engine to run them."""

import json
import os
import re
import shutil
import subprocess
import sys

import stack

check = stack.Checks()
os.chdir(stack.ROOT)
with open("Dockerfile") as file:
    docker = re.sub(r"\\\n", " ", "".join(line for line in file if not line.startswith("#")))
steps = [line.split(None, 1) for line in docker.splitlines() if line.strip()]
known = {"FROM", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "ENV", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "CMD"}
check.that({name for name, _ in steps} <= known, "the Dockerfile has only instructions that are known", {name for name, _ in steps} - known)

# What is copied exists, gets past .dockerignore, and stages are named before they are used.
with open(".dockerignore") as file:
    let_in = {line[1:].strip() for line in file if line.startswith("!")}
stages, last = set(), ""
for name, rest in steps:
    if name == "FROM":
        parts = rest.split()
        if "AS" in parts:
            stages.add(parts[parts.index("AS") + 1])
        last = rest
    if name == "COPY":
        words = rest.split()
        if words[0].startswith("--from="):
            check.that(words[0][7:] in stages, f"COPY {words[0]} names a stage", stages)
            continue
        for source in words[:-1]:
            top = source.split("/")[0]
            check.that(os.path.exists(source) and top in let_in, f"COPY {source}: is there and is sent to the builder")
    if name in ("CMD", "VOLUME") and rest.startswith("["):
        check.that(bool(json.loads(rest)), f"{name} is JSON")
final = docker[docker.rindex("FROM "):]
check.that("USER crm" in final and final.index("USER crm") < final.index("CMD ["), "it does not run as root")
check.that("debian" in last and "HEALTHCHECK" in final, "Debian with sh and chown, as StartOS wants, and a health check")
workspace = subprocess.run(["cargo", "metadata", "--no-deps", "--format-version", "1"], capture_output=True, text=True)
members = {os.path.basename(os.path.dirname(p["manifest_path"])) for p in json.loads(workspace.stdout)["packages"]}
check.that(all(f"COPY {member}/ {member}/" in docker for member in members), "every crate of the workspace is copied", members)
embedded = subprocess.run(["grep", "-rhoE", r'include_str!\(\s*(concat!\()?"(\.\./)+[a-z]+', "api/src", "jobs/src", "worker/src"], capture_output=True, text=True).stdout
for folder in {re.search(r"([a-z]+)$", line)[1] for line in embedded.splitlines()} - {"tests"}:
    check.that(f"COPY {folder}/ {folder}/" in docker, f"what is embedded from {folder}/ is copied")
with open("rust-toolchain.toml") as file:
    release = re.search(r'channel = "(\d+\.\d+)', file.read())[1]
check.that(f"rust:{release}-" in docker, "the builder has the compiler of rust-toolchain.toml", release)

compose = subprocess.run(
    [sys.executable, "-c", "import yaml,json,sys; print(json.dumps(yaml.safe_load(open('ops/compose.yaml'))))"],
    capture_output=True, text=True,
)
check.that(compose.returncode == 0, "compose.yaml is YAML", compose.stderr[-300:])
if compose.returncode == 0:
    whole = json.loads(compose.stdout)
    services = whole["services"]
    check.that(set(services) == {"api", "worker", "caddy"}, "api, worker and caddy", set(services))
    for name, service in services.items():
        check.that(service["read_only"] and service["cap_drop"] == ["ALL"] and service["security_opt"] == ["no-new-privileges:true"], f"{name} is locked up")
        named = [volume.split(":")[0] for volume in service["volumes"]]
        check.that(all(v.startswith("./") or v in whole["volumes"] for v in named), f"{name} has named volumes only", named)
    check.that(services["api"]["environment"] == services["worker"]["environment"], "both programs get the same settings")
    check.that("ports" not in services["api"], "only Caddy is reachable from outside")
    with open("docs/configuration.md") as file:
        documented = file.read()
    for name in services["api"]["environment"]:
        check.that(f"`{name}`" in documented, f"{name} is a setting that there is")

if shutil.which("systemd-analyze"):
    # The programs need not be installed to read the units.
    units = {}
    folder = os.path.join(stack.ROOT, "ops/out/units")
    os.makedirs(folder, exist_ok=True)
    for unit in ["crm-api.service", "crm-worker.service"]:
        with open(f"ops/systemd/{unit}") as file:
            text = file.read()
        units[unit] = text
        with open(os.path.join(folder, unit), "w") as file:
            file.write(re.sub(r"ExecStart=/usr/local/bin/\S+", "ExecStart=/bin/true", text))
        path = os.path.join(folder, unit)
        verified = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True)
        check.that(verified.returncode == 0 and not verified.stderr.strip(), f"systemd takes {unit}", verified.stderr[-500:])
        secure = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--threshold=20", path], capture_output=True, text=True)
        level = re.search(r"exposure level.*?: (\S+)", secure.stdout)
        check.that(secure.returncode == 0, f"exposure of {unit} is at most 2.0", level and level[1])
else:
    print("# systemd-analyze is not here: the units are not read")
check.end()
