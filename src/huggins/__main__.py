"""``python -m huggins``: the command, for launchers that start a module, such as torchrun."""

import os
import sys

from huggins.cli import main

if __name__ == "__main__":
    status = main()
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        # Threads of torch's process groups may outlive the interpreter, which then aborts, and
        # torchrun would call the finished training failed. All is written: leave at once.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)
