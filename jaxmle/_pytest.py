"""A plugin of pytest: the fixture `jaxmle_gate`, by which a test passes where `jaxmle certify` says yes.

Pytest loads this module at every start: it imports neither JAX nor NumPy.
"""

from os import PathLike
from typing import Any, Protocol

import pytest


class Gate(Protocol):
    """A call that fails the test unless the failure rate is certified to be below a limit."""

    def __call__(
        self,
        file: str | PathLike[str] | None = None,
        *,
        limit: float | str,
        judge: Any = "judge",
        human: Any = "human",
        **options: Any,
    ) -> dict[str, Any]:
        """Certify a file of verdicts.

        Args:
            file: CSV, TSV, JSONL, Parquet or a log, looked for from where pytest was started; None with
                ``counts="tp,fn,fp,tn,flagged,passed"``.
            limit: The failure rate to stay under, in (0, 1), or a text such as "5%".
            judge: The column of judge verdicts, or several.
            human: The column of human verdicts, or several.
            **options: Any other option of `jaxmle certify`, underscores for dashes: ``tpr=(0.8, 0.9)``,
                ``by="system"``, ``cluster="prompt"``, ``where="lang = 'de'"``, ``method="profile"``.

        Returns:
            The document of `jaxmle certify --json`: ``certified``, ``total`` and ``slices``, which hold rates
            and upper limits, as dictionaries.
        """
        ...


@pytest.fixture(scope="session")
def jaxmle_gate() -> Gate:
    """Fail the test unless `jaxmle certify` says that the failure rate is below a limit.

    ``jaxmle_gate("verdicts.csv", judge="judge", human="human", limit=0.05)``, and any other option of the
    command by its name: ``tpr=(0.8, 0.9)``, ``by="system"``. Returns the document of `jaxmle certify --json`.
    """

    def certified(
        file: str | PathLike[str] | None = None,
        *,
        limit: float | str,
        judge: Any = "judge",
        human: Any = "human",
        **options: Any,
    ) -> dict[str, Any]:
        from jaxmle._cli import Refused, gate

        columns = {} if file is None else {"judge": judge, "human": human}
        try:
            return gate(file, {"limit": limit, **columns, **options})
        except Refused as refused:
            said = str(refused)
        pytest.fail(said, pytrace=False)

    return certified
