"""The arm to take: the cheapest one that passes the gate; how ties and unknown costs were decided, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from trainers.arms.config import ARMS, TUNED, ArmName
from trainers.arms.model import ArmResult, Verdict
from trainers.arms.pareto import TIE
from trainers.pairs import Change

Hold = Callable[[ArmName, Sequence[ArmName]], Mapping[ArmName, Change]]
"""The primary metric of other arms against the first, row by row, corrected for how many these are."""


def decide(arms: Sequence[ArmResult], quality: Mapping[ArmName, float], hold: Hold) -> Verdict:
    """Return the verdict.

    Args:
        arms: all of them, judged by the gate.
        quality: mean of the primary metric of those that have one, in the direction in which more is better.
        hold: holds arms against one.
    """
    by_name = {arm.name: arm for arm in arms}
    ranked = sorted(quality, key=lambda name: (-quality[name], ARMS.index(name)))
    best = ranked[0] if ranked else None
    fallback = next((name for name in ranked if name not in TUNED), None)
    passing = [name for name in ARMS if name in by_name and by_name[name].passed]
    said: list[str] = []
    arm = _chosen(passing, by_name, quality, hold, said) if passing else None
    if arm is None:
        reached, why = _unreached(arms)
        said += why
    else:
        reached = True
        said += _dearer(arm, passing, by_name, hold)
        said += _unknown(arms)
    if fallback is not None:
        said.append(_fallback(fallback, arm, by_name))
    return Verdict(arm=arm, best=best, fallback=fallback, reached=reached, said=tuple(said))


def _usd(arm: ArmResult) -> float | None:
    return arm.cost.usd_per_thousand if arm.cost is not None else None


def _chosen(
    passing: list[ArmName], by_name: Mapping[ArmName, ArmResult], quality: Mapping[ArmName, float], hold: Hold,
    said: list[str],
) -> ArmName:  # fmt: skip
    """Return the arm to take of those that pass, in the order of `ARMS`, and say why."""
    if len(passing) == 1:
        said.append(f"{passing[0]} is the only arm that passes the gate")
        return passing[0]
    costs = {name: usd for name in passing if (usd := _usd(by_name[name])) is not None}
    if len(costs) < len(passing):
        unknown = ", ".join(name for name in passing if name not in costs)
        said.append(f"which is cheapest cannot be said: the cost of {unknown} is not known")
        return _simplest(passing, quality, hold, said)
    least = min(costs.values())
    tied = [name for name in passing if costs[name] <= least * (1 + TIE)]
    if len(tied) == 1:
        said.append(f"{tied[0]} is the cheapest of {len(passing)} arms that pass the gate ({_money(least)})")
        return tied[0]
    said.append(f"{' and '.join(tied)} pass and cost the same within {TIE:.0%} ({_money(least)})")
    return _simplest(tied, quality, hold, said)


def _money(usd: float) -> str:
    return f"{usd:.4g} USD for 1,000 calls"


def _simplest(tied: list[ArmName], quality: Mapping[ArmName, float], hold: Hold, said: list[str]) -> ArmName:
    """Return the simplest of arms that are not shown to be worse than the best of them, and say why."""
    top = max(tied, key=lambda name: (quality[name], -ARMS.index(name)))
    worse = [name for name, change in hold(top, tied).items() if change.outcome == "worse"]
    left = [name for name in tied if name not in worse]
    if worse:
        said.append(f"{' and '.join(worse)} {'is' if len(worse) == 1 else 'are'} shown to be worse than {top}")
    if len(left) > 1:
        said.append(f"no difference is shown between {' and '.join(left)}: {left[0]} has the fewest parts to keep")
    return left[0]


def _dearer(arm: ArmName, passing: list[ArmName], by_name: Mapping[ArmName, ArmResult], hold: Hold) -> list[str]:
    """Return what can be had for more."""
    found = []
    for name, change in hold(arm, passing).items():
        if change.outcome != "improved":
            continue
        one, other = _usd(by_name[arm]), _usd(by_name[name])
        price = f" at {other / one:.2f} times the cost" if one and other is not None else ""
        found.append(f"{name} is better still by {100 * (change.gain or 0):.1f} points{price}; a floor asks for it")
    return found


def _unknown(arms: Sequence[ArmResult]) -> list[str]:
    failed = [arm.name for arm in arms if arm.status == "failed" or (arm.status == "measured" and arm.passed is None)]
    return [f"not known of {', '.join(failed)}: run the same command again when it can be measured"] if failed else []


def _unreached(arms: Sequence[ArmResult]) -> tuple[bool | None, list[str]]:
    """Return (False where no arm passes, None where that is not known, why)."""
    if why := _unknown(arms):
        return None, ["no arm is known to pass the gate", *why]
    if not any(arm.status == "measured" and arm.name != "base" for arm in arms):
        return None, ["there is nothing to choose from: no arm but the base was measured"]
    return False, ["no arm passes the gate"]


def _fallback(name: ArmName, arm: ArmName | None, by_name: Mapping[ArmName, ArmResult]) -> str:
    if name == arm:
        return f"{name} needs no training: it is the best untuned arm as well"
    state = {True: "it passes the gate", False: "it does not pass the gate", None: "whether it passes is not known"}
    return f"fallback without training: {name}; {state[by_name[name].passed]}"
