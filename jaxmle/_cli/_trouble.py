"""Whatever goes wrong in a command: one line on standard error, and an exit status that is no answer."""

import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TextIO

TROUBLE, INTERRUPTED = 2, 130
# What a shell reports of a program that writes into a pipe which nobody reads.
CLOSED_PIPE = 141
# Seconds that a command has to tidy up after Ctrl-C. A compiler or a callback of JAX may not let it through.
_GRACE = 3.0


def run_safely(command: Callable[[list[str]], int], arguments: Sequence[str]) -> int:
    """Run a command and return its status; of errors one line is printed, or with --debug the trace.

    Args:
        command: Takes arguments and returns the exit status.
        arguments: Of the command line; ``--debug`` is taken out.
    """
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    debug = "--debug" in options
    given = [one for i, one in enumerate(arguments) if one != "--debug" or i >= len(options)]
    try:
        with _writable_output(), _stopping(given):
            return _status_of(command, given, debug)
    except KeyboardInterrupt:
        _retract(given, "stopped.")
        _say_stopped(given)
        return INTERRUPTED


def _retract(given: list[str], message: str) -> None:
    if any(one.startswith("--junit") for one in given):
        from jaxmle._cli._builds import retract

        retract(given, message)


def _status_of(command: Callable[[list[str]], int], given: list[str], debug: bool) -> int:
    try:
        status = command(given)
        _flush()
    except BrokenPipeError:
        _discard(sys.stdout)
        return CLOSED_PIPE
    except SystemExit as stopped:  # a library's; its number may be one of our answers
        if stopped.code:
            _retract(given, "stopped.")
        return TROUBLE if stopped.code else 0
    except Exception as error:
        if isinstance(error.__cause__, KeyboardInterrupt):  # as where a class is made at that moment
            raise KeyboardInterrupt from error
        if debug:
            raise
        message = message_of(error)
        _retract(given, message)
        if "--annotations" in given:
            from jaxmle._ci import trouble_command

            print(trouble_command(message), file=sys.stderr)
        _say(message)
        return TROUBLE
    return status


def message_of(error: Exception) -> str:
    """An error in one line for the person at the terminal."""
    if isinstance(error, MemoryError):
        return f"there is not enough memory for this{f' ({error})' if str(error) else ''}."
    if isinstance(error, RecursionError):
        return "the input is nested too deeply."
    if isinstance(error, OSError):
        named = f": {error.filename!r}" if error.filename is not None else ""
        return f"{error.strerror or str(error) or type(error).__name__}{named}."
    if isinstance(error, ValueError):
        return str(getattr(error, "on_command_line", error))
    said = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}{f': {said}' if said else ''}; the same with --debug shows where."


def _say(message: str) -> None:
    """One line on standard error, without what a terminal would act on."""
    from jaxmle._data import printable

    if sys.stderr is None:  # closed before the program began: print would take standard output
        return
    with suppress(OSError, ValueError, AttributeError):  # nowhere to say it
        print(f"jaxmle: {printable(' '.join(message.split()), 10_000)}", file=sys.stderr, flush=True)


def _say_stopped(arguments: Sequence[str]) -> None:
    if any(one == "--out" or one.startswith("--out=") for one in arguments):
        _say("stopped; the same command with --resume goes on from here.")


def _flush() -> None:
    """Write what is still held back, so that an answer that could not be written is no success."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _discard(sys.stdout)
        raise OSError(error.errno, error.strerror, "standard output") from error


def _discard(stream: TextIO | None) -> None:
    """Point a stream that cannot be written to nowhere: Python tries once more at its end."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # type: ignore[union-attr]
        os.close(nowhere)


@contextmanager
def _writable_output() -> Iterator[None]:
    """What a terminal's encoding lacks is written as an escape, not the end of the output."""
    before = []
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            before.append((stream, stream.errors))
            stream.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        for stream, errors in before:
            with suppress(OSError, ValueError):
                stream.reconfigure(errors=errors)


@contextmanager
def _stopping(arguments: Sequence[str]) -> Iterator[None]:
    """End the process after Ctrl-C even where a callback loses it, or the interpreter does not hear of it."""
    done = threading.Event()
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if sys.platform == "win32" or not usual or threading.current_thread() is not threading.main_thread():
        yield
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    if before != -1:  # somebody else listens
        signal.set_wakeup_fd(before)
        os.close(reader)
        os.close(writer)
        yield
        return

    def end() -> None:
        _say_stopped(arguments)
        os._exit(INTERRUPTED)

    def watch() -> None:
        while data := os.read(reader, 1):
            if data[0] == signal.SIGINT and not done.wait(_GRACE):
                end()

    def lost(unraisable: "sys.UnraisableHookArgs") -> None:
        if unraisable.exc_type is KeyboardInterrupt:
            end()
        usual_hook(unraisable)

    usual_hook, sys.unraisablehook = sys.unraisablehook, lost
    thread = threading.Thread(target=watch, name="jaxmle-stop", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        sys.unraisablehook = usual_hook
        signal.set_wakeup_fd(-1)
        os.close(writer)  # which ends the thread
        thread.join()
        os.close(reader)
