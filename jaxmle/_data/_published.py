"""Published verdicts of humans and judges, as counts, for the demonstration and the tests."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """Fully labelled counts of one judge on the answers of several systems.

    Attributes:
        title: What was judged, and by whom.
        source: Where the verdicts were published.
        licence: Licence of the published verdicts.
        cells: System to (tp, fn, fp, tn).
    """

    title: str
    source: str
    licence: str
    cells: dict[str, tuple[int, int, int, int]]


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
)
