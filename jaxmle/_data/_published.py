"""Published verdicts of humans and judges, as counts, for the demonstration and tests."""

from dataclasses import dataclass

import numpy as np

from jaxmle._types import Array

# How far systems differ in what they find hard, next to what all find hard.
_OWN_DIFFICULTY = 0.7


@dataclass(frozen=True)
class Published:
    """Fully labelled counts of one judge on the answers of several systems.

    Attributes:
        title: What was judged, and by whom.
        source: Where the verdicts were published.
        licence: Licence of the published verdicts.
        cells: System to (tp, fn, fp, tn).
        categories: Kind of question to the number of questions.
    """

    title: str
    source: str
    licence: str
    cells: dict[str, tuple[int, int, int, int]]
    categories: dict[str, int]

    def rows(self) -> list[dict[str, str]]:
        """Made-up rows with the published counts: question, system, category, judge, human; 1 is a failure.

        Which question a system fails is drawn, always alike, so that some questions are hard for all systems;
        so are the kinds of questions.
        """
        rng = np.random.default_rng(301)
        size = sum(self.categories.values())
        kinds = rng.permutation(np.repeat(list(self.categories), list(self.categories.values())))
        hard, misleading = rng.standard_normal((2, size))

        def ordered(values: Array) -> Array:
            return np.argsort(values + _OWN_DIFFICULTY * rng.standard_normal(len(values)), kind="stable")

        rows = []
        for system, (tp, fn, fp, tn) in self.cells.items():
            asked = np.sort(rng.choice(size, tp + fn + fp + tn, replace=False))
            order = asked[ordered(hard[asked])]
            passed, failed = order[: fp + tn], order[fp + tn :]
            human, judge = np.zeros(size, int), np.zeros(size, int)
            human[failed] = 1
            judge[failed[ordered(misleading[failed])][fn:]] = 1
            judge[passed[ordered(misleading[passed])][tn:]] = 1
            rows += [
                {
                    "question_id": str(q + 1),
                    "system": system,
                    "category": str(kinds[q]),
                    "judge": str(judge[q]),
                    "human": str(human[q]),
                }
                for q in asked
            ]
        return rows


# Failure = the human annotators did not accept the answer. Two of 3,007 answers have no verdict of
# GPT-4's on file. An answer that several systems gave is counted for each of them.
NQ301_GPT4 = Published(
    title="answers of 10 systems to 301 Natural Questions, judged by GPT-4",
    source="Kamalloo et al., ACL 2023, arXiv 2305.06984; github.com/ehsk/OpenQA-eval",
    licence="MIT",
    cells={
        "ANCE+FiD": (87, 17, 28, 169),
        "Contriever+FiD": (81, 21, 28, 171),
        "EviGen": (82, 17, 21, 180),
        "FiD": (93, 14, 26, 168),
        "FiD-KD": (65, 16, 29, 191),
        "GAR+FiD": (75, 19, 26, 181),
        "InstructGPT few-shot": (63, 11, 31, 196),
        "InstructGPT zero-shot": (69, 17, 24, 189),
        "R2-D2": (75, 12, 29, 185),
        "RocketQAv2+FiD": (74, 16, 28, 182),
    },
    categories={
        "who": 104,
        "when": 62,
        "what": 49,
        "where": 37,
        "other": 28,
        "how many": 9,
        "which": 7,
        "how": 3,
        "how much": 2,
    },
)
