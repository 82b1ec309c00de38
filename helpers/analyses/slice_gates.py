"""What a slice has to pass to be called a cause, and what is known of one that passed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Gates:
    """Hold what a slice has to pass before it is called a cause.

    ``significance`` is the chance of any false report over everything searched; ``least_change`` the least relative
    change of the slice; ``least_share`` the least effect as a share of the expected outcome; ``per_measure`` the
    most causes in one measure; ``least_evidence`` the events below which a cause is not called proven;
    ``suspicion`` the level that a slice has to pass by itself to be told as a suspicion, where such are asked for;
    ``least_of_largest`` the least effect as a share of the largest one, where a step that keeps most loses more.
    """

    significance: float = 0.05
    least_change: float = 0.10
    least_share: float = 0.004
    per_measure: int = 5
    confidence: float = 0.90
    least_evidence: int = 10
    suspicion: float = 0.02
    least_of_largest: float = 0.25


@dataclass(frozen=True)
class FoundSlice:
    """Hold one slice that passed: its effect given all others, and what stands behind it.

    ``log_effect`` is the logarithm of actual ÷ expected, ``error`` its standard error with everyday drift in it,
    ``noise`` the part of its variance that the actual count has, ``log_base`` how far the slice's own history departs
    from what its dimensions predict, ``q_value`` the p-value adjusted for everything searched.
    """

    number: int
    log_effect: float
    error: float
    noise: float
    log_base: float
    actual: float
    expected: float
    q_value: float
