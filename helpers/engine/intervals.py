"""Which numbers carry an interval, of what kind, and why the others carry none: said in one place."""

from helpers.model.kpi import Kpi

WITH_INTERVAL = {
    ("conversion", "cohort"): "Wilson score interval: those that converted are among those that entered",
    ("outcome_share", "count"): "Wilson score interval: won deals are among the decided ones",
    ("outcome_share", "weight"): "delta method over deals on the log odds of the share, Student's t",
    ("push", "snapshot"): "Wilson score interval: pushed deals are among those due",
    ("retention", "logo_churn"): "Wilson score interval: accounts that left are among those that could",
    ("retention", "amount"): "delta method over accounts, on log odds (NRR: on the logarithm), Student's t",
    ("pipeline_conversion", "period"): "delta method over deals on the logarithm of the ratio, Student's t",
    ("average", "outcome"): "Student's t over deals, on the logarithm of the average",
    ("duration", "mean"): "Student's t over records",
    ("duration", "quantile"): "distribution-free, from order statistics",
}
"""Kind of measure and what sets it apart → how its interval is made."""

WITHOUT_INTERVAL = {
    "volume": "a count of all records, not an estimate from some",
    "sum": "a sum over all records, not an estimate from some",
    "stock": "what was there on a day, counted in full",
    "coverage": "pipeline counted in full, divided by a target that somebody set",
    "ratio": "two totals whose records are not the same, so no record tells how they vary together",
    "velocity": "a product of a count, an average and a median of the same deals; its parts carry their own",
    "conversion": "who arrives in a period mostly entered in an earlier one: the ratio may pass 100 % and is no share",
}
"""Kind of measure → why it carries no interval."""


def explain_interval(kpi: Kpi, basis: str = "") -> tuple[bool, str]:
    """Tell whether a KPI's cells carry an interval, and how it is made or why there is none.

    Args:
        kpi: The KPI.
        basis: cohort, period, outcome or snapshot; by default its usual one.

    Returns:
        Whether, and the reason in words. A cell that could carry one still has none where fewer than two records (for
        medians about six) are behind it.
    """
    measure, basis = kpi.measure, basis or kpi.basis[0]
    kind = measure.kind
    part = {
        "conversion": basis,
        "outcome_share": "weight" if getattr(measure, "weight", None) else "count",
        "retention": "logo_churn" if getattr(measure, "variant", "") == "logo_churn" else "amount",
        "duration": "mean" if getattr(measure, "statistic", "") == "mean" else "quantile",
    }.get(kind, kpi.basis[0])
    how = WITH_INTERVAL.get((kind, part))
    return (True, how) if how else (False, WITHOUT_INTERVAL[kind])
