"""Every dependency comes from its registry and has a licence we may ship.

No lock file names a registry's host: the same commit builds behind any mirror.
"""

import json
import re
import subprocess
import sys

ALLOWED = {
    "MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "ISC", "Zlib",
    "Unicode-3.0", "Unlicense", "CC0-1.0", "0BSD", "MIT-0", "BlueOak-1.0.0", "Python-2.0", "CC-BY-4.0",
}
# Used by tests only, never shipped.
TEST_ONLY = {"axe-core": "MPL-2.0"}
# Named by the lock file for systems that this app is not built for (Android, iOS), never shipped.
ELSEWHERE = {"webpki-root-certs": "CDLA-Permissive-2.0"}
problems = []


def allowed(expression):
    """True if one way of reading an SPDX expression needs only allowed licences."""
    expression = expression.replace("/", " OR ").replace("(", " ").replace(")", " ")
    return any(
        all(part.strip() in ALLOWED for part in way.split(" AND ")) for way in re.split(r"\bOR\b", expression)
    )


metadata = json.loads(
    subprocess.run(["cargo", "metadata", "--format-version", "1", "--locked"], capture_output=True, check=True).stdout
)
packages = [p for p in metadata["packages"] if p["source"]]
for package in packages:
    if not package["source"].startswith("registry+"):
        problems.append(f"{package['name']} comes from {package['source'].split('+')[0]}")
    if not allowed(package["license"] or "none") and ELSEWHERE.get(package["name"]) != package["license"]:
        problems.append(f"{package['name']} is {package['license']}")

npm = 0
for text in ["static/package-lock.json", "ops/peers/package-lock.json"]:
    lock = json.load(open(text))
    npm += len(lock["packages"]) - 1
    for path, package in lock["packages"].items():
        name = path.split("node_modules/")[-1]
        licence = package.get("license", "")
        if path and not allowed(licence) and TEST_ONLY.get(name) != licence:
            problems.append(f"npm {name} is {licence or 'without licence'}")
for text in ["static/package-lock.json", "ops/peers/package-lock.json", "startos/package-lock.json"]:
    if "resolved" in open(text).read():
        problems.append(f"{text} names a registry's host")

for problem in problems:
    print(problem)
print(f"{len(packages)} crates and {npm} npm packages looked at")
print(f"{0 if problems else 1} passed, {len(problems)} failed")
sys.exit(bool(problems))
