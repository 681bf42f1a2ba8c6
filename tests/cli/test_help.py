"""What `--help` says: commands and options in groups, flags as flags; shells complete."""

import re
import subprocess
import sys
from itertools import pairwise

import pytest
import typer

from jaxmle._cli import main
from jaxmle._cli._app import app
from jaxmle._cli._panels import PANELS

COMMANDS = vars(typer.main.get_command(app))["commands"]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_in_a_group_and_flags_take_no_value(name):
    options = [one for one in COMMANDS[name].params if one.param_type_name == "option"]
    panels = [one.rich_help_panel for one in options]
    assert set(panels) <= set(PANELS), [one.name for one in options if one.rich_help_panel not in PANELS]
    assert panels == sorted(panels, key=list(PANELS).index)
    for one in options:
        assert (one.metavar == "") == one.is_flag


@pytest.mark.parametrize("name", COMMANDS)
def test_options_stand_in_the_order_of_their_groups(name):
    ranks: dict[str, list[int]] = {}
    for one in COMMANDS[name].params:
        if one.param_type_name == "option":
            names = [other.rpartition(".")[2] for other in PANELS[one.rich_help_panel]]
            ranks.setdefault(one.rich_help_panel, []).append(names.index(one.name))
    assert all(some == sorted(some) for some in ranks.values())


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_names_no_types_of_flags_and_fills_its_lines(name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main([*name.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    assert "<bool>" not in shown
    assert "<int" not in shown
    assert max(map(len, shown.splitlines())) <= 80
    text = shown[: shown.index("╭─")].strip().splitlines()[2:]  # after the line of usage
    for row, following in pairwise(one.strip() for one in text):
        assert not (row and following) or len(f"{row} {following.split()[0]}") > 78, row


def test_groups_of_options_are_shared_by_commands():
    # A group of its own for one option is a spelling that the table has and no command.
    named = {name.rpartition(".")[2] for names in PANELS.values() for name in names}
    used = {one.name for command in COMMANDS.values() for one in command.params}
    assert used - named == {"file", "other", "queue"}


def test_help_shows_commands_in_their_groups(capsys):
    assert main(["--help"]) == 0
    shown = re.findall(r"^(?:╭─|│) (\w+) ", capsys.readouterr().out, re.MULTILINE)
    rest = "Bounds bounds sensitivity Compare compare drift Label plan draw label"
    start, answer = "Start demo doctor", "Answer estimate certify report"
    assert " ".join(shown) == f"Options {start} {answer} {rest}"


def test_shells_complete_commands(environment):
    asks = {"_JAXMLE_COMPLETE": "complete_bash", "COMP_WORDS": "jaxmle sens", "COMP_CWORD": "1"}
    code = "import sys; sys.argv[0] = 'jaxmle'; from jaxmle._cli import main; sys.exit(main())"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**environment, **asks}
    )
    assert (run.stdout.strip(), run.stderr) == ("sensitivity", "")
