"""`python -m syncse_local.isolation COMMAND ...`: run a command in a network with loopback only, with all that it starts.

For launchers: the processes of `accelerate launch` or `torchrun` then share that network, and nothing leaves it.
"""

import os
import sys

from syncse_local.isolation import namespace


def main(command: list[str]) -> int:
    """Become the command. Returns 5 where the kernel allows no network of its own, 2 and 127 as shells do."""
    if not command:
        print("usage: python -m syncse_local.isolation COMMAND ...", file=sys.stderr)
        return 2
    try:
        how = namespace.enter()
    except OSError as error:
        print(f"No network of its own: {error.strerror}. Nothing was started.", file=sys.stderr)
        return 5
    print(f"syncse: {how}, inode {namespace.inode()}; nothing but loopback", file=sys.stderr)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return 127


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
