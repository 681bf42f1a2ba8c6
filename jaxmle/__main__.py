"""Run the command line as `python -m jaxmle`."""

import sys

from jaxmle._cli import main

if __name__ == "__main__":
    sys.exit(main())
