"""Holds orch's reading of templates against cfn-lint's. It shares nothing with orch but the templates."""

import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ORCH = os.environ["ORCH"]
# What orch says of a template itself, whatever parameters a plan gives: not a template, refused by CloudFormation.
OURS = {"ORCH050", "ORCH053"}
UNREAD = {"ORCH023", "ORCH031"}
# cfn-lint's rules of the same kinds: the file parses, sections and members, references, functions, circles.
THEIRS = {
    "E0000", "E1001", "E1010", "E1017", "E1018", "E1019", "E1020", "E1021", "E1022", "E1024", "E1028", "E1040",
    "E3001", "E3004", "E3005", "E6001", "E6005", "E8001", "E8002",
}


def templates(folder):
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".yaml", ".yml", ".json", ".template"} and path.is_file():
            if "Resources" in path.read_text(errors="replace"):
                yield path


def ours(path, plan):
    plan.write_text(
        'name = "wild"\nregion = "us-east-1"\n[accounts]\na = { id = "111111111111" }\n[stacks.s]\naccount = "a"\n'
        f"template = {json.dumps(str(path))}\n"
        'capabilities = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]\n'
    )
    command = [ORCH, "validate", str(plan), "--allow-read", str(path.parent), "--format", "json"]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode not in (0, 2):
        sys.exit(f"{path}: orch ended with {run.returncode}\n{run.stderr}")
    problems = json.loads(run.stdout)["plans"][0]["problems"]
    # What cannot be read at all would count as read without a fault.
    if unread := [p["message"] for p in problems if p["code"] in UNREAD]:
        sys.exit(f"{path}: {unread[0]}")
    return [f"{p['line']}: {p.get('label') or p['message']}" for p in problems if p["code"] in OURS]


def theirs(paths):
    found = collections.defaultdict(list)
    lint = [os.path.join(os.path.dirname(sys.executable), "cfn-lint"), "--format", "json", "--"]
    for start in range(0, len(paths), 50):
        run = subprocess.run(lint + [str(p) for p in paths[start : start + 50]], capture_output=True, text=True)
        for match in json.loads(run.stdout or "[]"):
            if match["Level"] == "Error":
                line = match["Location"]["Start"]["LineNumber"]
                found[match["Filename"]].append((match["Rule"]["Id"], f"{line}: {match['Message']}"))
    return found


def main():
    folder = pathlib.Path(sys.argv[1])
    paths = list(templates(folder))
    lint = theirs(paths)
    read, refused, alone, missed = 0, 0, [], []
    with tempfile.TemporaryDirectory() as work:
        plan = pathlib.Path(work) / "plan.toml"
        for path in paths:
            found = ours(path, plan)
            read, refused = read + (not found), refused + bool(found)
            same_kind = [text for rule, text in lint[str(path)] if rule in THEIRS]
            if found and not lint[str(path)]:
                alone.append((path, found[0]))
            if same_kind and not found:
                missed.append((path, same_kind[0]))
    print(f"{len(paths)} templates: {read} read, {refused} refused")
    for heading, rows in [("orch alone finds an error", alone), ("cfn-lint alone finds an error", missed)]:
        print(f"{heading}: {len(rows)}")
        for path, text in rows:
            print(f"  {path.relative_to(folder)}:{text}")


main()
