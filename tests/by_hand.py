"""What a person does with an explanation: count what is listed, put the numbers into the method's formula.

It knows the printed JSON and the method, nothing of the product.
"""

from math import sqrt
from statistics import mean, pstdev

from tests.reference.comparison import SAME
from tests.reference.trust import MAIN, RATES, SHARES, dirichlet, posterior, rate, wilson, worth_of
from tests.reference.work import time_at_work, work_values

Z = 1.96
NEVER = float("inf")


def outcomes(told, *wanted, inside=None):
    """Return how many of the listed surveys ended so."""
    return sum(
        each["outcome"] in wanted and (inside is None or each["in_force_majeure"] is inside) for each in told["surveys"]
    )


def ratio(numerator, denominator):
    """Return (value, base)."""
    return (numerator / denominator if denominator > 0 else None), denominator


def value(told):
    """Return (value, base) of an explanation, worked out from what it lists."""
    index = told["index"]
    if index.endswith(("_lower", "_upper")):
        return _end(told, *index.rsplit("_", 1))
    if index.endswith("_representative"):
        return int(not any(map(is_broken, told["checks"]))), len(told["surveys"])
    if "peers" in told:
        return _beside_peers(told)
    return globals()[f"_{index}"](told)


def is_broken(check):
    """Return whether a value lies outside of its limits; of what is not known only the level of force majeure does not."""
    if check["value"] is None:
        return check["reason"] != "force_majeure"
    least, greatest = check["least"], check["greatest"]
    return (least is not None and check["value"] < least) or (greatest is not None and check["value"] > greatest)


def _end(told, index, end):
    """Return one end of the interval of a ratio, of what is listed."""
    share, base = globals()[f"_{index}"](told)
    place = ("lower", "upper").index(end)
    if share is None:
        return None, base
    if index in SHARES:
        return wilson(share, base)[place], base
    if index in RATES:
        return rate(share, base)[place], base
    if index == "nps":
        found = [1 if each > 8 else -1 if each < 7 else 0 for each in _scores(told, "nps")]
        return posterior(found, [1, 0, -1], -1)[place], base
    worth = worth_of(index, told["config"])
    free = index == "ink_personnel"
    found = [0 if free and each["in_force_majeure"] else worth[each["outcome"]] for each in told["surveys"]]
    return dirichlet(found, index, told["config"])[place], base


def _diagnosis(told):
    main = {each["index"]: each for each in told["main"]}
    assert list(main) == list(MAIN)
    return _cause(main, told["numbers"]), len(told["surveys"])


def _cause(main, numbers):
    if not all(each["representative"] for each in main.values()):
        return "not_enough_data"
    assert all(each["value"] == numbers[index] for index, each in main.items())
    same = 1e-9
    p, o, iel = (main[index]["value"] for index in MAIN)
    least_p, least_o, greatest_iel = (numbers["reference"][index] for index in MAIN)
    if p <= least_p + same and o <= least_o + same:
        return "product_or_price" if iel < greatest_iel - same else "well"
    if o > p + numbers["margin"] + same:
        return "office_and_processes"
    return "personnel" if p >= o - numbers["margin"] - same and p > least_p + same else "unclear"


def value_of_formula(told):
    """Return the value by the terms of the printed formula."""
    over, under, squares = (
        sum(term["count"] * term["weight"] for term in told["formula"].get(part) or ())
        for part in ("numerator", "denominator", "squares")
    )
    index, _, end = told["index"].rpartition("_")
    if end in {"lower", "upper"}:
        return _end_of_sums(told, index, -1 if end == "lower" else 1, (over, under, squares))
    if told["formula"]["denominator"] is None:
        return over / told["formula"]["scale"]
    return over / under / told["formula"]["scale"] if under > 0 else None


def _end_of_sums(told, index, sign, sums):
    """Return one end of an interval by the sums of the formula."""
    x, n, squares = sums
    if n <= 0:
        return None
    if index in MAIN or index == "nps":
        worth = [1, 0, -1] if index == "nps" else worth_of(index, told["config"]).values()
        whole = n + len(worth) / 2
        middle = (x + sum(worth) / 2) / whole
        variance = ((squares + sum(each * each for each in worth) / 2) / whole - middle * middle) / (whole + 1)
        return min(max(middle + sign * Z * sqrt(variance), 0 if index.startswith("ink") else -1), 1)
    if index in SHARES:
        return (x + Z * Z / 2 + sign * Z * sqrt(x * (n - x) / n + Z * Z / 4)) / (n + Z * Z)
    return (x + Z * Z / 2 + sign * Z * sqrt(x + Z * Z / 4)) / n


