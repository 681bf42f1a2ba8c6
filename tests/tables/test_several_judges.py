"""Several judges and several raters as one verdict, by rules that are enumerated here in plain Python."""

import itertools
import json

import pytest

from jaxmle import tables
from jaxmle._cli import main
from jaxmle._tables import Table

VERDICTS = (1, 0, None)
RULES = {
    "any": lambda votes: sum(votes) > 0,
    "all": lambda votes: sum(votes) == len(votes),
    "majority": lambda votes: 2 * sum(votes) > len(votes),
    "1": lambda votes: sum(votes) >= 1,
    "2": lambda votes: sum(votes) >= 2,
    "3": lambda votes: sum(votes) >= 3,
}


def cells(result):
    return tuple(int(value) for value in result.total.values())


def counted(pairs):
    """Six counts of pairs (judge, human)."""
    kinds = ((1, 1), (0, 1), (1, 0), (0, 0), (1, None), (0, None))
    return tuple(sum(pair == kind for pair in pairs) for kind in kinds)


def every_pattern(humans):
    """Each pattern of three judges beside each of so many humans; patterns occur 1, 2, 3, ... times."""
    patterns = itertools.product(VERDICTS, repeat=3 + humans)
    for times, pattern in enumerate(patterns, start=1):
        row = dict(zip(("a", "b", "c"), pattern[:3], strict=True))
        row |= {f"h{i}": verdict for i, verdict in enumerate(pattern[3:])}
        yield from [row] * (times % 5 + 1)


@pytest.mark.parametrize("missing", ["drop", "failure", "pass"])
@pytest.mark.parametrize("rule", list(RULES))
def test_judges_by_rule(rule, missing):
    rows = list(every_pattern(1))
    pairs = []
    for row in rows:
        given = [row[name] for name in "abc"]
        if missing != "drop":
            given = [int(missing == "failure") if vote is None else vote for vote in given]
        votes = [vote for vote in given if vote is not None]
        pairs.append((int(RULES[rule](votes)) if votes else None, row["h0"]))
    result = tables.count(rows, judge=["a", "b", "c"], human="h0", combine=rule, missing=missing)
    assert cells(result) == counted(pairs)
    (chosen,) = [one for one in result.panel.candidates if one.chosen]
    assert chosen.counts == cells(result)
    assert result.panel.missing == {name: sum(row[name] is None for row in rows) for name in "abc"}


@pytest.mark.slow
def test_each_judge_alone_is_as_if_it_were_the_only_one():
    rows = list(every_pattern(1))
    result = tables.count(rows, judge=("a", "b", "c"), human="h0", combine="any", where="a IS NOT NULL")
    found = {one.name: one.counts for one in result.panel.candidates}
    assert list(found) == ["a", "b", "c", "any", "majority", "all"]
    for name in "abc":
        assert found[name] == cells(tables.count(rows, judge=name, human="h0", where="a IS NOT NULL"))
    for rule in ("majority", "all"):
        one = tables.count(rows, judge=list("abc"), human="h0", combine=rule, where="a IS NOT NULL")
        assert found[rule] == cells(one)


@pytest.mark.parametrize("missing", ["failure", "pass"])
def test_one_judge_without_a_verdict(missing):
    rows = list(every_pattern(1))
    filled = [row | {"a": int(missing == "failure") if row["a"] is None else row["a"]} for row in rows]
    result = tables.count(rows, judge="a", human="h0", missing=missing)
    assert cells(result) == cells(tables.count(filled, judge="a", human="h0"))
    assert "no judge verdict" not in result.dropped


@pytest.mark.parametrize("rule", ["any", "all", "1", "2", "3"])
def test_raters_by_rule(rule):
    rows = [row for row in every_pattern(3) if row["a"] is not None]
    pairs, undecided = [], 0
    for row in rows:
        votes = [row[name] for name in ("h0", "h1", "h2") if row[name] is not None]
        possible = {
            RULES[rule]([*votes, *more])
            for more in itertools.product((0, 1), repeat=3 - len(votes) if rule.isdecimal() else 0)
        }
        label = int(possible.pop()) if votes and len(possible) == 1 else None
        undecided += bool(votes) and label is None
        pairs.append((row["a"], label))
    result = tables.count(rows, judge="a", human=["h0", "h1", "h2"], human_combine=rule)
    assert cells(result) == counted(pairs)
    assert result.panel.raters.n_undecided == undecided


