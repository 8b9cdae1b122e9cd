"""How far the indices can be trusted, by brute force: intervals, who is representative and why not, where the cause lies.

A part of `tests.reference.method`, and as plain: values come from lists of surveys, limits are compared as fractions.
"""

from collections import defaultdict
from fractions import Fraction
from math import inf, sqrt

REFERENCE = {"ink_personnel": 0.2, "ink_office": 0.2, "iel": 0.5}
MAIN = {"ink_personnel": "personnel", "ink_office": "office", "iel": "loyalty"}
SHARES = ("force_majeure_level", "silent_share", "response_share", "service_level", "abandonment")
SHARES += ("csat", "churn", "sla_first_response", "sla_on_site", "sla_resolved")
RATES = ("precise_conversion", "visitor_coverage")
STANDARDS = ("representative_by", "coverage_limits", "conversion_limits")  # an office may have them of its own
Z = 1.96


def last_asked(counted):
    """Return when each question was last asked in each office: {office: {question: instant of the latest survey}}."""
    asked = defaultdict(dict)
    for survey in sorted(counted, key=lambda survey: survey["ts"]):
        asked[survey["office_id"]][survey["question"]] = survey["ts"]
    return asked


def intervals(told, things, settings):
    """Return the ends of the 95 % intervals of all ratios of a scope."""
    ends = {}
    for index, row in told.items():
        if index in MAIN:
            pair = dirichlet(worths(index, things["survey"], settings), index, settings)
        elif index == "nps":
            scores = [rating["score"] for rating in things["rating"] if rating["metric"] == "nps"]
            pair = posterior([1 if score > 8 else -1 if score < 7 else 0 for score in scores], [1, 0, -1], -1)
        elif index in SHARES:
            pair = wilson(row["value"], row["base"])
        elif index in RATES:
            pair = rate(row["value"], row["base"])
        else:
            continue
        for name, end in zip(("lower", "upper"), pair, strict=True):
            ends[f"{index}_{name}"] = {"value": None if row["value"] is None else end, "base": row["base"]}
    return ends


def worth_of(index, settings):
    """Return what a survey is worth for a main index, by its outcome."""
    k = settings["silent_weight"]
    if index == "iel":
        return {"yes": 1, "no": -1, "hard_to_say": 0, "silent": -k}
    return {"yes": 0, "no": 1, "hard_to_say": 0, "silent": k}


def worths(index, counted, settings):
    """Return what each survey in the base of a main index is worth."""
    worth = worth_of(index, settings)
    excludes = settings["force_majeure_excludes"]
    found = []
    for survey in counted:
        if survey["question"] != MAIN[index]:
            continue
        outcome = survey["outcome"]
        if index == "ink_personnel" and survey["in_force_majeure"]:
            if excludes == "all" or (excludes == "unfavourable" and outcome in {"no", "silent"}):
                continue
            found.append(0)
        else:
            found.append(worth[outcome])
    return found


def dirichlet(found, index, settings):
    """Return the interval of a mean worth: half a survey of each class is added to what was found."""
    return posterior(found, list(worth_of(index, settings).values()), -1 if index == "iel" else 0)


def posterior(found, classes, least):
    """Return the interval of a mean worth, of what was found of some classes, from the least to 1."""
    weighted = [(worth, 1) for worth in found] + [(worth, 0.5) for worth in classes]
    whole = sum(count for _, count in weighted)
    mean = sum(worth * count for worth, count in weighted) / whole
    variance = (sum(worth**2 * count for worth, count in weighted) / whole - mean**2) / (whole + 1)
    return [min(max(mean + sign * Z * sqrt(variance), least), 1) for sign in (-1, 1)]


def wilson(share, whole):
    """Return Wilson's interval of a share."""
    if share is None:
        return None, None
    middle = (share + Z**2 / (2 * whole)) / (1 + Z**2 / whole)
    half = Z / (1 + Z**2 / whole) * sqrt(share * (1 - share) / whole + Z**2 / (4 * whole**2))
    return max(0, middle - half), min(1, middle + half)


def rate(value, exposure):
    """Return the score interval of a rate of events per exposure."""
    if value is None:
        return None, None
    count = value * exposure
    half = Z * sqrt(count + Z**2 / 4)
    return max(0, (count + Z**2 / 2 - half) / exposure), (count + Z**2 / 2 + half) / exposure


def exact(number):
    """Return a number of the configuration as the fraction that it is written as."""
    return Fraction(str(number))


def representative(told, things, office, asked, at_ms, settings, says):
    """Return of each main index whether it is representative, with the reasons against it; the directory says of the office what it says."""
    found = {}
    settings = settings | {name: own for name, own in says.items() if name in STANDARDS}
    by = settings["representative_by"]
    surveys_of_office = len(office["survey"])
    part, whole = {
        "coverage": (surveys_of_office, sum(visit.get("count", 1) for visit in office["visit"])),
        "conversion": (sum(sale["amount_minor"] > 0 for sale in office["sale"]), surveys_of_office),
        "none": (0, 1),
    }[by]
    least, greatest = (0, inf) if by == "none" else map(exact, settings[f"{by}_limits"])
    inside = sum(survey["in_force_majeure"] for survey in things["survey"])
    for index, question in MAIN.items():
        reasons = []
        if told[index]["base"] < settings["min_surveys"]:
            reasons.append("too_few_surveys")
        if whole <= 0 or not least <= Fraction(part, whole) <= greatest:
            reasons.append(by)
        if inside > exact(settings["force_majeure_level_max"]) * len(things["survey"]):
            reasons.append("force_majeure")
        if question not in asked or at_ms - asked[question] > round(settings["asked_within_s"] * 1000):
            reasons.append("not_asked_lately")
        found[f"{index}_representative"] = {"value": int(not reasons), "base": told[index]["base"], "reasons": reasons}
    return found


def diagnosis(told, things, asked, settings):
    """Return where the cause lies, with the numbers behind it."""
    reference = REFERENCE | settings.get("reference", {})
    values_of = {index: told[index]["value"] for index in MAIN}
    return {
        "value": cause(told, things, {index: exact(value) for index, value in reference.items()}, settings),
        "base": sum(told[index]["base"] for index in MAIN),
        "numbers": values_of
        | {
            "reference": reference,
            "margin": settings["diagnosis_margin"],
            "last_asked": {question: asked.get(question) for question in MAIN.values()},
        },
    }


def cause(told, things, reference, settings):
    """Return where the cause lies, comparing fractions."""
    if any(told[index]["value"] is None or not told[f"{index}_representative"]["value"] for index in MAIN):
        return "not_enough_data"
    fractions = settings | {"silent_weight": exact(settings["silent_weight"])}
    p, o, iel = (
        Fraction(sum(found)) / len(found) for found in (worths(index, things["survey"], fractions) for index in MAIN)
    )
    margin = exact(settings["diagnosis_margin"])
    if p <= reference["ink_personnel"] and o <= reference["ink_office"]:
        return "product_or_price" if iel < reference["iel"] else "well"
    if o > p + margin:
        return "office_and_processes"
    if p >= o - margin and p > reference["ink_personnel"]:
        return "personnel"
    return "unclear"
