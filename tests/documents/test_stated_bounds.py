"""How bounds are said: a known rate as one number, and nothing of bounds where there are none."""

from jaxmle._cli import main

COUNTS = ["--counts", "4,1,2,43,900,9100"]


def test_a_known_rate_is_said_as_one_number(capsys):
    assert main(["certify", *COUNTS, "--limit", "0.2", "--method", "profile", "--tpr", "80%"]) == 0
    assert "bounds: TPR 80%\n" in capsys.readouterr().out
    assert main(["certify", *COUNTS, "--limit", "0.2", "--method", "profile", "--tpr", "75%:90%"]) == 0
    assert "bounds: TPR 75% to 90%\n" in capsys.readouterr().out


def test_a_page_speaks_of_bounds_where_there_are_some(tmp_path, capsys):
    path = tmp_path / "report.md"
    texts = []
    for bounds in ([], ["--tpr", "0.75:0.90"]):
        assert main(["report", *COUNTS, "--interval", "chi-square", *bounds, "--markdown", str(path)]) == 0
        texts.append(path.read_text(encoding="utf-8"))
    rows = [next(line for line in text.splitlines() if line.startswith("| jaxmle |")) for text in texts]
    assert [row.split(" | ")[-1] for row in rows] == [
        f"labels{rest} |" for rest in (" and verdicts", ", verdicts and bounds")
    ]
