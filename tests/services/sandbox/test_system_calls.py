"""Each system call there is, by its number, tried by a transform that has all of Python: only the listed ones answer."""

import errno
from concurrent.futures import ThreadPoolExecutor

from services.sandbox import Hook, Limits, Status
from services.sandbox.inside import confine
from services.sandbox.native import NativeEngine

X86 = confine.os.uname().machine == "x86_64"
COLUMN = 0 if X86 else 1
# By hand, from the kernel's headers, so that nothing gets onto the list by mistake.
ALLOWED = (
    {
        0,
        1,
        3,
        5,
        8,
        9,
        10,
        11,
        12,
        13,
        14,
        15,
        24,
        25,
        28,
        35,
        39,
        60,
        96,
        98,
        99,
        131,
        186,
        201,
        202,
        219,
        228,
        229,
        230,
        231,
    }
    | {318, 324, 334}
    if X86
    else {
        57,
        62,
        63,
        64,
        80,
        93,
        94,
        98,
        101,
        113,
        114,
        115,
        124,
        128,
        132,
        134,
        135,
        139,
        165,
        169,
        172,
        178,
        179,
        214,
        215,
    }
    | {216, 222, 226, 233, 278, 283, 293}
)
HOSTILE = {numbers[COLUMN] for numbers in confine._HOSTILE.values()}
PROBES = {335, 336}  # uretprobe and uprobe: the kernel asks no filter about them, and they do nothing elsewhere
X32 = 0x40000000
REFUSED = {errno.EPERM, errno.EBADF, errno.EACCES, errno.ENOTTY, errno.ENOSYS}
SOURCE = """
import ctypes
def transform_input(**request):
    libc = ctypes.CDLL(None, use_errno=True)
    answers = []
    for number in request["numbers"]:
        ctypes.set_errno(0)
        got = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(0)] * 6)
        answers.append([number, got, ctypes.get_errno()])
    return {"answers": answers}
"""


def test_only_the_listed_system_calls_do_anything():
    engine = NativeEngine(any_import=True, modules=["ctypes"])
    engine.start()

    def ask(*numbers: int):
        return engine.run(SOURCE, Hook.INPUT, {"numbers": list(numbers)}, Limits(wall_seconds=10))

    refused = [number for number in range(471) if number not in ALLOWED | HOSTILE | PROBES]
    killed = [*sorted(HOSTILE), X32, X32 + 1, X32 + 59, X32 + 512] if X86 else sorted(HOSTILE)
    try:
        result = ask(*refused)
        assert result.status is Status.OK, result
        assert [number for number, got, _ in result.value["answers"]] == refused
        assert [answer for answer in result.value["answers"] if answer[1] != -1 or answer[2] not in REFUSED] == []
        with ThreadPoolExecutor(2) as pool:
            ends = list(pool.map(ask, killed))
        assert [number for number, end in zip(killed, ends, strict=True) if end.status is not Status.CRASHED] == []
        assert {end.fault.message for end in ends} == {"it made a system call that no transform needs"}
    finally:
        engine.close()


def test_memory_is_made_neither_executable_nor_bad_for_others_and_only_the_channel_can_be_written():
    engine = NativeEngine(any_import=True, modules=["ctypes", "mmap"])
    source = """
import ctypes, mmap
def transform_output(calls):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    page = libc.mmap(None, ctypes.c_size_t(4096), 3, 0x22, -1, ctypes.c_long(0))
    found = []
    for act in (lambda: libc.mprotect(ctypes.c_void_p(page), ctypes.c_size_t(4096), 7),
                lambda: libc.mmap(None, ctypes.c_size_t(4096), 7, 0x22, -1, ctypes.c_long(0)) == ctypes.c_void_p(-1).value and -1,
                lambda: libc.write(1, b"x", 1), lambda: libc.write(2, b"x", 1), lambda: libc.read(0, ctypes.c_void_p(page), 1),
                lambda: libc.madvise(ctypes.c_void_p(page), ctypes.c_size_t(4096), 21),
                lambda: libc.madvise(ctypes.c_void_p(page), ctypes.c_size_t(4096), 100),
                lambda: libc.madvise(ctypes.c_void_p(page), ctypes.c_size_t(4096), 4),
                lambda: libc.mprotect(ctypes.c_void_p(page), ctypes.c_size_t(4096), 1)):
        ctypes.set_errno(0)
        found.append([act(), ctypes.get_errno()])
    return found
"""
    try:
        engine.start()
        result = engine.run(source, Hook.OUTPUT, 0, Limits())
        refused = [[-1, errno.EACCES]] * 2 + [[-1, errno.EBADF]] * 3 + [[-1, errno.EINVAL]] * 2
        assert result.value == [*refused, [0, 0], [0, 0]], result
    finally:
        engine.close()
