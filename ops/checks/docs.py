"""Links between documents lead somewhere, and every ops script answers --help."""

import os
import re
import subprocess
import sys

problems, checked = [], 0
files = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], capture_output=True, text=True, check=True)
for name in (f for f in files.stdout.split() if f.endswith(".md") and os.path.exists(f)):
    text = open(name).read()
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if "://" in target or target.startswith("mailto:"):
            continue
        checked += 1
        if not os.path.exists(os.path.join(os.path.dirname(name), target)):
            problems.append(f"{name}: {target} leads nowhere")
for script in sorted(os.listdir("ops")):
    path = os.path.join("ops", script)
    if os.path.isfile(path) and os.access(path, os.X_OK):
        checked += 1
        done = subprocess.run([path, "--help"], capture_output=True, text=True)
        if done.returncode or not done.stdout.startswith("Usage:"):
            problems.append(f"{path} --help does not begin with Usage:")
for problem in problems:
    print(problem)
print(f"{checked - len(problems)} passed, {len(problems)} failed")
sys.exit(bool(problems))
