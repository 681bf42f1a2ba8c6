"""Ctrl-C while a command starts, runs and ends: one line, and no trace of ours."""

import os
import signal
import subprocess
import sys
import time

import pytest


@pytest.mark.parametrize("swallowed", ["no", "yes", "in a callback"])
def test_ctrl_c_ends_a_run_even_where_it_is_swallowed(environment, swallowed):
    code = f"""
import sys, time
from jaxmle._cli import _trouble
_trouble._GRACE = 60 if {swallowed!r} == "in a callback" else 0.5
class Lost:
    def __del__(self):
        time.sleep(60)
def command(arguments):
    print("ready", flush=True)
    while True:
        try:
            if {swallowed!r} == "in a callback":
                Lost()
            else:
                time.sleep(60)
        except KeyboardInterrupt:
            if {swallowed!r} == "no":
                raise
sys.exit(_trouble.run_safely(command, ["estimate", "--out=x.csv"]))
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    err = process.communicate(timeout=30)[1]
    assert process.returncode == 130
    assert err == "jaxmle: stopped; the same command with --resume goes on from here.\n"


STARTED = """
import atexit, os, signal, sys
at = sys.argv.pop()
stop = lambda: os.kill(os.getpid(), signal.SIGINT)
sys.addaudithook(lambda event, about: event == "import" and about[0] == at and stop())
if at == "the end":
    atexit.register(stop)
sys.argv[0] = "/usr/bin/jaxmle"
from jaxmle.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize(
    "at", ["lazy_loader", "jaxmle._cli", "jaxmle._cli._trouble", "jaxmle._cli._app", "typer", "the end"]
)
def test_ctrl_c_while_it_starts_or_ends_leaves_no_trace(environment, at):
    done = subprocess.run(
        [sys.executable, "-c", STARTED, "--version", at], capture_output=True, text=True, env=environment
    )
    assert (done.returncode, done.stderr) == (130, "")


def test_ctrl_c_while_a_program_imports_it_is_the_programs(environment):
    code = STARTED.replace("/usr/bin/jaxmle", "mine.py")
    done = subprocess.run(
        [sys.executable, "-c", code, "lazy_loader"], capture_output=True, text=True, env=environment
    )
    assert "KeyboardInterrupt" in done.stderr


@pytest.mark.slow
def test_ctrl_c_at_thirty_moments_leaves_no_trace_of_ours(environment):
    clean = 0
    for i in range(30):
        process = subprocess.Popen(
            [sys.executable, "-m", "jaxmle", "demo"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        time.sleep(0.01 * i)
        process.send_signal(signal.SIGINT)
        err = process.communicate(timeout=60)[1]
        ended = process.returncode in (130, -signal.SIGINT)
        clean += err == "" and ended
        # Before it comes to us, Python itself may leave a trace, or even lose the signal in a callback.
        python = "KeyboardInterrupt" in err and f"jaxmle{os.sep}" not in err
        assert python or (err == "" and ended), (i, process.returncode, err)
    assert clean >= 15
