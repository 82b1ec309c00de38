"""Text in pictures stays inside them, with whatever fonts this machine has."""

import altair
import pandas as pd

from helpers.present.display import show_chart

WIDTH = 640
SENTENCE = "The stated fit by employees holds: good ones are won in 29 % of the cases, the bad fit in 20 %"
NOTE = (
    "Dot and interval. Blue: differs from the good fit beyond chance, 45 comparisons corrected for. Hollow: fewer than "
    "30 records. Each line joins the same cells, judged by the end of both quarters; a judgement stands until changed."
)


def draw():
    numbers = pd.DataFrame({"name": ["Good fit", "Bad fit"], "rate": [0.29, 0.2]})
    chart = altair.Chart(numbers).mark_bar().encode(x="rate:Q", y="name:N").properties(width=WIDTH - 80, height=80)
    shown = show_chart(chart, title=SENTENCE, numbers=numbers, note=NOTE, width=WIDTH)
    return shown._repr_mimebundle_()["image/svg+xml"]


def test_title_and_note_of_a_chart_end_before_its_edge(page):
    page.set_content(draw())
    ends = page.evaluate(
        """() => {
          const edge = document.querySelector("svg").getBoundingClientRect().right;
          return [...document.querySelectorAll("text")].map((text) =>
            [text.textContent, edge - text.getBoundingClientRect().right]);
        }"""
    )
    assert any(text.startswith("The stated fit") for text, _ in ends)
    assert any(text.startswith("Dot and interval") for text, _ in ends)
    assert [text for text, room in ends if room < 0] == []
