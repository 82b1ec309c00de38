"""Make up names of companies and people; none is meant to exist."""

from __future__ import annotations

import numpy as np

FIRST_PARTS = (
    "Aalto Alder Amber Anker Arden Argo Astra Aurel Baltic Bergen Birken Blau Boreal Brenn Bright Brück Cairn "
    "Calder Castell Cedar Clover Cobalt Copper Coral Delta Dorn Drift Eiken Elb Ember Falk Fern Fjord Flint Forge "
    "Frost Gelder Glen Granit Grün Haber Hafen Hanse Harbor Hazel Heron Hollis Höhen Ibis Iron Jade Juniper Kaiser "
    "Kelp Kern Kestrel Kiel Küsten Lark Linden Loch Lumen Mar Mead Merid Mistral Möwe Nord North Oak Ocean Olden "
    "Opal Orion Pine Polder Quarz Raven Rhein Ridge River Rook Sable Säge Sand Sierra Silver Slate Sol Stern Stone "
    "Strand Summit Sund Tarn Terra Thorn Tide Ulmen Vale Vega Ville Wald Wasser West Wild Winter Yarrow Zephyr"
).split()
SECOND_PARTS = (
    "bau berg bridge brook burg craft dal dale data feld field flow force frame gate grid haven heim hill hof "
    "house hub kraft labs land lane light line link logic loop mark mart media mill mind path peak point port "
    "post reach retail rock scale shift ship side sight soft source spring stack stead stream systems tech trade "
    "trans tronic vale view ware wave way werk wood works yard zone"
).split()
LEGAL_FORM = {
    "United States": ("Inc", "LLC"),
    "Germany": ("GmbH", "AG"),
    "Austria": ("GmbH",),
    "Switzerland": ("AG",),
    "United Kingdom": ("Ltd", "plc"),
    "Ireland": ("Ltd",),
    "Sweden": ("AB",),
    "Norway": ("AS",),
    "Denmark": ("A/S",),
    "Finland": ("Oy",),
    "Netherlands": ("B.V.",),
    "Belgium": ("NV",),
    "Luxembourg": ("S.à r.l.",),
}
GIVEN = {
    "US": "Ava Liam Olivia Ethan Grace Mason Chloe Logan Zoe Aaron Nora Caleb Ruth Owen Leah Diego".split(),
    "DACH": "Lukas Lena Jürgen Käthe Moritz Sabine Björn Ute Tobias Heike Matthias Renate Götz Petra".split(),
    "UK&I": "Harry Amelia Oscar Isla Declan Niamh Rhys Poppy Callum Freya Aoife Simon Heather Ian".split(),
    "Nordics": "Søren Åsa Mikael Astrid Jukka Ingrid Henrik Sigrid Øyvind Elin Nils Maja Pekka Tove".split(),
    "Benelux": "Daan Femke Pieter Anouk Joost Marijke Luc Élise Bram Sanne Wouter Ilse Koen Lotte".split(),
}
FAMILY = {
    "US": "Carter Nguyen Foster Ramirez Bennett Hayes O'Connor Patel Price Sullivan Diaz Morgan Reed Shaw".split(),
    "DACH": "Krämer Schulz Vogel Hübner Lang Weiß Roth Böhm Graf Zimmermann Huber Keller Jäger Seidel".split(),
    "UK&I": "Hughes Murphy O'Neill Fraser D'Arcy Evans Walsh Barlow Khan Lewis Byrne Marsh Quinn Ward".split(),
    "Nordics": "Lindgren Sørensen Hansen Åkesson Virtanen Dahl Østby Nyström Laine Holm Berg Strand".split(),
    "Benelux": "Bakker Visser Maes Claes Mulder Dekker Jacobs Smit Peeters Willems 't-Hart Brouwer".split(),
}
PLAIN_LETTERS = str.maketrans("äöüåøéëàÉÖÜÄÅØ", "aouaoeeaEOUAAO", "' .-/")


def make_company_names(rng: np.random.Generator, countries: np.ndarray) -> list[str]:
    """Draw one name per company, no two with the same two parts.

    Returns:
        One name with its country's legal form per entry of countries.
    """
    pairs = rng.permutation(len(FIRST_PARTS) * len(SECOND_PARTS))[: len(countries)]
    if len(pairs) < len(countries):
        raise ValueError(f"only {len(pairs)} company names for {len(countries)} companies")
    forms = rng.random(len(countries))
    names = []
    for pair, country, form in zip(pairs, countries, forms, strict=True):
        first, second = divmod(int(pair), len(SECOND_PARTS))
        choices = LEGAL_FORM[country]
        legal = choices[int(form * len(choices))]
        names.append(f"{FIRST_PARTS[first]}{SECOND_PARTS[second]} {legal}")
    return names


def make_person_names(rng: np.random.Generator, regions: np.ndarray) -> tuple[list[str], list[str]]:
    """Draw a given and a family name per contact that fit the region.

    Returns:
        Two lists, one entry per contact.
    """
    draws = rng.random((2, len(regions)))
    given = [GIVEN[region][int(u * len(GIVEN[region]))] for region, u in zip(regions, draws[0], strict=True)]
    family = [FAMILY[region][int(u * len(FAMILY[region]))] for region, u in zip(regions, draws[1], strict=True)]
    return given, family


def make_email(given: str, family: str, company: str) -> str:
    """Build an address under .example, a domain that can never exist.

    Returns:
        One address in plain letters.

    >>> make_email("Jürgen", "O'Neill", "Küstenwerk GmbH")
    'j.oneill@kustenwerk.example'
    """
    plain_family, domain = (text.translate(PLAIN_LETTERS).lower() for text in (family, company.split(" ")[0]))
    letters = "".join(letter for letter in domain if letter.isascii() and letter.isalnum()) or "company"
    return f"{given.translate(PLAIN_LETTERS)[0].lower()}.{plain_family.replace('ß', 'ss')}@{letters}.example"
