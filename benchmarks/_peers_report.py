"""Tables of what `benchmarks.peers` measured."""

from benchmarks import _results

TITLES = {
    "estimate": "One estimate with a 95% interval, 200 labelled and 10,000 judged items",
    "resamples": "10,000 resamples of the same data",
    "slices": "1,000 slices, 50 labelled and 1,000 judged items each, every slice with an interval",
    "file": "A CSV file of 1,000,000 rows from the command line, whole processes",
}
UNITS = {"estimate": ("ms", 1e3), "resamples": ("ms", 1e3), "slices": ("s", 1), "file": ("s", 1)}
ABSENT = {
    "resamples": {"truescore": "it resamples the difference of two systems, not a rate"},
    "file": {"scipy, judgy, ppi-python, GLIDE": "no command line"},
}
CONFORMING = 1e-8


def report(path):
    """Print all tables in Markdown."""
    lines = path.read_text().splitlines()
    for line in lines:
        if line.startswith("#"):
            print(line.lstrip("# "), end="  \n")
    rows = _results.read(path)
    for task in TITLES:
        part = [row for row in rows if row["task"] == task]
        if part:
            _table(task, part)
    _conformance(rows)


def _table(task, rows):
    unit, factor = UNITS[task]
    seconds = {row["program"]: float(row["cpu"]) for row in rows if row["cpu"]}
    answers = {"slices": ("RMSE", "coverage", "mean width", "refused")}.get(task, ("estimate, 95% interval",))
    print(f"\n**{TITLES[task]}**\n")
    heads = ("bounds", *answers, f"median, {unit}", "least to largest", f"CPU, {unit}", "ratio")
    print("| program |" + "".join(f" {h} |" for h in heads) + " first call, s | peak MiB |")
    print("|---|---|" + "--:|" * (len(answers) + 6))
    for row in rows:
        if not row["seconds"]:
            print(f"| {row['program']} | {row['note']} |" + " |" * (len(answers) + 7))
            continue
        times = [factor * float(row[key]) for key in ("seconds", "fastest", "slowest", "cpu")]
        cells = [row["bounds"], *_answer(task, row), _short(times[0])]
        cells += [f"{_short(times[1])} to {_short(times[2])}"]
        base = seconds.get(_base(task, row["program"]))
        cells += [_short(times[3]), _short(float(row["cpu"]) / base) if base else ""]
        cells += [f"{float(row['first']):.1f}", f"{float(row['peak_mib']):,.0f}"]
        star = "\\*" if "multiplied" in row["note"] else ""
        print(f"| {row['program']}{star} | " + " | ".join(cells) + " |")
    for name, reason in ABSENT.get(task, {}).items():
        print(f"| {name} | no: {reason} |" + " |" * (len(answers) + 6))
    for row in rows:
        if "multiplied" in row["note"]:
            print(f"\n\\* {row['program']}: {row['note']}; the answers are of that part.")


def _base(task, program):
    """The row whose processor time is 1: it answers the same question without bounds."""
    if task != "file":
        return "jaxmle"
    return "jaxmle estimate --by slice" if "slice" in program else "jaxmle estimate"


def _answer(task, row):
    if task == "slices":
        return (
            f"{float(row['rmse']):.4f}",
            f"{float(row['coverage']):.3f}",
            f"{float(row['width']):.4f}",
            row["refused"],
        )
    if not row["low"]:
        return (f"{float(row['estimate']):.4f}, {row['note']}, mean width {float(row['width']):.4f}",)
    return (f"{float(row['estimate']):.4f}, {float(row['low']):.4f} to {float(row['high']):.4f}",)


def _short(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def _conformance(rows):
    print("\n**Fixed counts against answers recorded apart**\n")
    print("| program | cases | largest difference |")
    print("|---|--:|--:|")
    for row in rows:
        if row["known_difference"]:
            gap = float(row["known_difference"])
            shown = "none within rounding" if gap < CONFORMING else f"{gap:.1g}"
            print(f"| {row['program']} | {row['known_cases']} | {shown} |")
