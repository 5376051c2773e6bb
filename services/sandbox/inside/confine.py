"""Gives up, for this process and its children and for good, whatever Linux lets a process give up: with ctypes, without root.

Functions return "" for a wall that stands and otherwise why it does not; whether that matters is the caller's to say. Numbers are
those of <linux/seccomp.h>, <linux/landlock.h>, <linux/audit.h> and <asm/unistd.h>.
"""

import ctypes
import errno
import os
import struct
from collections.abc import Callable

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
_SECCOMP_MODE_FILTER = 2
_AUDIT_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_FIRST_X32 = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)

# System calls as (x86-64, aarch64); None where there is none. Memory, signals to itself, time, and its end: nothing else.
_ALLOWED: dict[str, tuple[int, int | None]] = {
    "brk": (12, 214), "mremap": (25, 216), "munmap": (11, 215), "futex": (202, 98), "close": (3, 57),
    "fstat": (5, 80), "lseek": (8, 62), "getpid": (39, 172), "gettid": (186, 178), "getrandom": (318, 278),
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "sigaltstack": (131, 132),
    "restart_syscall": (219, 128), "nanosleep": (35, 101), "clock_nanosleep": (230, 115), "clock_gettime": (228, 113),
    "clock_getres": (229, 114), "gettimeofday": (96, 169), "time": (201, None), "sched_yield": (24, 124),
    "getrusage": (98, 165), "sysinfo": (99, 179), "membarrier": (324, 283), "rseq": (334, 293),
    "exit": (60, 93), "exit_group": (231, 94),
}  # fmt: skip
# No honest transform comes near these: whoever tries is ended.
_HOSTILE: dict[str, tuple[int, int | None]] = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "bpf": (321, 280),
    "io_uring_setup": (425, 425), "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218),
    "userfaultfd": (323, 282), "perf_event_open": (298, 241), "kexec_load": (246, 104), "init_module": (175, 105),
    "finit_module": (313, 273), "mount": (165, 40), "pivot_root": (155, 41), "setns": (308, 268), "unshare": (272, 97),
    "personality": (135, 92), "seccomp": (317, 277),
}  # fmt: skip
_MAPPING = {"mmap": (9, 222), "mprotect": (10, 226)}
_MADVISE = (28, 233)
_ADVICE = (0, 1, 2, 3, 4, 8, 14, 15)
"""What allocators say of memory: up to DONTNEED, FREE, HUGEPAGE and NOHUGEPAGE. Other advice reaches pages that processes share:
root's HWPOISON ends all that use a library's page, and PAGEOUT takes it from them."""
_CHANNEL = {"read": (0, 63), "write": (1, 64)}
_CLONE3, _IOCTL = (435, 435), (16, 29)

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # instructions of BPF
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16  # in struct seccomp_data
_PROT_EXEC = 4


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def no_new_privileges() -> str:
    """No setuid program gives this process anything. Seccomp and Landlock ask for it."""
    return _outcome(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def hide_memory() -> str:
    """No process of the same user can read this one's memory, environment or descriptors, nor trace it."""
    return _outcome(_libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0))


def die_with_parent(signal_number: int) -> str:
    """When the thread that made this process ends, the kernel sends it this signal. Right where that has but one thread."""
    return _outcome(_libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0))


def landlock() -> str:
    """No file can be opened, made, changed or executed from now on; on newer kernels no TCP port bound or connected to, and
    no process outside signalled. Descriptors that are open stay so."""
    create, restrict = 444, 446  # the same number on every machine
    version = _libc.syscall(ctypes.c_long(create), None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    if version <= 0:
        return _outcome(-1)
    files = (1 << 13) - 1 | (version >= 2) << 13 | (version >= 3) << 14 | (version >= 5) << 15
    rules = struct.pack("<QQQ", files, 0b11 if version >= 4 else 0, 0b11 if version >= 6 else 0)
    length = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = _libc.syscall(ctypes.c_long(create), rules, ctypes.c_size_t(length), ctypes.c_uint32(0))
    if ruleset < 0:
        return _outcome(-1)
    outcome = _outcome(_libc.syscall(ctypes.c_long(restrict), ctypes.c_int(ruleset), ctypes.c_uint32(0)))
    os.close(ruleset)
    return outcome


def seccomp(channel: int) -> Callable[[], str]:
    """A function that leaves this process the calls of _ALLOWED, and reading and writing on *channel*. Prepared beforehand,
    because a process that is confined may not be able to."""
    machine = os.uname().machine
    if machine not in _AUDIT_ARCHITECTURE:
        return lambda: f"the system calls of {machine} are not known"
    code = _filter(_AUDIT_ARCHITECTURE[machine], 0 if machine == "x86_64" else 1, channel)
    instructions = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.addressof(instructions))

    def load() -> str:
        assert instructions  # noqa: S101 - the program points into it: it has to live as long
        return _outcome(_libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0))

    return load


def _filter(architecture: int, column: int, channel: int) -> bytes:
    """The program that the kernel runs before every system call: the first verdict that is reached holds."""
    code: list[tuple[int, int, int, int]] = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT), (_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT), (_AT_LEAST, 0, 1, _FIRST_X32), (_RETURN, 0, 0, _KILL),
    ]  # fmt: skip
    for calls, verdict in (
        (_HOSTILE.values(), _KILL),
        (_ALLOWED.values(), _ALLOW),
        ([_CLONE3], _refuse(errno.ENOSYS)),  # libc then tries clone, and is told EPERM
        ([_IOCTL], _refuse(errno.ENOTTY)),  # what asks whether something is a terminal is told that it is not
    ):
        for call in calls:
            number = call[column]
            if number is not None:
                code += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, verdict)]
    for call in _MAPPING.values():  # memory, but none that can be executed
        code += [
            (_EQUAL, 0, 4, call[column]), (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * 2),
            (_ANY_BIT, 0, 1, _PROT_EXEC), (_RETURN, 0, 0, _refuse(errno.EACCES)), (_RETURN, 0, 0, _ALLOW),
        ]  # fmt: skip
    code += [
        (_EQUAL, 0, 3 + len(_ADVICE), _MADVISE[column]), (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * 2),
        *((_EQUAL, len(_ADVICE) - place, 0, advice) for place, advice in enumerate(_ADVICE)),
        (_RETURN, 0, 0, _refuse(errno.EINVAL)), (_RETURN, 0, 0, _ALLOW),
    ]  # fmt: skip
    for call in _CHANNEL.values():
        code += [
            (_EQUAL, 0, 4, call[column]), (_LOAD, 0, 0, _ARGUMENTS_AT),
            (_EQUAL, 0, 1, channel), (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _refuse(errno.EBADF)),
        ]  # fmt: skip
    code.append((_RETURN, 0, 0, _refuse(errno.EPERM)))
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in code)


def _refuse(number: int) -> int:
    return 0x00050000 | number


def _outcome(returned: int) -> str:
    return "" if returned == 0 else os.strerror(ctypes.get_errno()) or "refused"
