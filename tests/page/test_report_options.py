import contextlib
import csv
import io
import json
import random
import re
import shlex

import pytest

from jaxmle._cli import main

pytest.importorskip("matplotlib")

CHI_SQUARE = ("--interval", "chi-square", "--method", "profile")
CASES = {
    "default": [],
    "external": ["--calibration", "external"],
    "by-verdict": ["--labels", "by-verdict", *CHI_SQUARE],
    "cluster": ["--cluster", "prompt", *CHI_SQUARE],
    "weight": ["--weight", "w", "--cluster", "prompt", "--by", "topic", *CHI_SQUARE],
    "common": ["--by", "topic", "--judge-rates", "common", "--mix", "MIX", "--method", "profile"],
    "partial": ["--by", "topic", "--judge-rates", "partial", "--method", "profile"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("it's a folder"), random.Random(1)
    with (folder / "verdicts.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["topic", "prompt", "w", "human", "judge"])
        for i in range(900):
            truth = rng.random() < 0.15
            flagged = rng.random() < (0.9 if truth else 0.05)
            human = int(truth) if rng.random() < 0.25 else ""
            out.writerow(["abc"[i % 3], f"p{i // 4}", 1 + i % 3, human, int(flagged)])
    (folder / "mix.csv").write_text("topic,share\na,0.5\nb,0.25\nc,0.25\n")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    # Three reports a case take seconds.
    "case",
    [pytest.param(case, marks=[] if case == "by-verdict" else pytest.mark.slow) for case in CASES],
)
def test_every_way_to_ask_gives_a_page_that_can_be_had_again(folder, case, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    options = ["mix.csv" if option == "MIX" else option for option in CASES[case]]
    asked = ["verdicts.csv", "--judge", "judge", "--human", "human", "--tpr", "0.8:0.97", *options]
    pages = ["--html", f"{case}.html", "--markdown", f"{case}.md"]
    status = main(["report", *asked, "--limit", "0.25", *pages, "--json"])
    assert status in (0, 1)
    document = json.loads(capsys.readouterr().out)
    page, text = (folder / f"{case}.html").read_text(), (folder / f"{case}.md").read_text()
    assert page.rstrip().endswith("</html>")
    assert "nan" not in re.sub(r"<style>.*?</style>", "", page.lower(), flags=re.S).split()

    at = asked.index("--method") if "--method" in asked else len(asked)
    assert main(["estimate", *asked[:at], *asked[at + 2 :], "--json"]) == 0
    assert {"schema": 1} | document["estimate"] == json.loads(capsys.readouterr().out)

    command = re.search(r"```\n(jaxmle .*?)\n```", text, re.S)[1]
    for name in (f"{case}.html", f"{case}.md"):
        (folder / name).unlink()
    assert main(shlex.split(command.replace("\\\n", ""))[1:]) == status
    capsys.readouterr()
    assert (folder / f"{case}.html").read_text() == page
    assert (folder / f"{case}.md").read_text() == text

    code = re.search(r"```\n(from jaxmle .*?)\n```", text, re.S)
    assert (code is None) == ("design_effect" in document["estimate"]["total"])
    if code:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(code[1], {})
        rate = document["estimate"]["total"]["failure_rate"]
        for number in (rate["estimate"], rate["low"], rate["high"]):
            assert f"{number:.4f}" in said.getvalue()