def _unhappy(told, inside=None):
    weight = told["config"]["silent_weight"]
    return outcomes(told, "no", inside=inside) + weight * outcomes(told, "silent", inside=inside)


def _ink_personnel(told):
    return ratio(_unhappy(told, inside=False), len(told["surveys"]))


def _utilisation(told):
    return _of_time(told)["utilisation"]


def _occupancy(told):
    return _of_time(told)["occupancy"]


def _of_time(told):
    """Return the indices of time at work, by the shifts and calls that are listed; they are those of whom is listed, too."""
    shifts = [
        each | {"type": "shift", "office_id": "", "ts": each["from"], "end_ts": each["to"]} for each in told["shifts"]
    ]
    calls = [
        {"type": "call", "office_id": "", "employee_id": each["employee_id"], "ts": each["from"], "wait_s": 0}
        | {"talk_s": (each["to"] - each["from"]) / 1000}
        for each in told["calls"]
    ]
    times = time_at_work(shifts + calls, told["from"], told["at"])
    listed = {
        ("", each["employee_id"]): (each["available_ms"], each["productive_ms"], each["idle_ms"])
        for each in told["time_at_work"]
    }
    assert times == listed
    return work_values(list(times.values()))


def _ink_office(told):
    return ratio(_unhappy(told), len(told["surveys"]))


def _iel(told):
    return ratio(outcomes(told, "yes") - _unhappy(told), len(told["surveys"]))


def _force_majeure_level(told):
    return ratio(sum(each["in_force_majeure"] for each in told["surveys"]), len(told["surveys"]))


def _silent_share(told):
    return ratio(outcomes(told, "silent"), len(told["surveys"]))


def _response_share(told):
    return ratio(outcomes(told, "yes", "no", "hard_to_say"), len(told["surveys"]))


def _positive(told):
    return [each["amount_minor"] for each in told["sales"] if each["amount_minor"] > 0]


def _precise_conversion(told):
    return ratio(len(_positive(told)), len(told["surveys"]))


def _visitor_coverage(told):
    return ratio(len(told["surveys"]), sum(each["count"] for each in told["visits"]))


def _sales(told):
    return len(_positive(told)), len(told["sales"])


def _revenue(told):
    return sum(each["amount_minor"] for each in told["sales"]), len(told["sales"])


def _average_ticket(told):
    return ratio(sum(_positive(told)), len(_positive(told)))


def _waits(told, disposition):
    return [each["wait_ms"] for each in told["calls"] if each["inbound"] and each["disposition"] == disposition]


def _offered(told):
    return sum(each["inbound"] for each in told["calls"])


def _patient(told):
    short_ms = round(told["config"]["short_abandon_s"] * 1000)
    return _offered(told) - sum(wait < short_ms for wait in _waits(told, "abandoned"))


def _calls_offered(told):
    return _offered(told), _offered(told)


def _calls_answered(told):
    return len(_waits(told, "answered")), _offered(told)


def _calls_missed(told):
    return _offered(told) - len(_waits(told, "answered")), _offered(told)


def _talk_s(told):
    return sum(each["talk_ms"] for each in told["calls"]) / 1000, len(told["calls"])


def _service_level(told):
    limit_ms = round(told["config"]["service_level_s"] * 1000)
    return ratio(sum(wait <= limit_ms for wait in _waits(told, "answered")), _patient(told))


def _abandonment(told):
    short_ms = round(told["config"]["short_abandon_s"] * 1000)
    return ratio(sum(wait >= short_ms for wait in _waits(told, "abandoned")), _patient(told))


def _average_speed_of_answer_s(told):
    return ratio(sum(_waits(told, "answered")) / 1000, len(_waits(told, "answered")))


def _average_handle_time_s(told):
    answered = sum(each["disposition"] == "answered" for each in told["calls"])
    return ratio(sum(each["handle_ms"] for each in told["calls"]) / 1000, answered)


def _margin(told):
    stated = [each["margin_minor"] for each in told["sales"] if "margin_minor" in each]
    return (sum(stated) if stated else None), len(stated)


# Scores, clients, votes --------------------------------------------------------------------------------------------


def _scores(told, metric):
    assert {each["metric"] for each in told["ratings"]} <= {metric}
    return [each["score"] for each in told["ratings"]]


