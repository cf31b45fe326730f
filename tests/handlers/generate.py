"""Writes src/iam/handlers.txt: what the handlers of each resource type need, of the schemas that cfn-lint carries.

A line for each type, in the order of their names: the type, then for each service its name and, by when they are
needed (c for create, r for read, u for update, d for delete), the actions. A type whose schema has no handlers is not
there. Permissions that are no action (a few schemas have empty ones) are left out, and services are written in small
letters, as IAM takes them in any.
"""

import json
import re
import sys
from pathlib import Path

HANDLERS = {"create": "c", "read": "r", "update": "u", "delete": "d"}
ACTION = re.compile(r"([A-Za-z0-9-]+):([A-Za-z0-9*]+)")


def needed(handlers):
    """By action, when it is needed: `cr`."""
    when = {}
    for handler, letter in HANDLERS.items():
        for permission in handlers.get(handler, {}).get("permissions", []):
            if match := ACTION.fullmatch(permission.strip()):
                action = (match[1].lower(), match[2])
                letters = when.setdefault(action, [])
                if letter not in letters:
                    letters.append(letter)
    return {action: "".join(letters) for action, letters in when.items()}


def line(name, handlers):
    """The line of a type; empty if it needs nothing."""
    services = {}
    for (service, action), letters in sorted(needed(handlers).items()):
        services.setdefault(service, {}).setdefault(letters, []).append(action)
    parts = [
        f"{service}:" + "|".join(f"{letters}={','.join(actions)}" for letters, actions in sorted(own.items()))
        for service, own in sorted(services.items())
    ]
    return " ".join([name, *parts]) + "\n" if parts else ""


def main(package, version, out):
    schemas = (json.loads(path.read_text()) for path in Path(package, "data/schemas/resources").glob("*.json"))
    handlers = {schema["typeName"]: schema["handlers"] for schema in schemas if schema.get("handlers")}
    date = json.loads(Path(package, "data/schemas/version.json").read_text())["schema_date"]
    head = (
        f"# The permissions of resource types' handlers, of the schemas in cfn-lint {version} ({date}), which are MIT-0.\n"
        "# Made by tests/handlers/run; not written by hand.\n"
    )
    Path(out).write_text(head + "".join(line(name, handlers[name]) for name in sorted(handlers)))


if __name__ == "__main__":
    main(*sys.argv[1:])
