"""`python -m harness`: the command, where no script of it is on the path."""

import sys

from condensation_harness import main

if __name__ == "__main__":
    sys.argv[0] = "harness"  # which commands that are printed begin with
    main()
