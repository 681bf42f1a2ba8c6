"""The documents of `jaxmle demo` for a terminal."""

from rich.console import Group
from rich.text import Text

from jaxmle._documents import METHODS, percent, shell_line
from jaxmle._terminal._fold import new_table
from jaxmle._terminal._tables import cell
from jaxmle._types import Document


def demo_table(document: Document) -> Group:
    """Lay out the document of `jaxmle demo` for a terminal."""
    settings, data = document["settings"], document["data"]
    table = new_table("")
    methods = dict(reversed(METHODS.items()))  # the best first
    table.add_column("system", no_wrap=True)
    for heading in ("truth", *methods.values()):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("active bounds", no_wrap=True)
    for row in document["systems"]:
        cells = [percent(row[key]) for key in ("truth", *methods)]
        table.add_row(cell(row["system"]), *cells, ", ".join(row["at_bound"]) or "none")
    table.add_section()
    error = document["rmse"]
    best = min(error, key=lambda method: error[method])
    table.add_row(
        Text("RMS error", style="bold"),
        "",
        *(Text(percent(error[m]), style="bold green" if m == best else "bold") for m in methods),
        "",
    )
    errors = "; ".join(f"{name} {percent(error[method])}" for method, name in methods.items())
    answer = Text(f"Root-mean-square error over {len(document['systems'])} systems: {errors}.", style="bold")
    intro = [
        f"Data: {data['title']}.",
        f"Source: {data['source']} ({data['licence']}).",
        f"All but {settings['n_labeled']} human labels of each system are hidden (seed {settings['seed']}). "
        "truth: the failure rate in all its labels.",
        "ML, bounds: maximum likelihood with TPR and FPR bounded by what the judge did on the other systems.",
        "",
    ]
    outro = [
        "",
        "One draw of labels is luck; try --seed 1, 2, 3. Next, a file to follow along with:",
        "  jaxmle demo --write verdicts.csv",
        "  jaxmle doctor verdicts.csv",
        "A file of your own: `jaxmle doctor FILE` says what to type.",
    ]
    lines = [Text(line, no_wrap=line.startswith(" ")) for line in outro]
    return Group(answer, *map(Text, intro), table, *lines)


def demo_file_text(document: Document) -> Group:
    """Say what `jaxmle demo --write` wrote."""
    data = document["data"]
    lines = [
        f"{document['file']}: {document['n_rows']:,} {data['title']}.",
        f"Source: {data['source']} ({data['licence']}).",
        "Counts are those published; which question a system failed, and its kind, are made up.",
        f"Columns: {', '.join(document['columns'])}. 1 means failure: an answer that humans do not accept.",
        f"Human labels: {document['n_labeled']:,}, {document['settings']['n_labeled']} for each of "
        f"{document['n_systems']} systems (seed {document['settings']['seed']}); the others are blank. "
        f"All of them together say {percent(document['truth'])}.",
        f"Next: {shell_line('jaxmle', 'doctor', document['file'])}",
    ]
    return Group(*map(Text, lines))
