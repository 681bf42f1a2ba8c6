"""The document of `jaxmle demo` for a terminal."""

from rich.console import Group
from rich.text import Text

from jaxmle._documents import METHODS, percent
from jaxmle._terminal._tables import cell, new_table
from jaxmle._types import Document


def demo_table(document: Document) -> Group:
    """Lay out the document of `jaxmle demo` for a terminal."""
    settings, data = document["settings"], document["data"]
    table = new_table("")
    table.add_column("system", no_wrap=True)
    for heading in ("truth", *METHODS.values()):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("active bounds", no_wrap=True)
    for row in document["systems"]:
        cells = [percent(row[key]) for key in ("truth", *METHODS)]
        table.add_row(cell(row["system"]), *cells, ", ".join(row["at_bound"]) or "none")
    table.add_section()
    error = document["rmse"]
    best = min(error, key=lambda method: error[method])
    table.add_row(
        Text("RMS error", style="bold"),
        "",
        *(Text(percent(error[m]), style="bold green" if m == best else "bold") for m in METHODS),
        "",
    )
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
        "One draw of labels is luck; try --seed 1, 2, 3. Next, with a file of your own:",
        "  jaxmle estimate verdicts.csv --judge judge --human human --tpr 0.75:0.90 --fpr 0.08:0.18",
    ]
    return Group(*map(Text, intro), table, *map(Text, outro))
