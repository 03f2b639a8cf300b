"""``python -m parallel_account`` is the command ``parallel-account``."""

import sys

from parallel_account._command import main

if __name__ == "__main__":
    sys.exit(main())
