"""Pipeline coverage as a page shows it: each picture, or the designed message where there is nothing to draw.

What can't be told because there is no coverage is said once, where coverage itself would stand; what rests on it then
shows nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from helpers.analyses.coverage import TOTAL
from helpers.analyses.coverage_review import tabulate_next_starts
from helpers.analyses.coverage_words import say_next_starts, say_to_go
from helpers.analyses.landing_words import explain_landing
from helpers.present.charts.coverage import draw_coverage
from helpers.present.charts.landing import draw_landing_errors, draw_landings
from helpers.present.charts.overview import Displays
from helpers.present.charts.this_next_all import draw_this_next_all
from helpers.present.charts.to_go import draw_to_go
from helpers.present.display import Display, show_message, show_table

if TYPE_CHECKING:
    from helpers.analyses.coverage_review import CoverageReview
    from helpers.analyses.landing_review import LandingReview
    from helpers.periods import Period

MISSING = "Pipeline coverage is not available, and nothing that rests on it"
RESTS_ON_IT = (
    "That is the pipeline week by week, the starts of the next periods, what each source has to bring, and its owners' "
    "forecasts. Where the period lands is told below by whatever doesn't need it."
)
READ_COVERAGE = (
    "Compare each bar above with its tick, then the line below with its own past. Whoever demands much more coverage "
    "than the tick lets marketing fail while sales makes plan. When conversion falls although coverage holds, look at "
    "what the pipeline is made of before looking at people."
)
READ_PIPELINE = (
    "This period down and the next one up are slips; this period down and all down are losses, or wins where bookings "
    "rose."
)
EXPECTED_NOTE = "Nobody has set a goal for {labels}: coverage is measured there against what history lets one expect."


def show_coverage(review: CoverageReview, *, subtitle: str = "", currency: str = "USD") -> Display:
    """Show coverage, conversion and attainment; where there is none, why, and what else can't be told for that."""
    if not review.coverage.is_available:
        return show_message("empty", MISSING, f"{review.coverage.reason} {RESTS_ON_IT}", review.coverage.cure)
    expected = review.starts.loc[review.starts["target_basis"] == "expected", "label"].tolist()
    note = f"{EXPECTED_NOTE.format(labels=_join(expected))} {READ_COVERAGE}" if expected else READ_COVERAGE
    return draw_coverage(review.starts, title=review.title, subtitle=subtitle, currency=currency, note=note)


def show_pipeline(
    review: CoverageReview, period: Period, *, subtitle: str = "", currency: str = "USD"
) -> Display | Displays:
    """Show this-, next- and all-period pipeline week by week, and how far the period's to-go coverage sufficed.

    Without coverage nothing is shown: ``show_coverage`` has said why.

    Args:
        review: The coverage.
        period: The period that holds the last day.
        subtitle: Company, period, last day.
        currency: ISO code of the company's currency.
    """
    if not review.coverage.is_available:
        return Displays()
    shown = []
    if len(review.series):
        labels = (period.label, period.previous(-1).label)
        said = next(
            (f.headline for f in review.findings if f.evidence.get("due_at_start") or "pattern" in f.evidence), ""
        )
        title = said or f"The pipeline of {labels[0]}, {labels[1]} and all periods"
        shown.append(
            draw_this_next_all(
                review.series, title=title, subtitle=subtitle, labels=labels, currency=currency, note=READ_PIPELINE
            )
        )
    start = pd.Timestamp(period.start)
    weeks = review.coverage.weeks
    mine = weeks[(weeks["source"] == TOTAL) & (weeks["period_start"] == start)]
    if mine["to_go_coverage"].notna().any():
        title = say_to_go(mine, period.label)
        shown.append(draw_to_go(weeks, start, title=title, subtitle=subtitle, label=period.label, currency=currency))
    else:
        shown.append(
            show_message(
                "empty",
                f"To-go coverage of {period.label} can't be told",
                "The period has no bookings target.",
                "Type a revenue goal for the period or its year.",
            )
        )
    return Displays(shown)


def show_next_starts(review: CoverageReview, *, subtitle: str = "", currency: str = "USD") -> Display | Displays:
    """Show with how much pipeline each of the next periods starts, per source, and how much is missing.

    Without coverage nothing is shown: ``show_coverage`` has said why.
    """
    if not review.coverage.is_available:
        return Displays()
    starts = tabulate_next_starts(review.coverage)
    if starts.empty or starts["forecast"].isna().all():
        return show_message(
            "empty",
            "The starts of the next periods can't be foreseen yet",
            "It takes pipeline coverage of at least one period that has ended.",
            review.coverage.cure,
        )
    labels = review.starts.set_index("period_start")["label"]
    names = {start: labels.get(start, f"{start:%d %b %Y}") for start in starts["period_start"].unique()}
    wide = starts.pivot(index="source", columns="period_start", values="forecast").rename(columns=names)
    wide = wide.loc[[TOTAL, *wide.index.drop(TOTAL)]].rename(index={TOTAL: "All sources"})
    whole = starts[starts["source"] == TOTAL].set_index("period_start").rename(index=names)
    wide.loc["Needed for the target"] = whole["needed_coverage"] * whole["target"]
    wide.loc["Short (−) or to spare"] = -whole["short"]
    table = wide.rename_axis("Pipeline at the start").rename_axis(columns=None).reset_index()
    return show_table(
        table,
        title=say_next_starts(starts, names, currency=currency),
        subtitle=subtitle,
        units={name: "currency" for name in names.values()},
        labels={name: name for name in table.columns},
        currency=currency,
        max_rows=16,
        note=(
            "Foreseen from what is open now and what each source usually adds until then, for new business. One source "
            "short and another over is fine as long as the sum suffices."
        ),
    )


def show_landings(review: LandingReview, *, subtitle: str = "", currency: str = "USD") -> Display | Displays:
    """Show where the period lands by every method, and how far each was off on earlier periods."""
    if not review.is_available:
        reasons = review.landings["reason"].drop_duplicates().tolist()
        return show_message(
            "empty",
            f"Where {review.period.label} lands can't be told",
            " ".join(reason for reason in reasons if reason),
            "Map the days on which deals were created and closed, and their amounts.",
        )
    landed = draw_landings(
        _drop_repeats(review.landings),
        title=review.title,
        subtitle=subtitle,
        goal=review.goal if review.goal > 0 else None,
        currency=currency,
        note=explain_landing(review.landings),
    )
    known = review.scores[(review.scores["week"] == review.week) & review.scores["error"].notna()]
    if known.empty:
        tried = show_message(
            "empty",
            "The methods could not be tried on earlier periods",
            "No earlier period has both enough past before it and bookings of its own.",
            "Export more years of deals.",
        )
    else:
        tried = draw_landing_errors(
            _drop_repeats(review.scores),
            title=review.backtest_title,
            subtitle=subtitle,
            week=review.week,
            unit=review.period.grain,
        )
    return Displays([landed, tried])


def _drop_repeats(methods: pd.DataFrame) -> pd.DataFrame:
    """Leave out methods that say the same as starting pipeline × conversion: on the first day they are one."""
    numbers = ["expected", "low", "high"] if "expected" in methods.columns else ["error", "bias", "n"]
    keys = methods[numbers].round(6)
    first = keys[methods["method"] == "coverage"]
    if first.empty or first.isna().all(axis=None):
        return methods
    same = (keys.fillna(-1.0) == first.iloc[0].fillna(-1.0)).all(axis=1)
    kept = methods[~(same & methods["method"].isin(["week_k", "to_go"]))]
    kept.attrs = dict(methods.attrs)
    return kept


def _join(labels: list[str]) -> str:
    return labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"