def _nps(told):
    scores = _scores(told, "nps")
    return ratio(sum(each > 8 for each in scores) - sum(each < 7 for each in scores), len(scores))


def _csat(told):
    scores = _scores(told, "csat")
    return ratio(sum(each > 3 for each in scores), len(scores))


def _ces(told):
    scores = _scores(told, "ces")
    return ratio(sum(scores), len(scores))


def _churn(told):
    served = {each["client"] for each in told["clients"]}
    return ratio(len({each["client"] for each in told["clients"] if each["leaving"]}), len(served))


def _number(entries):
    return (len(entries) or None), len(entries)


def _nps_answers(told):
    return _number(told["ratings"])


_csat_answers = _ces_answers = _nps_answers


def _peer_votes(told):
    return _number(told["votes"])


# Requests ----------------------------------------------------------------------------------------------------------


def _reached(request, stage):
    """Return when a stage was reached, by the stages that are listed; None for never."""
    stages = {each["stage"]: each["ts"] for each in request["stages"]}
    at = {name: max(ts, stages["opened"]) for name, ts in stages.items()}
    end = min(at.get("resolved", NEVER), at.get("cancelled", NEVER))
    if stage == "first_response" and at.get("first_response", NEVER) > end:
        stage = "resolved"
    ts = at.get(stage, NEVER)
    return ts if ts <= end and ts != NEVER and ts <= at.get("cancelled", NEVER) else None


def _sla(told, stage):
    reached = [(_reached(each, stage), each["due"]) for each in told["requests"]]
    return ratio(sum(ts is not None and ts <= due for ts, due in reached), len(reached))


def _sla_first_response(told):
    return _sla(told, "first_response")


def _sla_on_site(told):
    return _sla(told, "on_site")


def _sla_resolved(told):
    return _sla(told, "resolved")


def _requests_opened(told):
    return _number(told["requests"])


_sla_first_response_due = _sla_on_site_due = _sla_resolved_due = _requests_opened


def _waited(told, stage):
    opened = [each["stages"][0]["ts"] for each in told["requests"]]
    waits = [_reached(each, stage) - ts for each, ts in zip(told["requests"], opened, strict=True)]
    return ratio(sum(waits) / 1000, len(waits))


def _first_response_s(told):
    return _waited(told, "first_response")


def _resolution_s(told):
    return _waited(told, "resolved")


def _requests_open(told):
    return _number(told["requests"])


def _requests_overdue(told):
    late = [
        each
        for each in told["requests"]
        if any(due < told["at"] and _reached(each, stage) is None for stage, due in each["dues"].items())
    ]
    return len(late), len(told["requests"])


# Others ------------------------------------------------------------------------------------------------------------


def _beside_peers(told):
    """Return a deviation, by those who are compared."""
    if not told["peers"]:
        return None, 0
    own = next(each for each in told["peers"] if each["own"])
    values = [each["value"] for each in told["peers"]]
    index, count = told["index"], len(values)
    sign = 1 if told["better"] == "lower" else -1
    if index.endswith("_past_critical"):
        return int(sign * (own["better_end"] - told["critical_point"]) > SAME), told["base"]
    if count < told["min_employees"]:
        return None, count
    if index.endswith("_z"):
        return (None if max(values) - min(values) <= SAME else (own["value"] - mean(values)) / pstdev(values)), count
    if index.endswith("_rank"):
        return 1 + sum(sign * (own["better_end"] - each["worse_end"]) > SAME for each in told["peers"]), count
    return sign * own["value"] - min(sign * each for each in values), count


def _kpi_score(told):
    if "people" in told:
        scores = [each["kpi_score"] for each in told["people"] if each["kpi_score"] is not None]
        return ratio(sum(scores), len(scores))
    shares = [(each["weight"], each["fact"], each["base"], each["goal"], each["clip"]) for each in told["lines"]]
    known = sum(fact is not None for _, fact, *_ in shares)
    if known < len(shares) or not shares:
        return None, known
    return sum(
        weight * min(max((fact - base) / (goal - base), least), most)
        for weight, fact, base, goal, (least, most) in shares
    ), known


def _plan_attainment(told):
    planned = sum(each["amount"] * each["inside_ms"] / each["working_ms"] for each in told["plans"])
    return _sum_of_terms(told) / planned if planned else None, round(planned)


def _margin_plan_attainment(told):
    attainment, planned = _plan_attainment(told)
    return (attainment if _margin(told)[1] else None), planned


def _sum_of_terms(told):
    return sum(each["count"] * each["weight"] for each in told["formula"]["numerator"])
