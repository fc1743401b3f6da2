"""``python -m huggins``: the command, for launchers that start a module, such as torchrun."""

import sys

from huggins.cli import main

if __name__ == "__main__":
    sys.exit(main())
