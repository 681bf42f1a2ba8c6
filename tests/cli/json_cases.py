"""Commands whose documents together hold everything that `--json` can: for the tests of its schema."""

import csv
import shlex

SIX = "40,8,6,90,300,700"
COLUMNS = "--judge judge --human human"
QUICK = "--interval chi-square"
PROFILE = "--method profile"
BOUNDS = "--tpr 0.75:0.95 --fpr :0.2"
RATES = "plan --failure-rate 0.05 --judge-tpr 0.9 --judge-fpr 0.05 --n-unlabeled 10000"
# Of the case "bounds, saved".
SAVED = "--bounds judge.json --max-age 90 --date 2026-07-31"
# A column of the queue in place of what a person says.
TAKEN = (
    "--import more.queue.csv --label category --failure who --failure when --pass what --pass where "
    "--pass other --pass which --pass how --pass 'how many' --pass 'how much'"
)
PANEL = "panel.csv --judge a --judge b --human human"

# Arguments by name; files are those of `write_files`.
_LINES = {
    "demo": "demo",
    "demo file": "demo --write new.csv",
    "doctor": "doctor verdicts.csv --limit 0.4",
    "doctor, limit out of reach": "doctor verdicts.csv --limit 0.2",
    "doctor, graded": "doctor graded.csv",
    "doctor, no verdicts": "doctor mix.csv",
    "doctor, several judges": "doctor panel.csv",
    "doctor, judges asked": f"doctor {PANEL}",
    "doctor, counts": f"doctor --counts {SIX}",
    "doctor, log": "doctor log.json",
    "estimate": f"estimate verdicts.csv {COLUMNS} {QUICK}",
    "estimate, calibrated": f"estimate --counts {SIX} {BOUNDS}",
    "estimate, slices": (
        f"estimate verdicts.csv {COLUMNS} {QUICK} --by system --cluster question_id {BOUNDS}"
    ),
    "estimate, no labels": f"estimate nolabels.csv {COLUMNS} {QUICK}",
    "estimate, contradicted": f"estimate --counts {SIX} --tpr 0.99:1 --fpr 0:0.01 {QUICK}",
    "estimate, bootstrap": f"estimate --counts {SIX} --interval bootstrap --n-resamples 200",
    "estimate, bootstrap of slices": (
        f"estimate few.csv {COLUMNS} --by part --interval bootstrap --n-resamples 200 --failure-rate 0:0.6"
    ),
    "estimate, items": f"estimate --counts {SIX} --target items",
    "estimate, weights": f"estimate panel.csv --judge a --human human --weight weight {QUICK}",
    "estimate, partial": f"estimate few.csv {COLUMNS} --by part --judge-rates partial",
    "estimate, common, clusters": f"estimate few.csv {COLUMNS} --by part --judge-rates common --cluster id",
    "estimate, mix": f"estimate few.csv {COLUMNS} --by part {QUICK} --mix mix.csv",
    "estimate, bounds by slice": f"estimate few.csv {COLUMNS} --by part {QUICK} --bounds bounds.csv",
    "estimate, judges and raters": (
        f"estimate panel.csv --judge a --judge b --combine any {QUICK} --human human "
        "--human other --human-combine any"
    ),
    "estimate, errors of raters": (
        f"estimate panel.csv --judge b --human human --human a --human-combine any {QUICK} "
        "--human-error agreement"
    ),
    "estimate, log": f"estimate log.json --human vars.human {QUICK}",
    "estimate, ids that lost zeros": (
        f"estimate zeros.csv --judge judge --human human --human-file lost.csv --id id {QUICK}"
    ),
    "estimate, labels in a file": (
        f"estimate panel.csv --judge a --human label --human-file labels.csv --id id {QUICK}"
    ),
    "estimate, file": f"estimate few.csv {COLUMNS} {QUICK} --by part --out slices.csv",
    "estimate, balanced": f"estimate balanced.csv {COLUMNS} {QUICK}",
    "estimate, borrowing": f"estimate few.csv {COLUMNS} {QUICK} --borrow more.csv --borrow-by part",
    "certify": f"certify verdicts.csv {COLUMNS} --limit 0.4 {PROFILE} --by system {BOUNDS}",
    "certify, exact": f"certify --counts {SIX} --limit 0.4",
    "certify, no labels": f"certify nolabels.csv {COLUMNS} --limit 0.4 {BOUNDS} {PROFILE}",
    "certify, clusters": (
        f"certify few.csv {COLUMNS} --limit 0.4 {PROFILE} --by part --cluster id "
        "--adjustment holm --bounds bounds.csv"
    ),
    "certify, panel": f"certify {PANEL} --combine all --limit 0.4 {PROFILE}",
    "certify, balanced": f"certify balanced.csv {COLUMNS} --limit 0.9 {PROFILE}",
    "certify, third look": (
        f"certify --counts {SIX} --limit 0.4 {PROFILE} --look 3 --of 5 --information 0.2,0.4,0.7"
    ),
    "certify, human error": f"certify few.csv {COLUMNS} --limit 0.4 --by part {PROFILE} --human-error 0:0.1",
    "estimate, human error": f"estimate few.csv {COLUMNS} --by part {QUICK} --human-error 0:0.1,0:0.02",
    "estimate, mix, human error": f"estimate few.csv {COLUMNS} --by part {QUICK} --mix mix.csv "
    "--human-error 0:0.1",
    "certify, anytime": f"certify few.csv {COLUMNS} --limit 0.4 --by part --anytime",
    "report": f"report few.csv {COLUMNS} {QUICK} --by part --limit 0.5 {PROFILE} {BOUNDS}",
    "report, counts": f"report --counts {SIX} {QUICK}",
    "report, no labels": f"report nolabels.csv {COLUMNS} {QUICK} {BOUNDS}",
    "bounds": f"bounds verdicts.csv {COLUMNS} --by system",
    "bounds, one part": f"bounds few.csv {COLUMNS}",
    "bounds, log": "bounds log.json --human vars.human",
    "bounds, labels in a file": (
        "bounds panel.csv --judge a --human label --human-file labels.csv --id id --by part"
    ),
    "bounds, saved": (
        f"bounds verdicts.csv {COLUMNS} --by system --save judge.json --png bounds.png "
        "--judge-name gpt-4@0613 --rubric mix.csv --date 2026-03-31"
    ),
    "estimate, saved bounds": f"estimate --counts {SIX} {QUICK} {SAVED}",
    "drift, saved bounds": f"drift --counts {SIX} {SAVED}",
    "plan, saved bounds": (
        "plan --failure-rate 0.2 --judge-tpr 0.8 --judge-fpr 0.12 --n-unlabeled 10000 --target-width 0.1 "
        f"{QUICK} {SAVED}"
    ),
    "sensitivity": f"sensitivity few.csv {COLUMNS} {BOUNDS} --limit 0.4 --cluster id",
    "sensitivity, no limit": f"sensitivity --counts {SIX} {BOUNDS} --over tpr --points 5",
    "sensitivity, panel": f"sensitivity {PANEL} --combine any --points 3 --png map.png",
    "sensitivity, log": "sensitivity log.json --human vars.human --points 3",
    "compare": (
        f'compare verdicts.csv {COLUMNS} --where "system = \'FiD\'" --where-b "system = '
        "'EviGen'\" --id question_id --by category"
    ),
    "compare, common": f"compare few.csv {COLUMNS} --where-b \"part = 'p1'\" --judge-rates common {BOUNDS}",
    "compare, clusters": f"compare few.csv more.csv {COLUMNS} --cluster id --by part {BOUNDS}",
    "compare, panel": f"compare {PANEL} --combine any --where-b \"part = 'p1'\"",
    "compare, counts": f"compare --counts {SIX} --counts-b 4,1,60,90,30,970 {BOUNDS}",
    "drift": f"drift few.csv {COLUMNS} {BOUNDS} --by part",
    "drift, clusters": f"drift few.csv {COLUMNS} --tpr 0.2:0.3 --cluster id",
    "drift, panel": f"drift {PANEL} --combine any {BOUNDS}",
    "drift, counts": f"drift --counts {SIX} --tpr 0.5:1",
    "draw": "draw verdicts.csv --judge judge --id id --labels 30 --by category --floor 2 --out queue.csv",
    "draw, by verdict": (
        "draw verdicts.csv --judge judge --human human --id id --labels 30 --by-verdict --flagged 20 "
        "--out more.queue.csv"
    ),
    "certify, drawn": f"certify verdicts.csv --design more.queue.json --human human --limit 0.5 {PROFILE}",
    "estimate, drawn": f"estimate verdicts.csv --design more.queue.json --human human {QUICK}",
    "label": f"label more.queue.csv {TAKEN}",
    "label, page": "label more.queue.csv --html page.html --rater ann",
    "label, raters": f"label more.queue.csv {TAKEN} --rater ann",
    "label, three raters": f"label more.queue.csv {TAKEN} --rater eve",
    "label, nothing yet": "label queue.csv --status",
    "plan, width": f"{RATES} --target-width 0.05 {QUICK} --cost-human 2 --cost-judge 0.01",
    "plan, certificate": f"{RATES} --limit 0.2 {PROFILE} --labels by-verdict --tpr 0.85:0.95",
    "plan, elsewhere": f"{RATES} --target-width 0.1 {QUICK} --calibration external",
    "plan, given": (
        f"plan --given few.csv {COLUMNS} --target-width 0.5 {QUICK} --by judge --labels by-verdict"
    ),
    "plan, drawn": (
        f"plan --given verdicts.csv --design more.queue.json --human human --target-width 0.5 {QUICK}"
    ),
    "plan, out of reach": f"{RATES} --target-width 0.001 {QUICK}",
}
CASES = {name: shlex.split(line) for name, line in _LINES.items()}
# One of each command but plan, which has none that is quick, and what these need.
FEW = {
    *("demo", "doctor", "estimate, slices", "certify, exact", "report, counts", "bounds, one part"),
    *("sensitivity, no limit", "compare, counts", "drift", "draw, by verdict", "label", "estimate, file"),
}


