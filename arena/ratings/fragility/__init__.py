"""How few votes, raters or questions the order of a board rests on."""
