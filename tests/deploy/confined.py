"""Runs a command under the filter of system calls of a unit of systemd: `confined.py UNIT COMMAND...`.

What the unit does not allow answers as it does under systemd: with EPERM.
"""

import ctypes
import errno
import os
import re
import subprocess
import sys
from pathlib import Path

ALLOW, DENY = 0x7FFF0000, 0x00050000 | errno.EPERM  # SCMP_ACT_ALLOW, SCMP_ACT_ERRNO of seccomp.h


def calls(name: str) -> set[str]:
    """Return the calls of a set of systemd's, with those of the sets in it."""
    listed = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True)
    names = [line.strip() for line in listed.stdout.splitlines()[1:]]
    return {call for each in names if each and each[0] != "#" for call in (calls(each) if each[0] == "@" else {each})}


def allowed(unit: str) -> set[str]:
    """Return what a unit allows: its filters in order, and what systemd needs itself to start anything."""
    found = calls("@default")
    for filtered in re.findall(r"^SystemCallFilter=(.*)$", unit, re.MULTILINE):
        named = {call for name in filtered.lstrip("~").split() for call in calls(name)}
        found = found - named if filtered.startswith("~") else found | named
    return found


def confine(names: set[str]) -> None:
    """Allow this process and its children nothing else, for good."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(DENY))
    for name in sorted(names):
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:
            library.seccomp_rule_add(context, ALLOW, number, 0)
    if library.seccomp_load(context):
        sys.exit("the filter cannot be loaded")


confine(allowed(Path(sys.argv[1]).read_text(encoding="utf-8")))
try:
    os.sched_setaffinity(0, os.sched_getaffinity(0))  # none of a worker's business
    sys.exit("the filter filters nothing")
except PermissionError:
    os.execvp(sys.argv[2], sys.argv[2:])
