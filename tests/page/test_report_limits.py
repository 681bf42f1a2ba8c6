import json

import pytest

from jaxmle._cli import main


@pytest.mark.parametrize(
    "by", [[], pytest.param(["--by", "topic"], marks=pytest.mark.slow)], ids=["whole", "slices"]
)
def test_no_interval_of_a_report_ends_below_the_limit_of_its_certificate(tmp_path, capsys, by):
    path = tmp_path / "verdicts.csv"
    rows = ["topic,judge,human"]
    for topic, failures, flags in (("a", 2, 60), ("b", 0, 0)):
        rows += [f"{topic},1,1"] * failures + [f"{topic},0,0"] * (50 - failures)
        rows += [f"{topic},1,"] * flags + [f"{topic},0,"] * (1000 - flags)
    path.write_text("\n".join(rows) + "\n")
    columns = ["--judge", "judge", "--human", "human"]
    assert main(["report", str(path), *columns, *by, "--limit", "0.05", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    pairs = [(document["estimate"]["total"], document["certificate"]["total"])]
    pairs += zip(document["estimate"]["slices"], document["certificate"]["slices"], strict=True)
    assert len(pairs) == (3 if by else 1)
    for estimate, certificate in pairs:
        rate, limit = estimate["failure_rate"], certificate["upper_limit"]
        assert rate["low"] <= rate["estimate"] < limit <= rate["high"] < 0.2
        drawn_out = any("drawn out" in note for note in estimate["warnings"])
        assert drawn_out == (rate["high"] == limit)
