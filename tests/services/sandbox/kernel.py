"""Take from this process the rights of root, or what a kernel may not offer. For a child: none of it comes back."""

import ctypes
import errno
import os
import struct
import sys
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_X86 = os.uname().machine == "x86_64"
_PRCTL, _SECCOMP, _CAPSET = (157, 317, 126) if _X86 else (167, 277, 91)
_LANDLOCK = (444, 445, 446)
_LOAD, _EQUAL, _RETURN, _ALLOW, _REFUSE = 0x20, 0x15, 0x06, 0x7FFF0000, 0x50000


def give_up_root() -> None:
    """Be somebody else; where nobody else could read Python and this project, be a root without rights."""
    if os.geteuid() != 0:
        return
    needed = [Path(sys.base_prefix), Path(sys.executable).absolute(), Path(__file__).resolve()]
    if all(folder.stat().st_mode & 0o001 for path in needed for folder in path.parents):
        nobody = 60_000 + os.getpid() % 5_000  # nobody else's: neither a test's that runs beside this one
        os.setgroups([])
        os.setresgid(nobody, nobody, nobody)
        os.setresuid(nobody, nobody, nobody)
        return
    for capability in range(64):
        _libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP; the last ones do not exist
    header, sets = struct.pack("II", 0x20080522, 0), struct.pack("6I", *[0] * 6)
    assert _libc.syscall(ctypes.c_long(_CAPSET), header, sets) == 0


def rights() -> int:
    """The effective capabilities, as a bit set."""
    return int(Path("/proc/self/status").read_text().split("CapEff:")[1].split()[0], 16)


def hide(what: str) -> None:
    """Make this kernel seem to have no “landlock”, or no “seccomp”, from now on: with a filter of its own system calls."""
    code = [(_LOAD, 0, 0, 0)]
    if what == "landlock":
        for call in _LANDLOCK:
            code += [(_EQUAL, 0, 1, call), (_RETURN, 0, 0, _REFUSE | errno.ENOSYS)]
    else:
        code += [
            (_EQUAL, 0, 1, _SECCOMP),
            (_RETURN, 0, 0, _REFUSE | errno.ENOSYS),
            (_EQUAL, 0, 3, _PRCTL),
            (_LOAD, 0, 0, 16),
            (_EQUAL, 0, 1, 22),  # PR_SET_SECCOMP
            (_RETURN, 0, 0, _REFUSE | errno.EINVAL),
        ]
    code.append((_RETURN, 0, 0, _ALLOW))
    packed = b"".join(struct.pack("<HBBI", *instruction) for instruction in code)
    instructions = ctypes.create_string_buffer(packed, len(packed))
    program = struct.pack("<HxxxxxxQ", len(code), ctypes.addressof(instructions))
    assert _libc.prctl(38, 1, 0, 0, 0) == 0
    assert _libc.prctl(22, 2, program, 0, 0) == 0