def test_raters_who_disagree_are_refused_and_ties_too():
    rows = list(every_pattern(3))
    several = [
        votes
        for row in rows
        if len(votes := [row[f"h{i}"] for i in range(3) if row[f"h{i}"] is not None]) > 1
    ]
    differ = sum(len(set(votes)) > 1 for votes in several)
    with pytest.raises(
        ValueError,
        match=rf"h0, h1, h2 disagree on {differ:,} of the {len(several):,} rows .* "
        rf"\({differ / len(several):.1%}\): .*--human-combine",
    ):
        tables.count(rows, judge="a", human=["h0", "h1", "h2"])
    with pytest.raises(ValueError, match="h0, h1, h2 tie on"):
        tables.count(rows, judge="a", human=["h0", "h1", "h2"], human_combine="majority")
    untied = [row for row in rows if None not in (row["h0"], row["h1"], row["h2"])]
    result = tables.count(untied, judge="a", human=["h0", "h1", "h2"], human_combine="majority")
    pairs = [(row["a"], int(row["h0"] + row["h1"] + row["h2"] > 1)) for row in untied if row["a"] is not None]
    assert cells(result) == counted(pairs)


def test_raters_who_agree_need_no_rule():
    rows = [
        {"judge": "fail", "one": "fail", "two": ""},
        {"judge": "pass", "one": "pass", "two": "PASS"},
        {"judge": "pass", "one": "-1", "two": None},
    ]
    result = tables.count(rows, judge="judge", human=["one", "two"])
    assert cells(result) == (1, 0, 0, 1, 0, 1)
    assert (result.panel.raters.n_several, result.panel.raters.n_differ) == (1, 0)


def test_words_of_each_column_are_read_as_if_it_were_alone(tmp_path):
    path = tmp_path / "words.csv"
    path.write_text(
        "a,b,human\nrefusal,comply,refusal\nrefusal,refusal,refusal\ncomply,refusal,comply\n"
        "comply,comply,\nbroken,comply,\n"
    )
    options = {"judge": ["a", "b"], "human": "human", "combine": "all", "failure": "refusal"}
    result = tables.count(path, **options, where="a <> 'broken'")
    assert cells(result) == (1, 1, 0, 1, 0, 1)
    path.write_text("a,b,human\nunsafe,unsafe,fail\nsafe,broken,pass\nsafe,unsafe,\n")
    options |= {"failure": "unsafe"}
    with pytest.raises(ValueError, match="row 2 of .*: b is 'broken', neither"):
        tables.count(path, **options)
    result = tables.count(path, **options, on_invalid="drop", cluster="a")
    assert cells(result) == (1, 0, 0, 0, 0, 1)
    assert result.dropped == {"judge verdict neither a failure nor a pass": 1}


def test_graded_judges_share_a_threshold():
    rows = [{"a": 0.2, "b": 0.9, "human": 1}, {"a": 0.8, "b": 0.9, "human": 0}, {"a": 0.1, "b": 0.3}]
    result = tables.count(rows, judge=["a", "b"], human="human", combine="all", judge_threshold="<0.5")
    assert cells(result) == (0, 1, 0, 1, 1, 0)


