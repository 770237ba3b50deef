"""Style control as text: ratings without and with it, and what was controlled for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from arena.domain.text import printable
from arena.ratings.covariates import Controlled, ControlledRow, Effect
from arena.reports.tables import CLUSTERS
from arena.reports.text import NOTICE, json_text, number, table_text


def document(found: Controlled, origin: Mapping[str, object], file_format: Literal["table", "json"]) -> str:
    """The whole report; `origin` says where the votes come from."""
    if file_format == "json":
        return json_text({**origin, **found.to_dict()})
    return _text(found)


def _text(found: Controlled) -> str:
    level = f"{found.level * 100:g}% interval"
    ratings = [("Rank", "Contender", "Rating", level, "Controlled", level, "Rank", "Votes")]
    effects = [("Covariate", "Effect", level, "Odds", "One sd is")]
    lines = [
        *table_text([*ratings, *map(_row, found.rows)], left=(1,)),
        "",
        *table_text([*effects, *map(_effect, found.effects)], left=(0,)),
        "",
        "Rating: as on the board. Controlled: what the ratings would be if answers did not differ in the covariates.",
        "Both on the Elo scale (400 points are odds of 10 to 1).",
        "Effect: logits for one standard deviation (sd) more in A's answer than in B's;"
        " position: for standing on side A. Odds: exp(effect).",
        "An effect is no error of the raters: a longer answer may be the better one. The board stays as it is.",
        f"Sandwich intervals by {CLUSTERS.get(found.cluster, found.cluster)}; {found.votes:,} votes.",
        *(f"Warning: {printable(warning)}" for warning in found.warnings),
        NOTICE,
        "",
    ]
    return "\n".join(lines)


def _row(row: ControlledRow) -> tuple[str, ...]:
    return (
        "–" if row.rank is None else str(row.rank),
        row.model,
        number(row.rating),
        f"{number(row.low)} to {number(row.high)}",
        number(row.controlled_rating),
        f"{number(row.controlled_low)} to {number(row.controlled_high)}",
        "–" if row.controlled_rank is None else str(row.controlled_rank),
        str(row.votes),
    )


def _effect(effect: Effect) -> tuple[str, ...]:
    return (
        effect.covariate,
        number(effect.effect, 2),
        f"{number(effect.low, 2)} to {number(effect.high, 2)}",
        number(effect.odds, 2),
        "–" if effect.sd is None else f"{effect.sd:.4g}",
    )
