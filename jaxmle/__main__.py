"""Start the command line: `jaxmle`, or `python -m jaxmle`."""

import os
import sys


def main() -> int:
    """Run the command line as this process, and return its exit status.

    Ctrl-C ends the process in silence, status 130, while the command line is loaded and once it is done; in
    between the command says what was stopped. An exception would be lost in callbacks of the import system.
    """
    try:
        import signal

        usual = signal.getsignal(signal.SIGINT)
        if usual is not signal.default_int_handler:  # ignored, as in the background of a shell
            from jaxmle._cli import main as run

            return run()
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
        from jaxmle._cli import main as run

        early = signal.signal(signal.SIGINT, usual)
        status = run()
        signal.signal(signal.SIGINT, early)
        return status
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
