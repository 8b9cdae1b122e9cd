"""Customer scores by brute force: what clients said, and who of them were served and lost."""

SERVICE = ("call", "sale", "rating", "request")  # events that tell of a client who was served


def score_values(things):
    """Return the indices of the ratings and clients of a scope, of {type: things}: {index: (value, base)}."""
    scores = {
        metric: [rating["score"] for rating in things["rating"] if rating["metric"] == metric]
        for metric in ("nps", "csat", "ces")
    }
    promoters = sum(score in {9, 10} for score in scores["nps"])
    detractors = sum(score in {0, 1, 2, 3, 4, 5, 6} for score in scores["nps"])
    satisfied = sum(score in {4, 5} for score in scores["csat"])
    served = {thing["client_id"] for kind in SERVICE for thing in things[kind] if "client_id" in thing}
    lost = {
        rating["client_id"]
        for rating in things["rating"]
        if "client_id" in rating and rating.get("occasion") == "leaving"
    }
    return {
        "nps": share(promoters - detractors, scores["nps"]),
        "csat": share(satisfied, scores["csat"]),
        "ces": share(sum(scores["ces"]), scores["ces"]),
        "churn": share(len(lost), served),
    } | {f"{metric}_answers": (len(given) or None, len(given)) for metric, given in scores.items()}


def share(numerator, members):
    """Return (value, base): a part of so many members, of whom without any there is no value."""
    return (numerator / len(members) if members else None), len(members)