@pytest.mark.slow
def test_raters_in_a_file_of_their_own_and_names_in_two_columns(tmp_path):
    judged = tmp_path / "judged.csv"
    rows = [f"{i},{epoch},{int(i == 1)}" for i in range(3) for epoch in (1, 2)]
    judged.write_text("\n".join(["item,epoch,judge", *rows]))
    labels = tmp_path / "labels.csv"
    labels.write_text(
        "item,epoch,round,x,y\n0,1,final,0,1\n0,1,draft,1,1\n1,2,final,1,1\n2,2,final,0,0\n9,1,final,0,0\n"
    )
    options = {"judge": "judge", "human": ["x", "y"], "human_source": labels, "id": ["item", "epoch"]}
    final = "round = 'final'"
    with pytest.raises(ValueError, match="x, y disagree on 1 of the 4 rows"):
        tables.count(judged, **options, human_where=final)
    with pytest.raises(ValueError, match="2 verdicts for item '0', epoch '1'.*--human-where"):
        tables.count(judged, **options, human_combine="any")
    result = tables.count(judged, **options, human_combine="any", human_where=final)
    assert cells(result) == (1, 1, 0, 1, 1, 2)
    assert result.labels == {"read": 4, "unmatched": 1, "unknown": 1}
    with pytest.raises(ValueError, match=r"2 rows for item '0'.*`id` \(--id\) may be several"):
        tables.count(judged, **options | {"id": "item"}, human_combine="any", human_where=final)
    with pytest.raises(ValueError, match=r"`human_where` \(--human-where\): .* has no column"):
        tables.count(judged, **options, human_where="nothing = 1")
    with pytest.raises(ValueError, match="goes with `human_source`"):
        tables.count(judged, judge="judge", human="epoch", human_where="1 = 1")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--judge a --judge b --human h0", "(--judge) names 2 columns: say how"),
        ("--judge a --human h0 --combine any", "name several with `judge` (--judge)"),
        ("--judge a --judge a --human h0 --combine any", "(--judge) names a column twice: a, a"),
        ("--judge a --judge b --human h0 --combine 3", "a number from 1 to 2; got '3'"),
        ("--judge a --judge b --human h0 --combine most", "any, all, majority or a number"),
        ("--judge a --human h0 --human-combine any", "name several with `human` (--human)"),
        ("--judge a --human h0 --missing none", "--missing must be one of drop, failure, pass"),
        ("--judge a --judge h0 --human h0 --combine any", "'h0' is named as a judge and as a human"),
        ("--judge a --human h0 --where b=1 --where c=1", "--where was given 2 times and takes one value"),
        ("--judge a --human h0 --limit .1 --limit .2", "no such option: --limit"),
    ],
)
def test_what_cannot_be_meant_is_one_line(options, message, tmp_path, capsys):
    path = tmp_path / "rows.csv"
    path.write_text("a,b,c,h0\n1,1,1,1\n0,0,0,0\n")
    assert main(["estimate", str(path), *options.split()]) == 2
    err = capsys.readouterr().err
    assert message.lower() in err.lower()
    assert err.count("\n") == 1


@pytest.mark.slow
def test_commands_say_what_judges_and_raters_did(tmp_path, capsys):
    path = tmp_path / "rows.csv"
    lines = []
    for i in range(200):
        fails = int(i % 5 == 0)
        lines.append(f"{i},{fails},{fails},{i % 2 if i % 7 else ''},{'' if i % 2 else fails}")
    path.write_text("\n".join(["id,a,b,c,human", *lines]))
    judges = ["--judge", "a", "--judge", "b", "--judge", "c", "--combine", "majority", "--human", "human"]
    assert main(["estimate", str(path), *judges, "--interval", "chi-square"]) == 0
    out = capsys.readouterr().out
    assert "Judges alone and by rule; width: expected, of a 95% interval without bounds" in out
    assert "Verdicts that are missing, of 200: c 29; each counts as no vote." in out
    assert main(["estimate", str(path), *judges, "--interval", "chi-square", "--json"]) == 0
    panel = json.loads(capsys.readouterr().out)["panel"]
    by_name = {one["judge"]: one for one in panel["judges"]}
    assert (by_name["a"]["tpr"], by_name["a"]["fpr"]) == (1.0, 0.0)
    assert [one["judge"] for one in panel["judges"] if one["chosen"]] == ["majority"]
    assert by_name["majority"]["width"] < by_name["c"]["width"]
    for command in (["certify", "--limit", "0.5", "--method", "profile"], ["sensitivity"]):
        assert main([command[0], str(path), *judges, *command[1:]]) in (0, 1)
        assert "c 29; each counts as no vote" in capsys.readouterr().out
    second = ["--judge-b", "a", "--judge-b", "b"]
    assert main(["compare", str(path), *judges, *second]) in (0, 1)
    assert "second: " not in capsys.readouterr().err


@pytest.mark.slow
def test_doctor_and_report_show_each_judge_and_each_rule(tmp_path, capsys):
    path, page = tmp_path / "rows.csv", tmp_path / "page.md"
    verdicts = [(i % 5 == 0, i % 5 == 0 or i % 7 == 0, i % 4 == 0, i % 5 == 0) for i in range(200)]
    lines = [f"{a:d},{b:d},{c:d},{'' if i % 2 else int(h)}" for i, (a, b, c, h) in enumerate(verdicts)]
    path.write_text("\n".join(["a,b,c,human", *lines]))
    judges = ["--judge", "a", "--judge", "b", "--judge", "c"]
    assert main(["doctor", str(path), *judges, "--json"]) in (0, 1)
    document = json.loads(capsys.readouterr().out)
    assert [one["judge"] for one in document["panel"]["judges"] if one["chosen"]] == ["majority"]
    assert document["roles"]["other_judges"] == []
    assert "--judge a --judge b --judge c --combine majority --human human" in document["next"]
    assert main([*document["next"].split()[1:], "--interval", "chi-square", "--json"]) == 0
    estimated = json.loads(capsys.readouterr().out)
    assert estimated["panel"] == document["panel"]
    assert estimated["total"]["counts"] == document["counts"]
    assert main(["doctor", str(path), *judges, "--combine", "all"]) in (0, 1)
    out = capsys.readouterr().out
    assert "Judges alone and by rule" in out
    assert "Judge all of a, b, c, human human: 100 labelled" in out
    assert "judges together" not in out
    report = [
        "report",
        str(path),
        *judges,
        "--combine",
        "any",
        "--human",
        "human",
        "--interval",
        "chi-square",
    ]
    assert main([*report, "--markdown", str(page)]) == 0
    assert "| majority |  | 100.00% |" in page.read_text()
    capsys.readouterr()
    assert main(["doctor", str(path), *judges, "--combine", "4"]) == 2
    assert "a number from 1 to 3; got '4'" in capsys.readouterr().err


