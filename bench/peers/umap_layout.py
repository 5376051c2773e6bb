"""umap-learn, as its documentation shows it: python umap_layout.py VECTORS.npy OUT.npy FITS

Prints a line of JSON: CPU seconds of the process until the end of each fit, and its peak memory in MB.
"""

import json
import resource
import sys
import time


def main() -> None:
    import numpy as np
    import umap

    vectors = np.load(sys.argv[1])
    ends = []
    for _ in range(int(sys.argv[3])):
        coordinates = umap.UMAP(metric="cosine", random_state=0).fit_transform(vectors)
        ends.append(time.process_time())
    np.save(sys.argv[2], coordinates)
    print(json.dumps({"ends": ends, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    main()
