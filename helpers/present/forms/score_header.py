"""The coverage score above the matrix: how far the wanted fields are there, since when, and what was saved."""

from __future__ import annotations

from ipywidgets import HTML, Box, VBox

from helpers.analyses.discovery_findings import headline_discovery
from helpers.analyses.discovery_review import DiscoveryReview
from helpers.present import words
from helpers.present.forms.save_status import SaveStatus

SAVES = "Every decision is saved as it is made"
MEANING = "Available counts 1, adoption needed a half, over all wanted fields of every primary KPI."


class ScoreHeader:
    """The score with its bar, the finding, the trend, and who decides.

    Args:
        review: As it stood when the form was opened; the bar keeps a tick there.
        by: Who decides.
        quarter: For which quarter.
    """

    def __init__(self, review: DiscoveryReview, *, by: str, quarter: str) -> None:
        self._opened = review.score
        self.score, self.finding = HTML().add_class("score"), HTML().add_class("finding")
        self.status = SaveStatus(text=SAVES)
        who = f"Deciding as {by} for {quarter}" if by else f"For {quarter}"
        told = HTML(f"<p>{words.prose_html(who)}</p>")
        self.widget = Box([self.score, self.finding, VBox([told, self.status]).add_class("who")])
        self.widget.add_class("score-header")
        self.show(review)

    def show(self, review: DiscoveryReview) -> None:
        """Show the score as it is now."""
        self.score.value = score_html(review.score, self._opened)
        trend = say_trend(review)
        self.finding.value = (
            f'<p class="title">{words.prose_html(headline_discovery(review.matrix))}</p>'
            f'<p class="subtitle">{MEANING}</p>' + (f'<p class="trend">{words.prose_html(trend)}</p>' if trend else "")
        )


def score_html(score: float | None, opened: float | None) -> str:
    """Write the score as a figure with a bar; a tick on it where it stood when the form was opened."""
    if score is None:
        return '<p class="label">Coverage score</p><p class="figure">–</p>'
    moved = opened is not None and words.say_value(opened, "share") != words.say_value(score, "share")
    tick = f'<b style="left:{100 * (opened or 0):.1f}%"></b>' if moved else ""
    was = f"<small>was {words.prose_html(words.say_value(opened, 'share'))}</small>" if moved else ""
    return (
        f'<p class="label">Coverage score</p><p class="figure" role="status">'
        f"{words.prose_html(words.say_value(score, 'share'))} {was}</p>"
        f'<span class="bar share whole" aria-hidden="true"><i style="width:{100 * score:.1f}%"></i>{tick}</span>'
    )


def say_trend(review: DiscoveryReview) -> str:
    """Say how the fields judged by the end of both of the last two quarters moved; empty in the first quarter."""
    quarters = review.trend.quarters
    if quarters.empty or not quarters["n_same"].iloc[-1]:
        return ""
    last, before = quarters.iloc[-1], quarters["quarter"].iloc[-2]
    was, now = (words.say_value(float(last[column]), "share") for column in ("score_before", "score_same"))
    cells = words.count_of(int(last["n_same"]), "cell")
    return f"{before} {was} → {last['quarter']} {now}, over the {cells} judged in both"


def say_move(before: float | None, after: float | None) -> str:
    """Say what a decision did to the score.

    >>> say_move(0.57, 0.574), say_move(0.57, 0.6)
    ('saved; the coverage score stays at 57 %', 'saved; the coverage score is now 60 %')
    """
    if after is None:
        return "saved"
    now = words.say_value(after, "share")
    stays = before is not None and words.say_value(before, "share") == now
    return f"saved; the coverage score {'stays at' if stays else 'is now'} {now}"
