"""Tables on narrow terminals: what matters most stays, the rest goes below, and nothing is lost."""

import io
import re
import sys

import pytest
from cases import some_fast
from rich.cells import cell_len
from rich.text import Text

from jaxmle._cli import main
from jaxmle._cli._show import show
from jaxmle._terminal import fold
from jaxmle._terminal._fold import new_table

SIX = ["--counts", "40,8,6,90,300,700"]
BOUNDS = ["--tpr", "0.75:0.95", "--fpr", ":0.2"]
COMMANDS = {
    "estimate": ["estimate", *SIX, *BOUNDS, "--interval", "chi-square"],
    "certify": ["certify", *SIX, *BOUNDS, "--limit", "0.4", "--method", "profile"],
    "bounds": ["bounds", "slices.csv", "--judge", "judge", "--human", "human", "--by", "topic"],
    "sensitivity": ["sensitivity", *SIX, *BOUNDS, "--limit", "0.4"],
    "compare": ["compare", *SIX, "--counts-b", "4,1,60,90,30,970", *BOUNDS],
    "drift": [
        "drift",
        "slices.csv",
        "--judge",
        "judge",
        "--human",
        "human",
        "--tpr",
        "0.7:1",
        "--by",
        "topic",
    ],
    "plan": [
        *[
            "plan",
            "--failure-rate",
            "0.05",
            "--judge-tpr",
            "0.9",
            "--judge-fpr",
            "0.05",
            "--n-unlabeled",
            "9000",
        ],
        *[
            "--target-width",
            "0.06",
            "--interval",
            "chi-square",
            "--labels",
            "by-verdict",
            "--cost-human",
            "1",
        ],
    ],
    "doctor": ["doctor", "slices.csv"],
    "demo": ["demo"],
    "slices": [
        *["estimate", "slices.csv", "--judge", "judge", "--human", "human", "--by", "topic"],
        *["--interval", "chi-square", "--calibration", "external"],
    ],
}
FIRST = {
    "estimate": r"Failure rate \d+\.\d\d%, 95% interval ",
    "certify": r"(NOT )?CERTIFIED: below 40\.00%",
    "bounds": r"BOUNDS of a new part, 95% for both rates together: TPR ",
    "sensitivity": r"(NOT )?CERTIFIED: below 40\.00%",
    "compare": r"(DIFFERENT|NO DIFFERENCE SHOWN): ",
    "drift": r"(INSIDE|OUTSIDE|UNDECIDED): ",
    "plan": r"PLAN: \d+ labels? \(",
    "doctor": r"READY: estimate",
    "demo": r"Root-mean-square error over 10 systems: ",
    "slices": r"Failure rate .*; 3 slices, ",
}


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def here(tmp_path, monkeypatch):
    rows = [f"{topic},1,{i % 4 > 0:d}" for topic in ("a long name of a topic", "b", "c") for i in range(12)]
    rows += [f"{topic},{'' if i % 2 else 0},{i % 9 == 0:d}" for topic in ("b", "c") for i in range(60)]
    rows += [f"a long name of a topic,0,{i % 9 == 0:d}" for i in range(20)]
    (tmp_path / "slices.csv").write_text("\n".join(["topic,human,judge", *rows]) + "\n")
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.setenv(name, {"NO_COLOR": "1", "TERM": "xterm"}[name])


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("name", some_fast(COMMANDS, COMMANDS.keys() - {"plan"}))
def test_no_line_is_wider_than_the_terminal_and_the_answer_is_first(name, width, here, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert main([*COMMANDS[name], "--no-cache"][: -1 if name == "doctor" else None]) in (0, 1)
    text = re.sub(r"\x1b\[[0-9;]*m", "", sys.stdout.getvalue())
    lines = text.splitlines()
    assert re.match(FIRST[name], " ".join(line.strip() for line in lines))
    # Commands to copy are left whole.
    wide = [line for line in lines if cell_len(line.rstrip()) > width]
    assert all(re.match(r"    jaxmle|  jaxmle|    --tpr|Next: jaxmle", line) for line in wide), wide


@pytest.mark.slow
@pytest.mark.parametrize(("name", "pair"), [("compare", "first +second"), ("bounds", "FPR +FPR limits")])
def test_what_is_compared_stays_side_by_side(name, pair, here, monkeypatch, capsys):
    for width in (60, 70, 80):
        monkeypatch.setenv("COLUMNS", str(width))
        assert main([*COMMANDS[name], "--no-cache"]) in (0, 1)
        out = capsys.readouterr().out
        assert re.search(rf"\b{pair}\b", out), (width, out)


def test_a_blank_line_parts_the_blocks_of_a_table():
    blocks = fold(make(), 36)
    assert len(blocks) > 3
    assert [str(one) for one in blocks[2:] if isinstance(one, Text)] == [""] * (len(blocks) // 2 - 1)


def test_short_names_leave_their_room_to_long_ones():
    table = new_table(None)
    table.n_names = 2
    for heading in ("system", "rate"):
        table.add_column(heading)
    for heading in ("estimate", "interval"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_row("a name of 22 characters", "TPR", "10.00%", "5.00% to 15.00%")
    table.add_row("b", "FPR", "10.00%", "5.00% to 15.00%")
    (first,) = fold(table, 54)
    assert first.columns[0].max_width == 20


def test_a_pipe_gets_one_line_a_row(here, monkeypatch, capsys):
    monkeypatch.delenv("COLUMNS", raising=False)
    assert main(COMMANDS["slices"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (heads,) = (line for line in lines if line.startswith("topic "))
    named = "topic, failure rate, 95% interval, labelled, unlabelled, judge only, human only, TPR, FPR"
    assert re.split(r"  +", heads.strip()) == named.split(", ")
    assert sum(line.startswith("a long name of a topic ") for line in lines) == 1


def make(n_rows=2, name="name"):
    table = new_table("Title")
    table.add_column("slice")
    for heading in ("failure rate", "interval", "first", "second"):
        table.add_column(heading, justify="right", no_wrap=True)
    for i in range(n_rows):
        table.add_row(f"{name} {i}", "10.00%", "5.00% to 15.00%", Text("x" * 20), "" if i else "y" * 20)
    return table


def shown(table):
    return [[str(one.header), *map(str, one.cells)] for one in table.columns]


def test_columns_go_below_in_their_order_and_none_is_lost():
    whole = make()
    assert fold(whole, None) == [whole]
    assert fold(whole, 90) == [whole]
    for width in range(36, 90):
        blocks = [one for one in fold(make(), width) if not isinstance(one, Text)]
        assert blocks[0].title == "Title"
        columns = [column for block in blocks for column in shown(block)[1:]]
        assert [" ".join(column[0].split()) for column in columns] == [
            "failure rate",
            "interval",
            "first",
            "second",
        ]
        # Blank rows are left out where they say nothing.
        assert [len(column) for column in columns if column[0] == "second"] == [
            2 if len(blocks) > 2 else 3
        ] or len(blocks) == 2


def test_long_tables_say_what_they_leave_out_and_how_to_see_it():
    first, said = fold(make(31), 50)
    assert [column[0].split() for column in shown(first)] == [["slice"], ["failure", "rate"], ["interval"]]
    assert str(said).startswith("Left out, as 50 columns do not hold them: first, second. ")
    assert str(said).endswith("A terminal of 77 columns shows them, and --json has them too.")


def test_long_names_make_room_for_rate_and_interval():
    first, *_ = fold(make(name="a name that is too long for any terminal of this width"), 40)
    assert [" ".join(column[0].split()) for column in shown(first)] == ["slice", "failure rate", "interval"]
    assert first.columns[0].max_width == 40 - 7 - 15 - 2 * 2
    assert not first.columns[0].no_wrap


def test_names_of_strangers_are_no_markup_in_any_block(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "30")
    table = make(name="[red]x[/]")
    table.columns[0].header = Text("[bold]y[/]")
    for row in range(2):
        table.columns[0]._cells[row] = Text(f"[red]x[/] {row}")

    class Group:
        renderables = (table,)

    show({}, False, lambda document: Group)
    out = capsys.readouterr().out
    assert "[bold]y" in out.replace("\n", "")
    assert "[red]x" in out
