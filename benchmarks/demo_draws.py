"""Root-mean-square errors of the demonstration's estimates over many draws of labels.

python -m benchmarks.demo_draws [--draws 100]
"""

import argparse

import numpy as np

from jaxmle._documents import demo_document
from jaxmle._documents._demo import METHODS


def main():
    """Repeat the demonstration over seeds and print the errors as a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=100, help="seeds 0, 1, ...")
    draws = parser.parse_args().draws
    squares: dict[str, list[float]] = {method: [] for method in METHODS}
    for seed in range(draws):
        error = demo_document(seed=seed)["rmse"]
        for method in METHODS:
            squares[method].append(error[method] ** 2)
    print("| " + " | ".join(METHODS.values()) + " |")
    print("|" + "--:|" * len(METHODS))
    print("| " + " | ".join(f"{np.sqrt(np.mean(values)):.2%}" for values in squares.values()) + " |")


if __name__ == "__main__":
    main()
