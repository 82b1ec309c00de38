"""The tests behind the five Ms; a rule in ``causes.toml`` names one of them."""

from collections.abc import Callable

from helpers.analyses import five_m_machinery as machinery
from helpers.analyses import five_m_measurement as measurement
from helpers.analyses import five_m_method as method
from helpers.analyses import five_m_milieu as milieu
from helpers.analyses import five_m_people as people
from helpers.analyses.five_m_amounts import ask_duplicates, ask_scale
from helpers.analyses.five_m_flow import ask_one_process, ask_stalled
from helpers.analyses.five_m_material import ask_icp_fit, ask_localised
from helpers.analyses.five_m_question import Answer, Question
from helpers.model.cause import CauseRule

TESTS: dict[str, Callable[[Question, CauseRule], Answer]] = {
    "spread_of_people": people.ask_spread_of_people,
    "ramp": people.ask_ramp,
    "load": people.ask_load,
    "lead_load": people.ask_lead_load,
    "break_in_assignment": machinery.ask_break_in_assignment,
    "break_in_routing_time": machinery.ask_break_in_routing_time,
    "break_in_fields": machinery.ask_break_in_fields,
    "missed_by_automation": machinery.ask_missed_by_automation,
    "localised": ask_localised,
    "icp_fit": ask_icp_fit,
    "speed": method.ask_speed,
    "no_follow_up": method.ask_no_follow_up,
    "no_show": method.ask_no_show,
    "skipped": method.ask_skipped,
    "hand_off": method.ask_hand_off,
    "one_process": ask_one_process,
    "stalled": ask_stalled,
    "undated": measurement.ask_undated,
    "coarse": measurement.ask_coarse,
    "goals": measurement.ask_goals,
    "blanks": measurement.ask_blanks,
    "definitions": measurement.ask_definitions,
    "gut": measurement.ask_gut,
    "duplicates": ask_duplicates,
    "scale": ask_scale,
    "season": milieu.ask_season,
    "everywhere": milieu.ask_everywhere,
    "reasons": milieu.ask_reasons,
}
"""Test id → function; a rule in ``causes.toml`` names one."""
