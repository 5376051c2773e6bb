"""What the app, the zygote and its children say to each other, as bytes."""

import struct

LIMITS = struct.Struct(">IQ")
"""The app to the zygote, with two descriptors: seconds of processor time and bytes of memory for one run."""
STATUS = struct.Struct(">i")
"""The zygote to the app, on a run's leash: the child's wait status."""
LENGTH = struct.Struct(">I")
"""Before each job and each outcome: its length in bytes."""
NOT_CONFINED = 71
"""A child's exit code where it could not be confined: then it has read no job."""
STANDS = ""
"""What is said of a wall that stands; of one that does not, why."""
