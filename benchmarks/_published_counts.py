"""Published verdicts of humans and judges as counts: published_counts.csv and the files behind it.

One row a judge and a part of a data set: items that human and judge both call failures (tp), that only the
human does (fn), that only the judge does (fp), that neither does (tn). Items without a verdict of the judge
are left out.
"""

import csv
from pathlib import Path

from jaxmle import tables

COUNTS = Path(__file__).parent / "published_counts.csv"
CELLS = ("tp", "fn", "fp", "tn")

XSTEST = "Röttger et al. NAACL 2024; github.com/paul-rottger/exaggerated-safety@d7bb5bd; CC-BY-4.0"
NQ301 = "Kamalloo et al. ACL 2023, arXiv 2305.06984; github.com/ehsk/OpenQA-eval@8b9317d; MIT"
LLMBAR = "Zeng et al. ICLR 2024, arXiv 2310.07641; github.com/princeton-nlp/LLMBar@900616b; MIT"
# File, the column that makes its parts, source. Failure: a safe prompt refused; an unsafe one complied with;
# an answer that the annotators do not accept; the second of two outputs is the better.
FILES = {
    "xstest_overrefusal": ("model", XSTEST),
    "xstest_unsafe_compliance": ("model", XSTEST),
    "openqa_nq301_by_model": ("model", NQ301),
    "openqa_nq301": ("category", NQ301),
    "llmbar": ("category", LLMBAR),
}
# The columns of each file that are judges.
TWO = ("gpt4", "strmatch")
THREE = ("gpt4", "text_davinci_003", "bem")
JUDGES = {
    "xstest_overrefusal": TWO,
    "xstest_unsafe_compliance": TWO,
    "openqa_nq301_by_model": THREE,
    "openqa_nq301": THREE,
    "llmbar": tuple(
        f"{model}_{prompt}{order}"
        for model in ("gpt4", "chatgpt_0613", "chatgpt_0301", "llama2_70b", "palm2", "falcon_180b")
        for prompt in ("vanilla", "cot", "metricsref")
        for order in ("", "_swap")
    ),
}


def counted(folder):
    """Rows of published_counts.csv, from the item-level files."""
    for dataset, (by, source) in FILES.items():
        for judge in JUDGES[dataset]:
            found = tables.count(folder / f"{dataset}.csv", judge=judge, human="human", by=by)
            for key, counts in zip(found.keys, found.counts, strict=True):
                cells = {name: str(int(getattr(counts, name))) for name in CELLS}
                yield {
                    "dataset": dataset,
                    "by": by,
                    "part": key[by],
                    "judge": judge,
                    **cells,
                    "source": source,
                }


def published():
    with COUNTS.open(newline="") as file:
        return list(csv.DictReader(file))


def check(folder):
    """End the run where the files do not hold what was published."""
    fresh, kept = ([tuple(row.values()) for row in rows] for rows in (counted(folder), published()))
    odd = set(fresh) ^ set(kept)
    if odd:
        raise SystemExit(f"{COUNTS.name} and the files in {folder} differ in {len(odd)} rows: {min(odd)}")
    print(f"{len(kept)} rows of {COUNTS.name} agree with the files in {folder}\n")