def write_files(folder):
    """Write the files that the cases read into a folder."""
    few, panel, graded, labels = [], [], [], []
    for i in range(180):
        part, fails = f"p{i % 6 + 1}", i % 4 == 0
        judge = int(fails) if i % 9 else int(not fails)
        human = int(fails) if i % 3 == 0 or i < 40 else ""
        few.append([i % 60, part, judge, human])
        other = human if i % 5 else ""
        panel.append(
            [
                i,
                part,
                judge if i % 7 else "",
                int(i % 3 == 0),
                human,
                "" if other == "" else 1 - other,
                1 + i % 3,
            ]
        )
        graded.append([i, judge + i % 3, human])
        labels.append([i, human])
    _write(folder / "few.csv", ["id", "part", "judge", "human"], few)
    _write(folder / "more.csv", ["id", "part", "judge", "human"], few[::-1] + few)
    _write(folder / "panel.csv", ["id", "part", "a", "b", "human", "other", "weight"], panel)
    _write(folder / "graded.csv", ["id", "judge_score", "human"], graded)
    _write(folder / "labels.csv", ["id", "label"], [*labels[:90], [1000, 1]])
    _write(folder / "zeros.csv", ["id", "judge"], [[f"{i:04d}", i % 4 == 0] for i in range(300)])
    lost = [[f"{i:04d}" if i < 60 else i, i % 5 == 0] for i in range(90)]
    _write(folder / "lost.csv", ["id", "human"], lost)
    _write(folder / "nolabels.csv", ["judge", "human"], [[i % 4 == 0, ""] for i in range(100)])
    balanced = [[1, 1]] * 20 + [[0, 1]] * 5 + [[1, 0]] + [[0, 0]] * 24 + [[1, ""]] * 116 + [[0, ""]] * 884
    _write(folder / "balanced.csv", ["judge", "human"], balanced)
    _write(folder / "mix.csv", ["part", "share"], [["p1", 2], ["p2", 1]])
    ends = ["tpr_low", "tpr_high", "fpr_low", "fpr_high"]
    _write(folder / "bounds.csv", ["part", *ends], [[f"p{i}", 0.5, 1, 0, 0.5] for i in range(1, 7)])


def _write(path, head, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *rows])
