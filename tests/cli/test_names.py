"""What has one name on the command line has it in Python; what has not is said on a page."""

import inspect

import pytest
import typer
from cases import PROJECT

import jaxmle
from jaxmle import Bounds, tables
from jaxmle._cli._app import app
from jaxmle._cli._panels import PANELS

COMMANDS = vars(typer.main.get_command(app))["commands"]
FUNCTIONS = {
    "estimate": (tables.count, jaxmle.profile_interval, jaxmle.fit_slices, jaxmle.bootstrap),
    "certify": (tables.count, jaxmle.certify, jaxmle.Looks),
    "report": (tables.count, jaxmle.profile_interval, jaxmle.certify, jaxmle.fit_slices),
    "bounds": (tables.count, Bounds.from_references, jaxmle.homogeneity_test),
    "sensitivity": (tables.count, jaxmle.sensitivity),
    "compare": (tables.count, jaxmle.compare),
    "drift": (tables.count, jaxmle.drift),
    "draw": (tables.count, jaxmle.draw_labels),
    "plan": (tables.count, jaxmle.plan, jaxmle.plan_further),
}
# Said in docs/reference/index.md, by the option.
OTHERWISE = {
    *("tpr", "fpr", "failure_rate", "bounds", "reference", "reference_by", "counts", "human_file"),
    *("interval", "mix", "judge_b", "human_b", "where_b", "counts_b", "tpr_b", "fpr_b", "points"),
    *("min_labels", "order", "same_population", "judge_name", "rubric", "max_age", "date"),
    *("borrow", "borrow_by", "human_error", "anytime", "given", "plan"),
}


@pytest.mark.parametrize("command", FUNCTIONS)
def test_options_have_the_names_of_arguments(command):
    arguments = {name for one in FUNCTIONS[command] for name in inspect.signature(one).parameters}
    options = {one.name for one in COMMANDS[command].params if one.param_type_name == "option"}
    assert options - arguments - OTHERWISE - set(PANELS["Output"]) - {"help"} == set()


def test_what_differs_is_said_and_nothing_else():
    page = (PROJECT / "docs" / "reference" / "index.md").read_text(encoding="utf-8")
    for name in OTHERWISE:
        assert f"--{name.replace('_', '-')}" in page, name
    every = {one.name for name in FUNCTIONS for one in COMMANDS[name].params}
    assert every >= OTHERWISE


def test_the_judge_comes_first():
    for command in COMMANDS.values():
        names = [one.name for one in command.params]
        if "judge" in names:
            assert names.index("judge") < names.index("human")
    for function in (tables.count, jaxmle.Counts.from_labels):
        names = list(inspect.signature(function).parameters)
        assert names.index("judge") < names.index("human")
    with pytest.raises(TypeError, match="positional"):
        jaxmle.Counts.from_labels([1, 0], [1, 0])
