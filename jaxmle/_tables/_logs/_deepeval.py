"""Test runs that DeepEval saves."""

from jaxmle._tables._logs._log import LogRow, Object, flat, objects

OVERALL = "score.success"


def is_deepeval(document: Object) -> bool:
    """Whether a document is a test run."""
    cases = [*objects(document.get("testCases")), *objects(document.get("conversationalTestCases"))]
    return bool(cases) and all("metricsData" in case or "success" in case for case in cases)


def deepeval_rows(document: Object) -> list[LogRow]:
    """A row for each test case: overall verdict; verdict (`score.`) and score (`value.`) of each metric."""
    rows = []
    for case in (*objects(document.get("testCases")), *objects(document.get("conversationalTestCases"))):
        row: LogRow = {"id": case.get("name"), OVERALL: case.get("success")}
        row |= flat("metadata", case.get("metadata") or case.get("additionalMetadata"))
        metrics = list(objects(case.get("metricsData")))
        for metric in metrics:
            known = None if metric.get("error") else metric.get("success")
            row[f"score.{metric.get('name')}"] = known
            row[f"value.{metric.get('name')}"] = metric.get("score")
        if metrics and all(metric.get("error") for metric in metrics):
            row[OVERALL] = None
        rows.append(row)
    return rows
