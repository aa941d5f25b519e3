"""A process that enters the layers, reports what holds, and ends: `doctor --airgap` starts it."""

import sys

from syncse_local.isolation.inside import enter

if __name__ == "__main__":
    enter(int(sys.argv[1]))