def test_the_doctor_asks_what_1_means_of_several_judges_too(tmp_path, capsys):
    path = tmp_path / "rows.csv"
    lines = [f"{i % 5 > 0:d},{i % 6 > 0:d},{'' if i % 2 else int(i % 5 > 0)}" for i in range(200)]
    path.write_text("\n".join(["judge_passed,second_passed,human_ok", *lines]))
    ask = ["--judge", "judge_passed", "--judge", "second_passed", "--combine", "any", "--human", "human_ok"]
    assert main(["doctor", str(path), *ask, "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert "--failure 0" in document["next"]
    assert document["counts"]["tp"] == 20


def test_the_doctor_offers_raters_and_judges_together(tmp_path, capsys):
    path = tmp_path / "rows.csv"
    rows = [f"{i},{i % 5 == 0:d},{i % 4 == 0:d},{i % 10 == 0:d},{i % 10 == 0:d}" for i in range(30)]
    path.write_text("\n".join(["id,judge_a,judge_b,human_1,human_2", *rows]))
    assert main(["doctor", str(path), "--json"]) in (0, 1)
    document = json.loads(capsys.readouterr().out)
    first = document["commands"][0]
    assert first["command"] == "estimate, judges and raters together"
    assert first["line"] == document["next"]
    assert "--judge judge_b --combine majority --human human_2 --human-combine any" in document["next"]
    assert main([*document["next"].split()[1:], "--interval", "chi-square"]) == 0


def test_the_doctor_proposes_no_majority_where_raters_tie(tmp_path, capsys):
    path = tmp_path / "rows.csv"
    rows = [f"{i},{i % 5 == 0:d},{i % 2},{i % 3 == 0:d}," for i in range(30)]
    path.write_text("\n".join(["id,judge,human_1,human_2,human_3", *rows, "30,1,1,1,1"]))
    assert main(["doctor", str(path), "--json"]) in (0, 1)
    following = json.loads(capsys.readouterr().out)["next"]
    assert "--human human_2 --human human_3 --human-combine any" in following
    assert main([*following.split()[1:], "--interval", "chi-square"]) == 0


def test_rows_are_read_as_often_for_three_judges_as_for_two(monkeypatch):
    reads = []
    query = Table.query

    def counting(self, sql):
        reads.append("FROM verdicts" in sql)
        return query(self, sql)

    monkeypatch.setattr(Table, "query", counting)
    rows = list(every_pattern(1))
    times = []
    for judges in (["a", "b"], ["a", "b", "c"]):
        reads.clear()
        tables.count(rows, judge=judges, human="h0", combine="any")
        times.append(sum(reads))
    assert times[0] == times[1] <= 4


def test_names_of_columns_do_not_clash_with_those_of_the_counting():
    rows = list(every_pattern(2))
    expected = cells(
        tables.count(rows, judge=["a", "b", "c"], human=["h0", "h1"], combine="all", human_combine="any")
    )
    names = {"a": "t0", "b": "c0", "c": "n", "h0": "w1", "h1": "v0"}
    renamed = [{names[name]: value for name, value in row.items()} for row in rows]
    result = tables.count(
        renamed, judge=["t0", "c0", "n"], human=["w1", "v0"], combine="all", human_combine="any"
    )
    assert cells(result) == expected
    verdicts = [{"h": str(i), "judge": i % 2} for i in range(9)]
    labels = [{"h": str(i), "human": i % 2} for i in range(4)]
    result = tables.count(verdicts, judge="judge", human="human", human_source=labels, id="h")
    assert cells(result) == (2, 0, 0, 2, 2, 3)
